// convc_run asks the system for no memory once the pool's threads exist. This program's malloc
// counts.
#include <atomic>
#include <cstdio>
#include <cstdlib>

#include "tests/runtime/fake_kernel.h"

// Sanitizers bring their own malloc.
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
#define CONVC_TEST_SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CONVC_TEST_SANITIZED 1
#endif

#if defined(CONVC_TEST_SANITIZED) || !defined(__GLIBC__)
int main() {
  std::puts("[SKIP] counting allocations needs glibc's malloc, without a sanitizer's");
  return 77;
}
#else

namespace {
std::atomic<long> allocations;
}

extern "C" {
void* __libc_malloc(std::size_t bytes);
void* __libc_calloc(std::size_t count, std::size_t bytes);
void* __libc_realloc(void* pointer, std::size_t bytes);
void* __libc_memalign(std::size_t alignment, std::size_t bytes);

void* malloc(std::size_t bytes) {
  ++allocations;
  return __libc_malloc(bytes);
}
void* calloc(std::size_t count, std::size_t bytes) {
  ++allocations;
  return __libc_calloc(count, bytes);
}
void* realloc(void* pointer, std::size_t bytes) {
  ++allocations;
  return __libc_realloc(pointer, bytes);
}
void* aligned_alloc(std::size_t alignment, std::size_t bytes) {
  ++allocations;
  return __libc_memalign(alignment, bytes);
}
}

namespace {

using namespace convc::test;

int failures = 0;

void expect(bool condition, const char* what) {
  if (condition) return;
  ++failures;
  std::printf("FAILED: %s\n", what);
}

std::int32_t allocating_step(void** argv) {
  void* context = context_of(argv);
  void* shared = convc_rt_malloc(context, 500);
  // No std::function here: it might allocate.
  const auto task = [](void* task_context, int, std::uint8_t*) {
    convc_rt_free(task_context, convc_rt_malloc(task_context, 200));
    return 0;
  };
  const int result = convc_rt_do_par_for(context, task, 0, 50, nullptr);
  convc_rt_free(context, shared);
  return result;
}

}  // namespace

int main() {
  FakeKernel fake(allocating_step, 50);
  fake.plan_scratch(512, 256);
  Call call(fake, 4);
  call.prepare();
  long before = allocations;
  std::free(std::malloc(1));
  expect(allocations == before + 1, "the count works");

  convc_start_threads(4);
  before = allocations;
  for (int i = 0; i < 100; ++i) expect(call.run() == CONVC_OK, "the call runs");
  expect(allocations == before, "a right call allocates nothing");

  call.workspace_bytes -= 1;
  expect(call.run() == CONVC_TOO_SMALL, "a small workspace is refused");
  before = allocations;
  for (int i = 0; i < 100; ++i) expect(call.run() == CONVC_TOO_SMALL, "again");
  expect(allocations == before, "a wrong call allocates nothing");
  convc_shutdown();
  std::puts(failures == 0 ? "ok" : "failed");
  return failures == 0 ? 0 : 1;
}
#endif
