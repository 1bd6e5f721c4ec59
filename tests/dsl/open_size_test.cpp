// Sizes known only at run time.
#include <catch2/catch.hpp>

#include "tests/dsl/load_helpers.h"

namespace convc::test {
namespace {

constexpr std::int64_t kMost = (std::int64_t{1} << 31) - 1;

TEST_CASE("None is any size that the layer takes") {
  const Module module = load_valid("Conv2D(8, (3, 5), input_shape=(None, None, 4), batch=None)");
  const Graph& graph = module.graphs[0];
  CHECK(graph.batch_given);
  CHECK(graph.tensors[0].shape == std::vector<Dim>{{1, kMost}, {3, kMost}, {5, kMost}, {4, 4}});
  CHECK(graph.tensors[1].shape ==
        std::vector<Dim>{{1, kMost}, {1, kMost - 2}, {1, kMost - 4}, {8, 8}});
  const LayerSpec& layer = graph.nodes[0].layer;
  CHECK(layer.open.batch == Dim{1, kMost});
  CHECK(layer.open.height == Dim{3, kMost});
  CHECK(layer.open.width == Dim{5, kMost});
  CHECK(layer.batch == 1);
  CHECK(layer.in == Size{56, 56});
  CHECK(layer.out == Size{54, 52});
}

TEST_CASE("representative sizes are typical ones within the range") {
  CHECK(load_layer("Conv2D(8, 3, input_shape=(Dim(max=9), Dim(min=100), 4))").in == Size{9, 100});
  CHECK(load_layer("Conv1D(8, 3, input_shape=(None, 4))").in == Size{1, 1024});
  CHECK(load_layer("Conv2D(8, 3, input_shape=(9, 9, 4), batch=Dim(min=4, max=8))").batch == 4);
  CHECK(load_layer("Conv2D(8, 3, input_shape=(9, 9, 4), batch=Dim(max=8))").batch == 1);
  CHECK_FALSE(load_layer("Conv2D(8, 3, input_shape=(Dim(9, 9), 9, 4))").open.any());
}

TEST_CASE("ranges flow through chains and graphs") {
  const Module module = load_valid(R"(
x = Input((Dim(max=64), 8, 4), batch_size=Dim(max=2))
y = Conv2D(4, 3)(x)
z = Conv2D(4, 3, padding="same")(x)
z = Conv2D(4, 3)(z)
y = Add()([y, z])
Model(x, Conv2D(4, 3, strides=2)(y))
)");
  const Graph& graph = module.graphs[0];
  CHECK(graph.tensors[0].shape == std::vector<Dim>{{1, 2}, {5, 64}, {8, 8}, {4, 4}});
  CHECK(graph.nodes[3].layer.open.height == Dim{3, 62});
  CHECK(graph.nodes[3].layer.post_ops[0].operand_shape == OperandShape::full);
  CHECK(graph.tensors.back().shape == std::vector<Dim>{{1, 2}, {1, 30}, {2, 2}, {4, 4}});
  CHECK(graph.nodes[4].layer.open.batch == Dim{1, 2});
}

TEST_CASE("a gate has one pixel whatever the size of the image") {
  const Module module = load_valid(R"(
x = Input((Dim(max=64), Dim(max=64), 4))
g = Input((1, 1, 4))
Model([x, g], Multiply()([g, x]))
)");
  const Node& node = module.graphs[0].nodes[0];
  CHECK(node.inputs == std::vector<TensorId>{0, 1});
  CHECK(node.layer.post_ops[0].operand_shape == OperandShape::per_channel);
  CHECK(node.layer.open.height == Dim{1, 64});
}

TEST_CASE("the ends of a range are checked") {
  CHECK(has(load("Conv2D(8, 3, input_shape=(Dim(min=2), 8, 1))"), Code::filter_too_large));
  CHECK(has(load("Conv2D(8, 3, input_shape=(Dim(max=2), 8, 1))"), Code::filter_too_large));
  CHECK(has(load("Conv2D(8, 1, input_shape=(Dim(max=65536), Dim(max=65536), 1))"),
            Code::tensor_too_large));
  CHECK(has(load("Sequential([Input((None, 8, 1)), ReLU(), ELU()])"), Code::unbounded_size));
  load_valid("Sequential([Input((None, 8, 1)), ReLU()])");
  CHECK(has(load("Conv2D(8, 3, input_shape=(8, 8, Dim(max=3)))"), Code::open_size));
  CHECK(has(load("Conv3D(8, 3, input_shape=(Dim(max=3), 8, 8, 1))"), Code::open_size));
}

// The way over a stride of 2 is longer by one for odd sizes.
TEST_CASE("sums must fit for every size in the range") {
  const auto net = [](const std::string& size) {
    return load("x = Input((" + size + R"(, 8, 4))
y = Conv2D(4, 2, strides=2, padding="same")(x)
Model(x, Add()([x, Conv2DTranspose(4, 2, strides=2, padding="same")(y)]))
)");
  };
  CHECK(has(net("Dim(min=2, max=64)"), Code::shapes_disagree));
  CHECK(net("64").module.has_value());
}

TEST_CASE("a padding that needs a size raises the least one") {
  CHECK(load_layer("Conv1D(1, 7, padding=(5, 1), padding_mode='reflect', input_shape=(None, 1))")
            .open.width->min == 6);
  CHECK(load_layer("Conv1D(1, 7, padding='same', input_shape=(None, 1))").open.width->min == 1);
  CHECK(
      load_layer("Conv1DTranspose(1, 3, padding=(4, 4), input_shape=(None, 1))").open.width->min ==
      7);
}

TEST_CASE("a pitch of rows whose number has no limit") {
  for (const char* rest : {"Conv2D(5, 3, strides=2, output_pitch=77, input_shape=(None, 13, 3))",
                           "Conv2D(5, 3, output_pitch=77, input_shape=(None, 13, 3))",
                           "Conv2D(5, 3, output_pitch=77, batch=None, input_shape=(None, 13, 3))",
                           "Conv2D(5, 3, strides=2, output_pitch=77, input_shape=(None, 13, 3),"
                           " output_data_format='channels_first')",
                           "Conv2DTranspose(5, 3, output_pitch=77, input_shape=(None, 13, 3))"}) {
    INFO(rest);
    CHECK(load_layer(rest).output_form.row_pitch == 77);
  }
  // The limit of one axis is none of another's.
  const std::string batch_open = "Conv2D(1, 3, output_pitch=77, batch=None, input_shape=(Dim(max=";
  load_valid(batch_open + "1000), 13, 1))");
  const Loaded tall = load(batch_open + "40000000), 13, 1))");
  CHECK(tall.codes == std::vector<Code>{Code::row_pitch});
  CHECK(tall.text.find("help: give the open sizes a smaller greatest one, as Dim(max=...)") !=
        std::string::npos);
}

TEST_CASE("a pitch needs the width of the widest row") {
  for (const char* which : {"input_pitch", "output_pitch"}) {
    const std::string begin = std::string("Conv2D(5, 3, strides=2, ") + which + "=99, input_shape=";
    const Loaded loaded = load(begin + "(13, None, 3))");
    CHECK(loaded.codes == std::vector<Code>{Code::row_pitch});
    CHECK(loaded.text.find(std::string("`") + which + "` of rows that have no greatest width") !=
          std::string::npos);
    CHECK(loaded.text.find("help: give the width of the input as Dim(max=...)") !=
          std::string::npos);
    load_valid(begin + "(13, Dim(max=30), 3))");
  }
}

}  // namespace
}  // namespace convc::test
