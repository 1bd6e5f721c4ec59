// Scratch sizes of small Halide pipelines, against arithmetic by hand.
#include "generators/emit/scratch_size.h"

#include <Halide.h>

#include <catch2/catch.hpp>

#include "generators/emit/internal_error.h"

namespace convc {
namespace {

using Halide::Func;
using Halide::MemoryType;
using Halide::Var;

constexpr int kRows = 12;
constexpr int kColumns = 8192;

Halide::Target target() {
  return Halide::Target("x86-64-linux-no_runtime-no_asserts-no_bounds_query-user_context");
}

/// Makes the two dimensions of `output` constants.
void fix_size(Func output) {
  const int extents[] = {kColumns, kRows};
  for (int index = 0; index < 2; ++index) {
    output.output_buffer().dim(index).set_bounds(0, extents[index]);
  }
}

/// out(x, y) = stage(x, y) + 1 over a fixed size; `stage` is a row of 32 KiB and more.
struct TwoStages {
  Var x{"x"}, y{"y"};
  Func stage{"stage"}, out{"out"};
  Halide::ImageParam input{Halide::Float(32), 2, "input"};

  TwoStages() {
    stage(x, y) = input(x, y) * 2.0f;
    out(x, y) = stage(x, y) + 1.0f;
    fix_size(out);
    stage.compute_at(out, y);
  }
  ScratchSize measure() {
    return measure_scratch(out.compile_to_module({input}, "kernel", target()));
  }
};

constexpr std::int64_t kRowBytes = kColumns * 4;

TEST_CASE("an allocation outside parallel loops is shared", "[scratch]") {
  TwoStages p;
  const ScratchSize size = p.measure();
  CHECK(size.shared_bytes == kRowBytes);
  CHECK(size.thread_bytes == 0);
  CHECK(size.max_tasks == 1);
}

TEST_CASE("an allocation inside a parallel loop is per thread", "[scratch]") {
  TwoStages p;
  p.out.parallel(p.y);
  const ScratchSize size = p.measure();
  CHECK(size.shared_bytes == 0);
  CHECK(size.thread_bytes == kRowBytes);
  CHECK(size.max_tasks == kRows);
}

TEST_CASE("small allocations stay on the stack unless asked for", "[scratch]") {
  for (const bool on_heap : {false, true}) {
    TwoStages p;
    // 1024 floats = 4 KiB
    Var outer{"outer"}, inner{"inner"};
    p.out.split(p.x, outer, inner, 1024);
    p.stage.compute_at(p.out, outer);
    if (on_heap) p.stage.store_in(MemoryType::Heap);
    CHECK(p.measure().shared_bytes == (on_heap ? 4096 : 0));
  }
}

TEST_CASE("sizes are rounded up to whole lines", "[scratch]") {
  TwoStages p;
  Var outer{"outer"}, inner{"inner"};
  p.out.split(p.x, outer, inner, 5, Halide::TailStrategy::ShiftInwards);
  p.stage.compute_at(p.out, outer).store_in(MemoryType::Heap);
  CHECK(p.measure().shared_bytes == 64);
}

TEST_CASE("allocations that nest add up", "[scratch]") {
  TwoStages p;
  Func last("last");
  last(p.x, p.y) = p.out(p.x, p.y) + p.stage(p.x, p.y);
  fix_size(last);
  p.stage.compute_at(last, p.y);
  p.out.compute_at(last, p.y);
  const ScratchSize size = measure_scratch(last.compile_to_module({p.input}, "kernel", target()));
  CHECK(size.shared_bytes == 2 * kRowBytes);
}

TEST_CASE("what no plan may lead to is a bug of ours", "[scratch]") {
  SECTION("a parallel loop inside another") {
    TwoStages p;
    p.out.parallel(p.y).parallel(p.x);
    CHECK_THROWS_WITH(p.measure(), Catch::Contains("stands inside another"));
  }
  SECTION("an allocation too large for the stack") {
    TwoStages p;
    p.stage.store_in(MemoryType::Stack);
    CHECK_THROWS_WITH(p.measure(), Catch::Contains("too large for the stack"));
  }
  SECTION("an allocation of open size") {
    Var x{"x"};
    Func stage("stage"), out("out");
    stage(x) = Halide::cast<float>(x);
    out(x) = stage(x) + 1.0f;
    stage.compute_root();
    CHECK_THROWS_WITH(measure_scratch(out.compile_to_module({}, "kernel", target())),
                      Catch::Contains("is not a constant"));
  }
}

}  // namespace
}  // namespace convc
