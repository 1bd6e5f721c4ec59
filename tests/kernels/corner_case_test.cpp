// The shapes of corner_cases.conv, with the planner's plan and with plain loops.
#include <catch2/catch.hpp>

#include "dsl/load.h"
#include "generators/plan/planner.h"
#include "tests/kernels/check_kernels.h"

using namespace convc;

namespace {

Module corner_cases() {
  Diagnostics diagnostics;
  const auto module = load_spec_files(
      {std::string(CONVC_REPOSITORY) + "/tests/kernels/corner_cases.conv"}, "", diagnostics);
  INFO(diagnostics.render(false));
  REQUIRE(module.has_value());
  return *module;
}

}  // namespace

TEST_CASE("corner cases, planned", "[corner]") {
  test::check_kernels(corner_cases(), test::planned);
}

TEST_CASE("corner cases, plain loops", "[corner]") {
  test::check_kernels(corner_cases(), make_naive_plan);
}
