// InputError: a checked Module asks for what no library can hold, which shows only when memory is
// laid out. Caught in compile.cpp and told to the user. Plain C++.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>

namespace convc {

class InputError : public std::runtime_error {
 public:
  InputError(const std::string& what, std::string help)
      : std::runtime_error(what), help_(std::move(help)) {}
  [[nodiscard]] const std::string& help() const { return help_; }

 private:
  std::string help_;
};

}  // namespace convc
