// The guards must really guard: each access that they exist for is tried in a child process.
#include "generators/driver/guarded_buffer.h"

#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdint>
#include <cstring>
#include <functional>

using namespace convc;

namespace {

/// True when `access` kills a child process with SIGSEGV.
bool faults(const std::function<void()>& access) {
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    signal(SIGSEGV, SIG_DFL);
    access();
    _exit(0);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV;
}

char read(const volatile char* address) {
  return *address;
}

}  // namespace

TEST_CASE("data is inside, and what lies beyond the guard pages faults") {
  for (std::size_t bytes : {4u, 100u, 4096u, 10000u}) {
    GuardedBuffer end("x", bytes, 4, Placement::at_end);
    auto* data = static_cast<char*>(end.data());
    std::memset(data, 1, bytes);
    CHECK(faults([&] { read(data + bytes); }));
    CHECK(end.surroundings_intact());

    GuardedBuffer start("x", bytes, 4, Placement::at_start);
    data = static_cast<char*>(start.data());
    std::memset(data, 1, bytes);
    CHECK(faults([&] { read(data - 1); }));
    CHECK(start.surroundings_intact());
  }
}

TEST_CASE("alignment is what was asked, and at an odd offset no better") {
  for (Placement placement : {Placement::at_end, Placement::at_start, Placement::at_odd_offset}) {
    GuardedBuffer buffer("x", 100, 64, placement);
    CHECK(reinterpret_cast<std::uintptr_t>(buffer.data()) % 64 == 0);
  }
  GuardedBuffer odd("x", 128, 4, Placement::at_odd_offset);
  CHECK(reinterpret_cast<std::uintptr_t>(odd.data()) % 8 == 4);
}

TEST_CASE("a write beside the data is noticed where no guard page is") {
  GuardedBuffer buffer("x", 100, 64, Placement::at_end);
  auto* data = static_cast<char*>(buffer.data());
  data[99] = 1;
  CHECK(buffer.surroundings_intact());
  data[100] = 1;
  CHECK_FALSE(buffer.surroundings_intact());
}

TEST_CASE("read-only data cannot be written") {
  GuardedBuffer buffer("x", 100, 4, Placement::at_end);
  buffer.make_read_only();
  auto* data = static_cast<volatile char*>(buffer.data());
  CHECK_FALSE(faults([&] { read(data); }));
  CHECK(faults([&] { data[5] = 1; }));
}

TEST_CASE("a fault is told in words") {
  GuardedBuffer output("output", 100, 4, Placement::at_end);
  const char* data = static_cast<const char*>(output.data());
  char text[100];
  REQUIRE(describe_fault(data + 104, text, sizeof text));
  CHECK(std::string(text) == "an access 4 bytes past the end of `output`");
  REQUIRE(describe_fault(data - 4096, text, sizeof text));
  CHECK(std::string(text) == "an access 4096 bytes before the start of `output`");
  REQUIRE(describe_fault(data + 5, text, sizeof text));
  CHECK(std::string(text) == "a write to `output`, which is only for reading");
  CHECK_FALSE(describe_fault(&text, text, sizeof text));
}
