// InternalError: a promise between rooms of convc that does not hold. It is caught at one place
// (worker.cpp, compile.cpp) and told to the user as a bug in convc. Plain C++.
#pragma once

#include <stdexcept>
#include <string>

namespace convc {

class InternalError : public std::logic_error {
 public:
  explicit InternalError(const std::string& what) : std::logic_error(what) {}
};

}  // namespace convc
