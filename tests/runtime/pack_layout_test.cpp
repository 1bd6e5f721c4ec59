// The packed layouts against their definition in kernel_abi.h, and packings that make no sense.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <memory>
#include <numeric>

#include "convc/pack_layout.h"
#include "tests/runtime/fake_kernel.h"
#include "tests/support/guarded_buffer.h"

using namespace convc::test;

namespace {

constexpr std::uint32_t kNone = CONVC_NO_VARIABLE;

/// One element of a packed layout, straight from its definition in kernel_abi.h.
float expected_element(const convc_packing& p, const std::vector<std::vector<float>>& variables,
                       std::int64_t index) {
  const auto next = [&index](std::int64_t extent) {
    const std::int64_t digit = index % extent;
    index /= extent;
    return digit;
  };
  const std::int64_t lane = next(p.filter_panel), in_block = next(p.channel_block);
  const std::int64_t j = next(p.kernel_width), i = next(p.kernel_height), d = next(p.kernel_depth);
  const std::int64_t c = next(p.channels / p.channel_block) * p.channel_block + in_block;
  // Of a run of panels: one group, or all of them in turn.
  const std::int64_t filters = p.merges_groups != 0 ? p.groups * p.filters : p.filters;
  const std::int64_t panels = (filters + p.filter_panel - 1) / p.filter_panel;
  const std::int64_t place = next(panels) * p.filter_panel + lane, run = index;
  if (place >= filters) return 0;
  const std::int64_t k = place % p.filters, g = run + place / p.filters;
  const auto at = [&](std::uint32_t variable, std::int64_t element) {
    return double{variables[variable][static_cast<std::size_t>(element)]};
  };
  const std::int64_t element = p.first + g * p.group_stride + k * p.filter_stride +
                               c * p.channel_stride + d * p.depth_stride + i * p.row_stride +
                               j * p.column_stride;
  const double x = p.variable == kNone ? p.value : at(p.variable, element);
  if (p.variance == kNone) return static_cast<float>(x);
  const std::int64_t n = g * p.filters + k;
  const double s =
      (p.gamma == kNone ? 1.0 : at(p.gamma, n)) / std::sqrt(at(p.variance, n) + p.epsilon);
  if (p.is_offset == 0) return static_cast<float>(x * s);
  return static_cast<float>((x - at(p.mean, n)) * s + (p.beta == kNone ? 0.0 : at(p.beta, n)));
}

/// Executes the packing on memory that ends at an inaccessible page, and compares all of it.
void check_layout(const convc_packing& p) {
  const auto filters = static_cast<std::size_t>(p.groups * p.filters);
  std::vector<std::vector<float>> variables(5, std::vector<float>(filters));
  variables[0].resize(p.variable_elements);
  std::iota(variables[0].begin(), variables[0].end(), 1.0F);
  for (std::size_t v = 1; v < 5; ++v) {
    for (std::size_t i = 0; i < filters; ++i) variables[v][i] = static_cast<float>(i + v) * 0.7F;
  }
  std::vector<std::unique_ptr<GuardedBuffer>> sources;
  std::vector<const void*> pointers;
  for (const auto& variable : variables) {
    sources.push_back(std::make_unique<GuardedBuffer>(variable.size()));
    std::copy(variable.begin(), variable.end(), sources.back()->data());
    pointers.push_back(sources.back()->data());
  }
  const auto elements = static_cast<std::size_t>(convc_packing_bytes(&p) / 4);
  REQUIRE(elements > 0);
  for (const Flush flush : {Flush::end, Flush::start}) {
    GuardedBuffer destination(elements, flush);
    convc_pack_variable(&p, pointers.data(), destination.data());
    for (std::size_t i = 0; i < elements; ++i) {
      INFO("element " << i);
      REQUIRE(destination[i] == expected_element(p, variables, static_cast<std::int64_t>(i)));
    }
  }
}

}  // namespace

TEST_CASE("packed layouts are those of kernel_abi.h, and stay within their memory") {
  convc_packing p = panels_packing(3, 2, 6, 7, 4, 3);
  SECTION("several panels and blocks, a ragged last panel") {}
  SECTION("one block") {
    p.channel_block = 6;
  }
  SECTION("blocks of one channel") {
    p.channel_block = 1;
  }
  SECTION("panels of one filter") {
    p.filter_panel = 1;
  }
  SECTION("a panel wider than the filters, and than what is packed at a time") {
    p = panels_packing(3, 2, 6, 70, 128, 3);
  }
  SECTION("panels that fit exactly") {
    p = panels_packing(3, 2, 6, 8, 4, 3);
  }
  SECTION("pointwise") {
    p = panels_packing(1, 1, 6, 7, 4, 3);
  }
  SECTION("three axes and groups, apart or as one run of panels") {
    p.merges_groups = GENERATE(0U, 1U);
    p.groups = 2;
    p.kernel_depth = 4;
    p.group_stride = 7;  // filters of all groups are neighbours: 14 of them
    p.channel_stride = 14;
    p.column_stride = 84;
    p.row_stride = 168;
    p.depth_stride = 504;
    p.variable_elements = 4 * 504;
  }
  SECTION("OIHW") {
    p.column_stride = 1;
    p.row_stride = 2;
    p.channel_stride = 6;
    p.filter_stride = 36;
  }
  SECTION("taps in reverse, every second one") {
    p = panels_packing(2, 2, 6, 7, 4, 3);
    p.variable_elements = 5 * 3 * 42;  // a 5x3 kernel; rows 4, 2; columns 2, 0
    p.first = 4 * 3 * 42 + 2 * 42;
    p.row_stride = -2 * 3 * 42;
    p.column_stride = -2 * 42;
  }
  SECTION("one filter for all") {
    p.filter_stride = 0;
    p.channel_stride = 1;
    p.column_stride = 6;
    p.row_stride = 12;
    p.variable_elements = 36;
  }
  SECTION("groups of fewer filters than a panel holds, normalized, as one run") {
    p = panels_packing(3, 2, 6, 3, 16, 3);
    p.groups = 7;
    p.merges_groups = 1;
    p.group_stride = 108;
    p.variable_elements *= 7;
    p.variance = 4;
    p.gamma = 1;
  }
  SECTION("normalized, with and without gamma") {
    p.variance = 4;
    p.epsilon = 0.001;
    p.gamma = GENERATE(1U, kNone);
  }
  check_layout(p);
}

TEST_CASE("vectors are padded with zeros to whole panels") {
  convc_packing p = vector_packing(0, 5, 4);
  SECTION("a bias") {}
  SECTION("groups as one run") {
    p.groups = 3;
    p.filters = 2;  // 6 in all
    p.merges_groups = 1;
    p.group_stride = 2;
    p.variable_elements = 6;
    CHECK(convc_packing_bytes(&p) == 8 * 4);
    check_layout(p);
    return;
  }
  SECTION("groups, each of whole panels") {
    p.groups = 3;
    p.group_stride = 5;
    p.variable_elements = 15;
  }
  SECTION("a number") {
    p.variable = kNone;
    p.variable_elements = 0;
    p.value = 2.5;
  }
  SECTION("a normalization's scale") {
    p.variable = kNone;
    p.variable_elements = 0;
    p.value = 1;
    p.variance = 4;
    p.gamma = 1;
  }
  SECTION("a normalization's offset; a folded one's bias") {
    p.variable = GENERATE(0U, kNone);
    if (p.variable == kNone) p.variable_elements = 0;
    p.mean = 3;
    p.variance = 4;
    p.epsilon = 1.5;
    p.is_offset = 1;
    p.gamma = GENERATE(1U, kNone);
    p.beta = GENERATE(2U, kNone);
  }
  CHECK(convc_packing_bytes(&p) == static_cast<std::uint64_t>(p.groups) * 8 * 4);
  check_layout(p);
}

TEST_CASE("a vector is rounded once") {
  // (1/3 - 1) / sqrt(3) + 1e-9 in double, then float.
  convc_packing p = vector_packing(kNone, 1, 1);
  p.variable_elements = 0;
  p.value = 1.0 / 3;
  p.mean = 0;
  p.variance = 1;
  p.beta = 2;
  p.is_offset = 1;
  const float mean = 1, variance = 3, beta = 1e-9F;
  const void* const variables[] = {&mean, &variance, &beta};
  float packed = 0;
  convc_pack_variable(&p, variables, &packed);
  CHECK(packed == static_cast<float>((1.0 / 3 - 1) / std::sqrt(3.0) + double{1e-9F}));
}

TEST_CASE("packings that make no sense have no size and write nothing") {
  convc_packing p = panels_packing(3, 2, 6, 7, 4, 3);
  REQUIRE(convc_packing_bytes(&p) == 2 * 4 * 36 * 4);
  SECTION("unknown kind") {
    p.kind = 9;
  }
  SECTION("no filters") {
    p.filters = 0;
  }
  SECTION("no groups") {
    p.groups = 0;
  }
  SECTION("negative height") {
    p.kernel_height = -3;
  }
  SECTION("no depth") {
    p.kernel_depth = 0;
  }
  SECTION("no panel") {
    p.filter_panel = 0;
  }
  SECTION("no block") {
    p.channel_block = 0;
  }
  SECTION("a block that does not divide") {
    p.channel_block = 4;
  }
  SECTION("64 bits overflow") {
    p.filters = INT64_MAX;
    p.channels = 3;
  }
  SECTION("groups whose filters together overflow") {
    p.groups = INT64_MAX / 2;
    p.merges_groups = 1;
  }
  SECTION("a panel that overflows") {
    p.filter_panel = INT64_MAX;
  }
  SECTION("an element too few") {
    p.variable_elements -= 1;
  }
  SECTION("an element too far") {
    p.first = 1;
  }
  SECTION("before the first element") {
    p.row_stride = -p.row_stride;
  }
  SECTION("a stride that overflows") {
    p.column_stride = INT64_MIN;
  }
  SECTION("a stride that just does not overflow") {
    p.row_stride = INT64_MAX / 2;
  }
  SECTION("first beyond") {
    p.first = INT64_MAX;
  }
  SECTION("more elements than there can be") {
    p.variable_elements = UINT64_MAX;
  }
  SECTION("panels of no variable") {
    p.variable = kNone;
  }
  SECTION("a vector with taps") {
    p.kind = CONVC_PACK_VECTOR;
  }
  SECTION("an offset without a normalization") {
    p = vector_packing(0, 5, 4);
    p.is_offset = 1;
  }
  SECTION("an offset without a mean") {
    p = vector_packing(0, 5, 4);
    p.is_offset = 1;
    p.variance = 1;
  }
  CHECK(convc_packing_bytes(&p) == 0);
  convc_pack_variable(&p, nullptr, nullptr);
}
