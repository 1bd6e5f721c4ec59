// The pool after fork(): the parent keeps its threads, the child makes its own.
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <thread>

#include "tests/runtime/fake_kernel.h"

using namespace convc::test;

namespace {

std::atomic<int> iterations;

std::int32_t looping_step(void** argv) {
  return parallel_loop(context_of(argv), 0, 1000, [](void*, int) {
    ++iterations;
    return 0;
  });
}

bool runs_right(const FakeKernel& fake) {
  Call call(fake, 4);
  call.prepare();
  iterations = 0;
  return call.run() == CONVC_OK && iterations == 1000;
}

/// What `child` returns in a forked process. A child that hangs is ended by its alarm.
bool in_child(const std::function<bool()>& child) {
  const pid_t pid = fork();
  if (pid == 0) {
    alarm(60);
    _exit(child() ? 0 : 1);
  }
  int status = 0;
  return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace

TEST_CASE("a child runs loops, and so does its child, and the parent still does") {
  const FakeKernel fake(looping_step, 1000);
  REQUIRE(runs_right(fake));
  CHECK(in_child([&] { return runs_right(fake) && in_child([&] { return runs_right(fake); }); }));
  CHECK(runs_right(fake));
}

TEST_CASE("a child may shut down the pool it inherited") {
  const FakeKernel fake(looping_step, 1000);
  REQUIRE(runs_right(fake));
  CHECK(in_child([&] {
    convc_shutdown();
    const bool right = runs_right(fake);
    convc_shutdown();
    return right;
  }));
}

TEST_CASE("fork while other threads are running loops") {
  const FakeKernel fake(looping_step, 1000);
  std::atomic<bool> stop{false};
  std::thread other([&] {
    Call call(fake, 4);
    call.prepare();
    while (!stop) call.run();
  });
  bool right = true;
  for (int i = 0; i < 20; ++i) right = in_child([&] { return runs_right(fake); }) && right;
  stop = true;
  other.join();
  CHECK(right);
}
