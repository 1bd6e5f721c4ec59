// What is imported prints as a spec that reads back.
#include <bit>
#include <catch2/catch.hpp>
#include <limits>

#include "dsl/canonical.h"
#include "dsl/load.h"
#include "dsl/printer.h"
#include "tests/onnx/model.h"

namespace convc::test {
namespace {

void check_reads_back(const Loaded& loaded) {
  INFO(loaded.text);
  REQUIRE(loaded.module);
  Diagnostics diagnostics;
  const auto again = load_spec_text(print(*loaded.module), "printed.conv", "net", diagnostics);
  INFO(diagnostics.render(false));
  REQUIRE(again);
  CHECK(canonical_layer_text(again->graphs[0].nodes[0].layer) ==
        canonical_layer_text(loaded.layer()));
}

}  // namespace

TEST_CASE("an imported LogSoftmax prints as text that reads back") {
  ModelMaker model;
  model.input("x", {1, 3, 8});
  model.node("LogSoftmax", {"x"}, {"y"}).set("axis", 1);
  model.output("y");
  check_reads_back(model.load());
}

TEST_CASE("imported weights with any NaN print as text that reads back") {
  ModelMaker model;
  model.input("x", {1, 2, 8});
  const float odd = std::bit_cast<float>(0xFFC01234U);
  model.floats("w", {1, 2, 2}, {1, odd, 2, 3});
  model.node("Conv", {"x", "w"}, {"y"});
  model.output("y");
  check_reads_back(model.load());
  ModelMaker affine;
  affine.input("x", {1, 2, 8});
  affine.floats("c", {2, 1}, {odd, 1});
  affine.node("Sub", {"x", "c"}, {"y"});
  affine.output("y");
  check_reads_back(affine.load());
}

TEST_CASE("infinite numbers of imported activations print as text that reads back") {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  struct Case {
    const char *op, *attribute;
    float value;
  };
  for (const Case& c :
       {Case{"Elu", "alpha", kInfinity}, Case{"Elu", "alpha", -kInfinity},
        Case{"LeakyRelu", "alpha", kInfinity}, Case{"Selu", "gamma", -kInfinity},
        Case{"HardSigmoid", "alpha", -kInfinity}, Case{"HardSigmoid", "beta", kInfinity},
        Case{"Shrink", "lambd", kInfinity}, Case{"Shrink", "bias", -kInfinity},
        Case{"ThresholdedRelu", "alpha", -kInfinity}}) {
    INFO(c.op << " " << c.attribute << " " << c.value);
    ModelMaker model;
    model.input("x", {1, 2, 8});
    model.node(c.op, {"x"}, {"y"}).set(c.attribute, c.value);
    model.output("y");
    check_reads_back(model.load());
  }
  for (const auto& [low, high] : {std::pair(kInfinity, kInfinity),
                                  {-kInfinity, -kInfinity},
                                  {1.0F, kInfinity},
                                  {-kInfinity, 1.0F}}) {
    INFO("Clip " << low << " " << high);
    ModelMaker model;
    model.input("x", {1, 2, 8});
    model.floats("low", {}, {low});
    model.floats("high", {}, {high});
    model.node("Clip", {"x", "low", "high"}, {"y"});
    model.output("y");
    check_reads_back(model.load());
  }
  for (const char* op : {"Mul", "Add"}) {
    INFO(op);
    ModelMaker model;
    model.input("x", {1, 2, 8});
    model.floats("c", {}, {kInfinity});
    model.node(op, {"x", "c"}, {"y"});
    model.output("y");
    check_reads_back(model.load());
  }
  ModelMaker padded;
  padded.input("x", {1, 2, 8});
  padded.integers("pads", {0, 0, 1, 0, 0, 1});
  padded.floats("value", {}, {-kInfinity});
  padded.node("Pad", {"x", "pads", "value"}, {"y"});
  padded.output("y");
  check_reads_back(padded.load());
}

TEST_CASE("an imported Pad that crops prints as text that reads back") {
  ModelMaker model;
  model.input("x", {1, 2, 9, 8});
  model.integers("pads", {0, 0, -2, 3, 0, 0, 1, -4});
  model.node("Pad", {"x", "pads"}, {"y"});
  model.output("y");
  check_reads_back(model.load());
}

}  // namespace convc::test
