#include "generators/driver/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace convc {
namespace {

bool stderr_moves_its_cursor() {
  const char* terminal = std::getenv("TERM");
  return isatty(STDERR_FILENO) == 1 && terminal && std::string_view(terminal) != "dumb";
}

std::size_t terminal_columns() {
  winsize size{};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

}  // namespace

Progress::Progress(std::string verb, std::size_t total)
    : verb_(std::move(verb)), total_(total), enabled_(stderr_moves_its_cursor()) {}

Progress::~Progress() {
  clear();
}

void Progress::show(std::size_t done, const std::string& item) {
  if (!enabled_) return;
  std::string line =
      "[" + std::to_string(done) + "/" + std::to_string(total_) + "] " + verb_ + " " + item;
  line.resize(std::min(line.size(), terminal_columns() - 1));
  std::fprintf(stderr, "\r\x1b[K%s", line.c_str());
  std::fflush(stderr);
  shown_ = true;
}

void Progress::clear() {
  if (!shown_) return;
  std::fputs("\r\x1b[K", stderr);
  std::fflush(stderr);
  shown_ = false;
}

}  // namespace convc
