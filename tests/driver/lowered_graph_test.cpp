// A lowered graph, executed in float32 without any plan, stays within the bounds of the graph as it
// was written: lowering changes no result, and bounds hold for every kind of layer and chain.
#include <catch2/catch.hpp>
#include <cmath>

#include "dsl/printer.h"
#include "generators/driver/expectation.h"
#include "generators/plan/lowering.h"
#include "tests/driver/float_interpreter.h"
#include "tests/support/random_spec.h"
#include "tests/support/seed.h"

using namespace convc;

namespace {

struct Tally {
  int exact = 0, bounded = 0;
  double largest_of_bound = 0;
};

void check(const Graph& written, DataKind kind, std::uint64_t seed, Tally& tally) {
  const TestData data = make_test_data(written, kind, seed, {});
  const std::vector<Bounded> expected = expect(written, data, {});
  const Graph lowered = lower(written);
  const auto got = test::interpret(lowered, written, data);
  REQUIRE(got.size() == expected.size());
  for (std::size_t o = 0; o < got.size(); ++o) {
    REQUIRE(got[o].size() == expected[o].value.size());
    for (std::size_t i = 0; i < got[o].size(); ++i) {
      const double value = expected[o].value[i], allowed = expected[o].error[i];
      if (!can_be_held(value, allowed)) continue;
      const double error = std::fabs(static_cast<double>(got[o][i]) - value);
      if (!(error <= allowed)) {
        INFO("output " << o << " element " << i << ": expected " << value << ", got " << got[o][i]
                       << ", allowed " << allowed << ", data " << name_of(kind));
        REQUIRE(error <= allowed);
      }
      ++(allowed == 0 ? tally.exact : tally.bounded);
      if (allowed > 0) tally.largest_of_bound = std::max(tally.largest_of_bound, error / allowed);
    }
  }
}

test::RandomLimits small() {
  test::RandomLimits limits;
  limits.max_image = 8;
  limits.max_depth = 4;
  limits.max_channels = 8;
  limits.max_kernel = 4;
  limits.max_macs = 200'000;
  limits.plain_numbers = true;
  return limits;
}

}  // namespace

TEST_CASE("random layers and graphs, lowered", "[random]") {
  const std::uint64_t seed = test::seed_of("lowered graphs");
  test::Random random(seed);
  Tally tally;
  for (int round = 0; round < 200; ++round) {
    const Module module = test::random_module(random, small());
    INFO("CONVC_SEED=" << seed << ", module " << round << "\n" << print(module));
    for (const Graph& graph : module.graphs)
      for (const DataKind kind : {DataKind::integers, DataKind::reals, DataKind::extremes})
        check(graph, kind, static_cast<std::uint64_t>(round), tally);
  }
  // The test looks at what it should: both ways of comparing, and bounds that are not far off.
  CHECK(tally.exact > 10'000);
  CHECK(tally.bounded > 10'000);
  CHECK(tally.largest_of_bound > 0.1);
}
