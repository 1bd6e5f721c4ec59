// Where tensors, packed weights and scratch lie.
#include <cmath>
#include <map>
#include <set>

#include "convc/kernel_abi.h"
#include "generators/emit/identity.h"
#include "generators/emit/input_error.h"
#include "generators/emit/names.h"
#include "generators/emit/numerical_contract.h"
#include "generators/emit/tensor_memory.h"
#include "generators/emit/variant_layout.h"
#include "generators/plan/lowering.h"
#include "generators/plan/planner.h"
#include "tests/emit/emit_helpers.h"

namespace convc {
namespace {

using test::module_of;
using test::target_of;

/// A chain whose tensors between layers have 4, 16, 64 and 4 KiB.
const char* const kChain = R"(Sequential(name="chain", layers=[
    Input(shape=(8, 8, 4)),
    Conv2D(16, 1, name="a"),
    Conv2D(64, 1, name="b"),
    Conv2D(256, 1, name="c"),
    Conv2D(16, 1, name="d"),
    Conv2D(3, 1, name="e"),
]))";

std::vector<CompiledLayer> compiled_layers(const Graph& graph, const TargetInfo& target) {
  std::vector<CompiledLayer> layers;
  for (const Node& node : graph.nodes) {
    CompiledLayer layer{target.text, target.machine.isa, make_plan(node.layer, target.machine), {}};
    layer.object.symbol = kernel_symbol(node.layer, layer.plan, target.text);
    layer.object.scratch_bytes = 640;
    layer.object.thread_scratch_bytes = 1280;
    layer.object.max_tasks = 3;
    layers.push_back(layer);
  }
  return layers;
}

VariantLayout laid_out(const Graph& written, const TargetInfo& target) {
  const Graph lowered = lower(written);
  return lay_out(lowered, interface_of(written, lowered), target, compiled_layers(lowered, target));
}

TEST_CASE("tensors of a chain use two areas in turn", "[layout]") {
  const Graph graph = module_of(kChain).graphs[0];
  const TensorMemory memory = place_tensors(graph);
  CHECK(memory.offset_bytes.size() == 4);
  // b's and c's outputs live at the same time: 16 KiB + 64 KiB, and the others fit beside them.
  CHECK(memory.total_bytes == (16 + 64) * 1024);
  for (const auto& [tensor, offset] : memory.offset_bytes) CHECK(offset % CONVC_ALIGNMENT == 0);
  // What one step reads and writes never overlaps.
  for (const Node& node : graph.nodes) {
    const auto input = memory.offset_bytes.find(node.inputs[0]);
    const auto output = memory.offset_bytes.find(node.outputs[0]);
    if (input == memory.offset_bytes.end() || output == memory.offset_bytes.end()) continue;
    const std::uint64_t input_end =
        input->second + 4ull * static_cast<std::uint64_t>(8 * 8 * node.layer.in_channels);
    const std::uint64_t output_end =
        output->second + 4ull * static_cast<std::uint64_t>(8 * 8 * node.layer.filters);
    CHECK((input_end <= output->second || output_end <= input->second));
  }
}

TEST_CASE("a bare layer needs no memory between steps", "[layout]") {
  const Graph graph = module_of("Conv2D(4, 3, input_shape=(8, 8, 3))").graphs[0];
  CHECK(place_tensors(graph).total_bytes == 0);
}

TEST_CASE("a tensor lives from its first writer to its last reader", "[layout]") {
  // The phases of `up` write one tensor in turn; what `up` reads must stay until the last is done,
  // and `skip` until it is added.
  const Graph graph = lower(module_of(R"(
x = Input(shape=(4, 4, 8))
a = Conv2D(8, 1, name="a")(x)
skip = Softmax(name="skip")(a)
up = Conv2DTranspose(8, 2, strides=2, name="up")(skip)
down = Conv2D(8, 2, strides=2, name="down")(up)
end = Softmax(name="end")(Add(name="sum")([down, skip]))
Model(x, end, name="net"))")
                                .graphs[0]);
  const TensorMemory memory = place_tensors(graph);
  std::map<TensorId, std::pair<std::size_t, std::size_t>> lives;
  for (std::size_t step = 0; step < graph.nodes.size(); ++step) {
    const Node& node = graph.nodes[step];
    for (const auto* tensors : {&node.inputs, &node.outputs}) {
      for (const TensorId tensor : *tensors) {
        if (memory.offset_bytes.count(tensor) == 0) continue;
        const auto life = lives.emplace(tensor, std::pair(step, step)).first;
        life->second.second = step;
      }
    }
  }
  REQUIRE(lives.size() >= 3);
  const auto end_of = [&](TensorId tensor) {
    const auto& shape = graph.tensors[static_cast<std::size_t>(tensor)].shape;
    std::int64_t elements = 1;
    for (const Dim& dim : shape) elements *= dim.max;
    return memory.offset_bytes.at(tensor) + static_cast<std::uint64_t>(elements) * 4;
  };
  for (const auto& [a, life_a] : lives) {
    for (const auto& [b, life_b] : lives) {
      if (a >= b || life_a.second < life_b.first || life_b.second < life_a.first) continue;
      INFO(a << " and " << b);
      CHECK((end_of(a) <= memory.offset_bytes.at(b) || end_of(b) <= memory.offset_bytes.at(a)));
    }
  }
}

TEST_CASE("a tensor between steps that cannot be indexed is the user's to know", "[layout]") {
  const Graph graph =
      lower(module_of("Conv2D(4, 1, input_shape=(None, None, 3), activation='softmax')").graphs[0]);
  CHECK_THROWS_AS(place_tensors(graph), InputError);
}

TEST_CASE("scratch lies behind the tensors, a slice for each thread that finds work", "[layout]") {
  const Graph graph = module_of(kChain).graphs[0];
  const TargetInfo target = target_of("avx2");
  const VariantLayout layout = laid_out(graph, target);
  CHECK(layout.scratch_offset_bytes == 80 * 1024);
  CHECK(layout.workspace_bytes == 80 * 1024 + 640);
  CHECK(layout.thread_scratch_bytes == 1280);
  const std::uint64_t guards = 2 * CONVC_WORKSPACE_GUARD_BYTES;
  CHECK(total_workspace_bytes(layout, 1) == 80 * 1024 + 640 + 1280 + guards);
  CHECK(total_workspace_bytes(layout, 3) == 80 * 1024 + 640 + 3 * 1280 + guards);
  CHECK(total_workspace_bytes(layout, 64) == total_workspace_bytes(layout, 3));
}

TEST_CASE("packed weights follow one another without overlap", "[layout]") {
  const Graph graph = module_of(kChain).graphs[0];
  const TargetInfo target = target_of("avx2");
  const VariantLayout layout = laid_out(graph, target);
  REQUIRE(layout.packings.size() == 10);
  std::uint64_t end = CONVC_PACKED_HEADER_BYTES;
  std::uint32_t variable = 0;
  for (const convc_packing& packing : layout.packings) {
    CHECK(packing.variable == variable++);
    CHECK(packing.offset_bytes >= end);
    CHECK(packing.offset_bytes % CONVC_ALIGNMENT == 0);
    end = packing.offset_bytes + packing.bytes;
  }
  CHECK(layout.packed_bytes >= end);
  // Every step reads what was packed for it.
  std::set<std::uint64_t> packed;
  for (const convc_packing& packing : layout.packings) packed.insert(packing.offset_bytes);
  for (const StepLayout& step : layout.steps) {
    int from_packed = 0;
    for (const ArgumentLayout& argument : step.arguments) {
      if (argument.source != CONVC_SOURCE_PACKED) continue;
      ++from_packed;
      CHECK(packed.count(argument.offset_bytes) == 1);
    }
    CHECK(from_packed == 2);
  }
}

TEST_CASE("the identity tells layouts apart, not names", "[layout]") {
  const TargetInfo target = target_of("avx2");
  auto identity = [&](const std::string& spec) {
    const Graph graph = module_of(spec).graphs[0];
    return laid_out(graph, target).identity;
  };
  const auto base = identity("Conv2D(16, 3, input_shape=(8, 8, 16), name='a')");
  CHECK(base == identity("Conv2D(16, 3, input_shape=(8, 8, 16), name='b')"));
  CHECK(base != identity("Conv2D(16, 3, input_shape=(8, 9, 16), name='a')"));
  CHECK(base != identity("Conv2D(16, 3, input_shape=(8, 8, 16), activation='relu')"));
  CHECK(base != identity("Conv2D(16, 3, input_shape=(8, 8, 16), use_bias=False)"));
  const TargetInfo other = target_of("avx512");
  const Graph graph = module_of("Conv2D(16, 3, input_shape=(8, 8, 16))").graphs[0];
  CHECK(base != laid_out(graph, other).identity);
}

TEST_CASE("a kernel's symbol depends on all that its code depends on", "[layout]") {
  const Module module = module_of(
      "Conv2D(16, 3, input_shape=(8, 8, 16), name='a')\n"
      "Conv2D(16, 3, input_shape=(8, 8, 16), padding=((0, 0), (0, 0)), name='b')\n"
      "Conv2D(16, 3, input_shape=(8, 8, 16), padding='same', name='c')\n");
  const TargetInfo target = target_of("avx2");
  auto symbol = [&](std::size_t graph, const Plan& plan, const std::string& text) {
    return kernel_symbol(module.graphs[graph].nodes[0].layer, plan, text);
  };
  const Plan plan = make_plan(module.graphs[0].nodes[0].layer, target.machine);
  const std::string a = symbol(0, plan, target.text);
  CHECK(a.size() == 8 + 32);
  CHECK(a == symbol(1, plan, target.text));
  CHECK(a != symbol(2, plan, target.text));
  CHECK(a != symbol(0, plan, "x86-64-linux"));
  Plan other = plan;
  other.reason = "words make no difference";
  CHECK(a == symbol(0, other, target.text));
  other.row_block += 1;
  CHECK(a != symbol(0, other, target.text));
}

TEST_CASE("variables and members have Keras' names", "[layout]") {
  const Graph chain = module_of(kChain).graphs[0];
  const auto variables = variables_of(chain);
  REQUIRE(variables.size() == 10);
  CHECK(variables[0].member == "a_kernel");
  CHECK(variables[0].shape == std::vector<std::int64_t>{1, 1, 4, 16});
  CHECK(variables[1].member == "a_bias");
  const Graph bare = module_of("Conv2D(4, 3, input_shape=(8, 8, 3), use_bias=False)").graphs[0];
  REQUIRE(variables_of(bare).size() == 1);
  CHECK(variables_of(bare)[0].member == "kernel");
  const Graph normalized = module_of(R"(Sequential(name="n", layers=[
    Input(shape=(8, 8, 3)), SeparableConv2D(4, 3, name="s"), BatchNormalization(name="b"),
    PReLU(shared_axes=[1, 2], name="p")]))")
                               .graphs[0];
  std::vector<std::string> members;
  for (const Variable& variable : variables_of(normalized)) members.push_back(variable.member);
  CHECK(members == std::vector<std::string>{"s_depthwise_kernel", "s_pointwise_kernel", "s_bias",
                                            "b_gamma", "b_beta", "b_moving_mean",
                                            "b_moving_variance", "p_alpha"});
  const auto io = io_members_of(bare);
  REQUIRE(io.size() == 2);
  CHECK(io[0].member == "input");
  CHECK(io[1].member == "output");
}

TEST_CASE("members of a Model are its tensors, each once", "[layout]") {
  Graph graph = module_of(R"(
a = Input(shape=(4, 4, 2), name="left")
b = Input(shape=(4, 4, 2), name="right")
c = Add(name="sum")([a, b])
d = ReLU(name="positive")(c)
Model([a, b], [c, d], name="net"))")
                    .graphs[0];
  const auto names_of = [&] {
    std::vector<std::string> names;
    for (const IoMember& member : io_members_of(graph)) names.push_back(member.member);
    return names;
  };
  CHECK(names_of() == std::vector<std::string>{"left", "right", "sum", "positive"});
  // As a model may have them.
  graph.tensors[0].name = graph.tensors[1].name = "x:0";
  CHECK(names_of() == std::vector<std::string>{"x_0", "x_0_2", "sum", "positive"});
}

TEST_CASE("steps are named by their layers", "[layout]") {
  const Graph graph = lower(module_of(R"(Sequential(name="n", layers=[
    Input(shape=(8, 8, 3)), Conv2D(4, 1, name="c"), Conv2DTranspose(4, 2, strides=(1, 2), name="up")
    ]))")
                                .graphs[0]);
  CHECK(step_names(graph) == std::vector<std::string>{"c", "up.1", "up.2"});
}

TEST_CASE("the error bound grows with the length of the sum", "[layout]") {
  const LayerSpec layer =
      module_of("Conv2D(4, 3, input_shape=(8, 8, 16))").graphs[0].nodes[0].layer;
  Plan plan;
  CHECK(rounding_steps(layer, plan) == 3 * 3 * 16 + 1);
  CHECK(gamma_bound(145) == Approx(145 * 5.9604645e-8).epsilon(1e-4));
  CHECK(std::isinf(gamma_bound(1 << 24)));
}

}  // namespace
}  // namespace convc
