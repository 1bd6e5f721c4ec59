// Memory of generated code: where it comes from, that it is reused, and what happens when it is not
// enough.
#include <array>
#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "tests/runtime/fake_kernel.h"

using namespace convc::test;

namespace {

/// What steps below are to do; set by each test before it runs a call.
std::function<std::int32_t(void* user_context)> step_body;

std::int32_t run_step_body(void** argv) {
  return step_body(context_of(argv));
}

unsigned char* allocate(void* context, std::size_t bytes) {
  return static_cast<unsigned char*>(convc_rt_malloc(context, bytes));
}

bool inside(const void* pointer, const Call& call) {
  const auto* p = static_cast<const unsigned char*>(pointer);
  const auto* first = static_cast<const unsigned char*>(call.workspace);
  return p >= first + CONVC_WORKSPACE_GUARD_BYTES &&
         p < first + call.workspace_bytes - CONVC_WORKSPACE_GUARD_BYTES;
}

}  // namespace

TEST_CASE("scratch is aligned, in the workspace, distinct, and comes back in any order") {
  FakeKernel fake(run_step_body);
  fake.plan_scratch(64 + 128 + 192, 0);
  Call call(fake);
  call.prepare();
  std::vector<std::string> wrong;
  step_body = [&](void* context) {
    unsigned char* blocks[3];
    for (int round = 0; round < 100; ++round) {
      for (int i = 0; i < 3; ++i) {
        const auto bytes = static_cast<std::size_t>(64 * (i + 1) - round % 60);
        blocks[i] = allocate(context, bytes);
        if (reinterpret_cast<std::uintptr_t>(blocks[i]) % 64 != 0) wrong.push_back("alignment");
        if (!inside(blocks[i], call)) wrong.push_back("outside");
        std::memset(blocks[i], i, bytes);
      }
      for (int i = 0; i < 3; ++i) {
        if (*blocks[i] != i) wrong.push_back("overlap");
      }
      const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
      for (const int i : orders[round % 6]) convc_rt_free(context, blocks[i]);
    }
    convc_rt_free(context, nullptr);
    return 0;
  };
  CHECK(call.run() == CONVC_OK);
  CHECK(wrong.empty());
}

TEST_CASE("a block freed on top is reused while those below live") {
  FakeKernel fake(run_step_body);
  fake.plan_scratch(256, 0);
  Call call(fake);
  call.prepare();
  bool reused = true;
  step_body = [&](void* context) {
    void* below = allocate(context, 128);
    void* first = allocate(context, 128);
    for (int i = 0; i < 50; ++i) {
      convc_rt_free(context, first);
      reused = reused && allocate(context, 100) == first;
    }
    convc_rt_free(context, below);
    convc_rt_free(context, first);
    return 0;
  };
  CHECK(call.run() == CONVC_OK);
  CHECK(reused);
}

TEST_CASE("scratch planned too small ends in a status, not in a crash") {
  FakeKernel fake(run_step_body);
  fake.plan_scratch(64, 0);
  Call call(fake);
  call.prepare();
  SECTION("in one block") {
    step_body = [](void* context) {
      unsigned char* block = allocate(context, 1000);
      std::memset(block - 8, 1, 1000 + 16);  // Halide may touch 8 bytes on both sides
      convc_rt_free(context, block);
      return 0;
    };
    CHECK(call.run() == CONVC_INTERNAL);
    CHECK(
        error_says("fake_kernel: scratch of layer: expected it to fit the planned workspace, got "
                   "1000 bytes beyond"));
  }
  SECTION("by a single byte") {
    fake.plan_scratch(192, 0);
    call.prepare();
    step_body = [](void* context) {
      void* first = allocate(context, 64);
      convc_rt_free(context, allocate(context, 128));  // exactly what is left
      convc_rt_free(context, allocate(context, 129));
      convc_rt_free(context, first);
      return 0;
    };
    CHECK(call.run() == CONVC_INTERNAL);
    CHECK(error_says("got 129 bytes beyond"));
  }
  SECTION("in too many blocks") {
    fake.plan_scratch(100 * 64, 0);
    call.prepare();
    step_body = [](void* context) {
      std::vector<void*> blocks;
      for (int i = 0; i < CONVC_MAX_LIVE_ALLOCATIONS + 1; ++i) {
        blocks.push_back(allocate(context, 64));
      }
      for (void* block : blocks) convc_rt_free(context, block);
      return 0;
    };
    CHECK(call.run() == CONVC_INTERNAL);
  }
  SECTION("the next call is not affected") {
    step_body = [](void* context) {
      convc_rt_free(context, allocate(context, 64));
      return 0;
    };
    CHECK(call.run() == CONVC_OK);
  }
}

TEST_CASE("a kernel without scratch needs no workspace") {
  FakeKernel fake(run_step_body);
  for (convc_variant& variant : fake.variants) {
    variant.workspace_bytes = variant.scratch_offset_bytes = 0;
  }
  fake.steps[0].argument_count = 4;
  Call call(fake);
  call.prepare();
  CHECK(call.workspace_bytes == 0);
  call.workspace = nullptr;
  step_body = [](void*) { return 0; };
  CHECK(call.run() == CONVC_OK);
}

TEST_CASE("threads of a loop have scratch of their own") {
  FakeKernel fake(run_step_body, 64);
  fake.plan_scratch(64, 256);
  const auto threads = GENERATE(1u, 2u, 4u, 9u);
  Call call(fake, threads);
  call.prepare();
  std::atomic<int> wrong{0};
  std::mutex mutex;
  std::set<void*> places;
  step_body = [&](void* context) {
    void* shared = allocate(context, 64);
    const int result = parallel_loop(context, 0, 64, [&](void* task_context, int index) {
      unsigned char* a = allocate(task_context, 128);
      unsigned char* b = allocate(task_context, 128);
      if (!inside(a, call) || !inside(b, call) || a == shared) ++wrong;
      std::memset(a, index, 128);
      std::memset(b, index, 128);
      // A loop within the loop is serial and shares this worker's slice.
      const int inner = parallel_loop(task_context, 0, 3, [&](void* inner_context, int) {
        return inner_context == task_context ? 0 : 1;
      });
      for (int i = 0; i < 128; ++i) {
        if (a[i] != index || b[i] != index) ++wrong;
      }
      convc_rt_free(task_context, a);
      convc_rt_free(task_context, b);
      const std::lock_guard<std::mutex> lock(mutex);
      places.insert(a);
      return inner;
    });
    convc_rt_free(context, shared);
    return result;
  };
  CHECK(call.run() == CONVC_OK);
  CHECK(wrong == 0);
  CHECK(places.size() >= 1);
  CHECK(places.size() <= threads);
}

TEST_CASE("two threads that hold scratch at the same time hold different memory") {
  REQUIRE(convc_start_threads(2) >= 2);
  FakeKernel fake(run_step_body, 2);
  fake.plan_scratch(0, 256);
  Call call(fake, 2);
  call.prepare();
  std::array<std::atomic<unsigned char*>, 2> blocks{};
  step_body = [&](void* context) {
    return parallel_loop(context, 0, 2, [&](void* task_context, int index) {
      unsigned char* block = allocate(task_context, 256);
      blocks[static_cast<std::size_t>(index)] = block;
      // Until the other one has its block too; bounded, so that a broken pool fails, not hangs.
      const auto& other = blocks[static_cast<std::size_t>(1 - index)];
      const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
      while (other == nullptr && std::chrono::steady_clock::now() < deadline) {
        std::this_thread::yield();
      }
      convc_rt_free(task_context, block);
      return other == nullptr ? 1 : 0;
    });
  };
  REQUIRE(call.run() == CONVC_OK);
  CHECK(std::abs(blocks[0] - blocks[1]) >= 256);
}
