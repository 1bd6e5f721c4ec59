// The cost model of register tiles: what it must never do, and the order of what was measured.
#include "generators/plan/register_tile.h"

#include <catch2/catch.hpp>

#include "tests/plan/plan_helpers.h"

using namespace convc;
using test::kAvx2;
using test::kAvx512;
using test::machine;

namespace {

RegisterTile tile(int height, int width, int vectors, int lanes) {
  RegisterTile result;
  result.height = height;
  result.width = width;
  result.vectors = vectors;
  result.lanes = lanes;
  return result;
}

}  // namespace

TEST_CASE("tiles leave registers for their operands", "[tile]") {
  CHECK(fits_registers(1, 14, 2, machine(kAvx512)));
  CHECK(fits_registers(1, 6, 4, machine(kAvx512)));
  CHECK_FALSE(fits_registers(1, 7, 4, machine(kAvx512)));  // 28 + 4 + 1 of 32
  CHECK_FALSE(fits_registers(1, 31, 1, machine(kAvx512)));
  CHECK(fits_registers(1, 6, 2, machine(kAvx2)));
  CHECK(fits_registers(1, 4, 3, machine(kAvx2)));
  CHECK_FALSE(fits_registers(1, 7, 2, machine(kAvx2)));  // 14 + 2 + 1 of 16
}

TEST_CASE("enough accumulators beat too few", "[tile]") {
  TileDomain domain;
  domain.out = {56, 56};
  domain.filters = 64;
  domain.taps = 576;
  domain.pixel_stride_bytes = 256;
  const Machine zen = machine(kAvx512);
  const double good = predicted_cycles(domain, tile(1, 14, 2, 16), zen);
  CHECK(good < predicted_cycles(domain, tile(1, 1, 1, 16), zen));
  CHECK(good < predicted_cycles(domain, tile(1, 2, 2, 16), zen));
}

TEST_CASE("pixels that share one L1 set are avoided", "[tile]") {
  TileDomain domain;
  domain.out = {1, 196};
  domain.filters = 256;
  domain.taps = 1024;
  domain.pixel_stride_bytes = 4096;
  const RegisterTile best = choose_register_tile({domain}, machine(kAvx512));
  CHECK(best.height * best.width <= 7);
}

TEST_CASE("the chosen tile fits registers and the image", "[tile]") {
  for (const char* target : {kAvx2, kAvx512, "arm-64-linux", "x86-64-linux"}) {
    const Machine host = machine(target);
    for (const std::int64_t width : {1, 2, 7, 13, 56}) {
      for (const std::int64_t filters : {1, 3, 8, 17, 1000}) {
        TileDomain domain;
        domain.out = {width, width};
        domain.filters = filters;
        domain.taps = 27;
        const RegisterTile best = choose_register_tile({domain}, host);
        CAPTURE(target, width, filters, best.text);
        CHECK(fits_registers(best.height, best.width, best.vectors, host));
        CHECK(best.height <= width);
        CHECK(best.width <= width);
        CHECK((best.vectors - 1) * best.lanes < filters);
      }
    }
  }
}
