// Parallel loops: every iteration once, whatever the pool; concurrent callers; the caller's own
// pool.
#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "runtime/src/internal.h"
#include "tests/runtime/fake_kernel.h"

using namespace convc::test;

namespace {

constexpr int kTasks = 997;

/// Iterations -500, -499, ... so that `min` matters; each counts itself in the output's owner.
struct Counts {
  std::array<std::atomic<int>, kTasks> runs{};
  std::atomic<int> most_threads{0};
  std::atomic<int> running{0};
};

thread_local Counts* counts;  // of the calling thread

std::int32_t counting_step(void** argv) {
  Counts* mine = counts;
  return parallel_loop(context_of(argv), -500, kTasks, [mine](void*, int index) {
    const int running = ++mine->running;
    int most = mine->most_threads;
    while (running > most && !mine->most_threads.compare_exchange_weak(most, running)) {
    }
    ++mine->runs[static_cast<std::size_t>(index) + 500];
    --mine->running;
    return 0;
  });
}

bool each_once(const Counts& c) {
  for (const auto& runs : c.runs) {
    if (runs != 1) return false;
  }
  return true;
}

convc_status run_counting(Call& call, Counts& c) {
  counts = &c;
  return call.run();
}

}  // namespace

TEST_CASE("every iteration runs once, on at most the threads asked for") {
  const FakeKernel fake(counting_step, kTasks);
  const auto threads = GENERATE(1u, 2u, 3u, 8u, 40u);
  Call call(fake, threads);
  call.prepare();
  for (int i = 0; i < 20; ++i) {
    Counts c;
    REQUIRE(run_counting(call, c) == CONVC_OK);
    REQUIRE(each_once(c));
    REQUIRE(c.most_threads <= static_cast<int>(threads));
  }
}

TEST_CASE("the pool's threads do take part") {
  REQUIRE(convc_start_threads(2) >= 2);
  static std::atomic<int> here;
  here = 0;
  // Two iterations that wait for one another: only two threads at once get through. A bounded wait,
  // so that a pool without threads fails instead of hanging.
  const FakeKernel fake(
      [](void** argv) -> std::int32_t {
        return parallel_loop(context_of(argv), 0, 2, [](void*, int) {
          ++here;
          const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
          while (here < 2 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
          return here == 2 ? 0 : 1;
        });
      },
      2);
  Call call(fake, 2);
  call.prepare();
  CHECK(call.run() == CONVC_OK);
}

TEST_CASE("the pool runs any number of indices, each once") {
  for (const std::size_t count : {0, 1, 2, 3, 256}) {
    std::vector<std::atomic<int>> runs(count + 1);
    convc_impl_pool_run(
        [](void* data, std::size_t index) {
          ++(*static_cast<std::vector<std::atomic<int>>*>(data))[index];
        },
        &runs, count);
    for (std::size_t i = 0; i <= count; ++i) REQUIRE(runs[i] == (i < count ? 1 : 0));
  }
}

TEST_CASE("empty and negative loops do nothing") {
  const FakeKernel fake([](void** argv) -> std::int32_t {
    return parallel_loop(context_of(argv), 5, 0, [](void*, int) { return 1; }) +
           parallel_loop(context_of(argv), 5, -3, [](void*, int) { return 1; });
  });
  Call call(fake, 4);
  call.prepare();
  CHECK(call.run() == CONVC_OK);
}

TEST_CASE("a failing iteration stops the loop and is reported") {
  static std::atomic<int> later;
  later = 0;
  const FakeKernel fake(
      [](void** argv) -> std::int32_t {
        return parallel_loop(context_of(argv), 0, 100000, [](void*, int index) {
          if (index > 50000) ++later;
          return index == 3 ? -42 : 0;
        });
      },
      100000);
  Call call(fake, GENERATE(1u, 4u));
  call.prepare();
  CHECK(call.run() == CONVC_INTERNAL);
  CHECK(error_says("expected 0, got -42"));
  if (call.options.threads == 1) CHECK(later == 0);
}

TEST_CASE("many callers at once share the pool") {
  const FakeKernel fake(counting_step, kTasks);
  std::atomic<int> wrong{0};
  std::vector<std::thread> callers;
  for (unsigned t = 0; t < 6; ++t) {
    callers.emplace_back([&, t] {
      Call call(fake, 1 + t);
      call.prepare();
      for (int i = 0; i < 50; ++i) {
        Counts c;
        if (run_counting(call, c) != CONVC_OK || !each_once(c)) ++wrong;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  CHECK(wrong == 0);
}

TEST_CASE("the pool can be shut down and comes back") {
  const FakeKernel fake(counting_step, kTasks);
  Call call(fake, 3);
  call.prepare();
  for (int i = 0; i < 5; ++i) {
    Counts c;
    CHECK(run_counting(call, c) == CONVC_OK);
    CHECK(each_once(c));
    convc_shutdown();
    convc_shutdown();
  }
  CHECK(convc_start_threads(4) == 4);
  CHECK(convc_start_threads(2) == 4);  // never shrinks
  convc_shutdown();
  CHECK(convc_start_threads(1) == 1);
}

TEST_CASE("idle threads sleep and wake up again") {
  const FakeKernel fake(counting_step, kTasks);
  Call call(fake, 3);
  call.prepare();
  for (int i = 0; i < 5; ++i) {
    Counts c;
    CHECK(run_counting(call, c) == CONVC_OK);
    CHECK(each_once(c));
    std::this_thread::sleep_for(std::chrono::milliseconds(5));  // well past the spinning
  }
}

namespace {

/// A pool of the caller's: fresh threads for every loop.
void run_on_threads(void* context, void (*task)(void*, std::size_t), void* data,
                    std::size_t count) {
  static_cast<std::atomic<std::size_t>*>(context)->store(count);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < count; ++i) threads.emplace_back(task, data, i);
  for (std::thread& thread : threads) thread.join();
}

void run_backwards(void*, void (*task)(void*, std::size_t), void* data, std::size_t count) {
  while (count-- > 0) task(data, count);
}

void run_none(void*, void (*)(void*, std::size_t), void*, std::size_t) {}

void run_twice(void*, void (*task)(void*, std::size_t), void* data, std::size_t count) {
  for (std::size_t i = 0; i < 2 * count; ++i) task(data, i % count);
}

}  // namespace

TEST_CASE("the caller's pool is used") {
  const FakeKernel fake(counting_step, kTasks);
  Call call(fake, 4);
  call.prepare();
  std::atomic<std::size_t> count{0};
  convc_pool pool{&count, run_on_threads};
  call.options.pool = &pool;
  Counts c;
  SECTION("threads") {
    CHECK(run_counting(call, c) == CONVC_OK);
    CHECK(count == 4);
  }
  SECTION("serial and backwards") {
    pool.parallel_for = run_backwards;
    CHECK(run_counting(call, c) == CONVC_OK);
  }
  SECTION("indices run twice") {
    pool.parallel_for = run_twice;
    CHECK(run_counting(call, c) == CONVC_OK);
  }
  SECTION("one thread needs no pool") {
    call.options.threads = 1;
    CHECK(run_counting(call, c) == CONVC_OK);
    CHECK(count == 0);
  }
  CHECK(each_once(c));
}

TEST_CASE("a pool that skips tasks is found out") {
  const FakeKernel fake(counting_step, kTasks);
  Call call(fake, 4);
  call.prepare();
  const convc_pool pool{nullptr, run_none};
  call.options.pool = &pool;
  Counts c;
  CHECK(run_counting(call, c) == CONVC_INVALID_OPTIONS);
  CHECK(error_says("fake_kernel: options.pool: expected parallel_for to call every task"));
}
