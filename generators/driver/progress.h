// One line on the terminal that says how far long work is. Nothing at all when stderr is a pipe or
// a file.
#pragma once

#include <cstddef>
#include <string>

namespace convc {

class Progress {
 public:
  /// `verb` as in "compiling"; `total` steps.
  Progress(std::string verb, std::size_t total);
  /// Removes the line.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// `item` is being worked on, or was just finished.
  void show(std::size_t done, const std::string& item);
  /// Removes the line, so that something else can be printed; the next show() brings it back.
  void clear();

 private:
  std::string verb_;
  std::size_t total_;
  bool enabled_;
  bool shown_ = false;
};

}  // namespace convc
