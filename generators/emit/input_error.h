// InputError: a checked Module asks for what no library can hold, which shows only when memory is
// laid out. Caught in compile.cpp and told to the user. Plain C++.
#pragma once

#include <stdexcept>
#include <string>

namespace convc {

class InputError : public std::runtime_error {
 public:
  explicit InputError(const std::string& what) : std::runtime_error(what) {}
};

}  // namespace convc
