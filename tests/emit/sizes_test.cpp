// The table of run-time sizes: what is open, what follows, and which sizes are found to be equal.
#include "generators/emit/run_time_sizes.h"

#include "generators/emit/input_error.h"
#include "generators/emit/layout_text.h"
#include "generators/plan/lowering.h"
#include "tests/emit/emit_helpers.h"

namespace convc {
namespace {

using test::module_of;

Graph lowered(const std::string& spec) {
  return lower(module_of(spec).graphs[0]);
}

std::vector<std::string> open_members(const RunTimeSizes& sizes) {
  std::vector<std::string> members;
  for (std::size_t i = 0; i < sizes.open_count; ++i) members.push_back(sizes.sizes[i].member);
  return members;
}

/// The shape of an output when the open sizes are these.
std::vector<std::int64_t> output_shape(const Graph& graph, const std::vector<std::int64_t>& open,
                                       std::size_t output = 0) {
  const RunTimeSizes sizes = run_time_sizes(graph);
  const std::vector<std::int64_t> values = all_sizes(sizes, open);
  std::vector<std::int64_t> shape;
  for (const convc_product& extent : sizes.shapes.at(graph.outputs[output])) {
    shape.push_back(value_of(extent, values));
  }
  return shape;
}

TEST_CASE("a layer of fixed sizes has no table", "[sizes]") {
  const RunTimeSizes sizes = run_time_sizes(lowered("Conv2D(4, 3, input_shape=(8, 8, 3))"));
  CHECK(sizes.sizes.empty());
  CHECK(sizes.shapes.empty());
}

TEST_CASE("open sizes in the order n, h, w, with their ranges", "[sizes]") {
  const RunTimeSizes sizes =
      run_time_sizes(lowered("Conv2D(4, 3, batch=None, input_shape=(Dim(min=5, max=9), None, 3))"));
  CHECK(open_members(sizes) == std::vector<std::string>{"batch", "height", "width"});
  CHECK(sizes.sizes[1].numbers.min == 5);
  CHECK(sizes.sizes[1].numbers.max == 9);
  CHECK(sizes.sizes[2].numbers.min == 3);  // the least with an output
  CHECK(open_members(run_time_sizes(lowered("Conv1D(4, 3, input_shape=(None, 3))"))) ==
        std::vector<std::string>{"width"});
}

TEST_CASE("outputs follow from inputs", "[sizes]") {
  const auto shape = [](const std::string& layer, std::vector<std::int64_t> open) {
    return output_shape(lowered(layer), open);
  };
  using Shape = std::vector<std::int64_t>;
  const std::string rest = ", input_shape=(None, None, 3))";
  CHECK(shape("Conv2D(4, 3" + rest, {8, 9}) == Shape{1, 6, 7, 4});
  CHECK(shape("Conv2D(4, 3, strides=2" + rest, {8, 9}) == Shape{1, 3, 4, 4});
  CHECK(shape("Conv2D(4, 4, strides=3, padding='same'" + rest, {8, 9}) == Shape{1, 3, 3, 4});
  CHECK(shape("Conv2D(4, 3, dilation_rate=2, padding=((1, 2), (0, 0))" + rest, {8, 9}) ==
        Shape{1, 7, 5, 4});
  CHECK(shape("Conv2DTranspose(4, 3, strides=2" + rest, {8, 9}) == Shape{1, 17, 19, 4});
  CHECK(shape("Conv2DTranspose(4, 3, strides=2, padding='same'" + rest, {8, 9}) ==
        Shape{1, 16, 18, 4});
  CHECK(shape("ZeroPadding2D(((1, 2), (3, 4))" + rest, {8, 9}) == Shape{1, 11, 16, 3});
  CHECK(shape("Conv2D(4, 3, data_format='channels_first', input_shape=(3, None, None))", {8, 9}) ==
        Shape{1, 4, 6, 7});
}

/// A step whose own output is not its input's size, many times over.
TEST_CASE("sizes that are equal for every input are one size", "[sizes]") {
  std::string spec = "Sequential(name='deep', layers=[Input(shape=(Dim(max=512), 64, 8)),\n";
  for (int i = 0; i < 40; ++i) {
    spec += "Conv2D(8, 3, padding='valid'), Softmax(), ZeroPadding2D(1), Softmax(),\n";
  }
  const RunTimeSizes sizes = run_time_sizes(lowered(spec + "])"));
  // height, and height - 2 + what the padding makes of it again.
  CHECK(sizes.sizes.size() == 2);
}

TEST_CASE("divisions compose", "[sizes]") {
  const Graph graph = lowered(R"(Sequential(name="pyramid", layers=[
    Input(shape=(Dim(max=999), 64, 8)),
    Conv2D(8, 3, strides=2, padding="same"), Conv2D(8, 3, strides=2, padding="same"),
    Conv2D(8, 3, strides=3)]))");
  const RunTimeSizes sizes = run_time_sizes(graph);
  for (const RunTimeSize& size : sizes.sizes) CHECK(size.numbers.source == 0);
  for (std::int64_t height = 9; height < 200; ++height) {
    const std::int64_t half = (height + 1) / 2, quarter = (half + 1) / 2;
    CHECK(output_shape(graph, {height})[1] == (quarter - 3) / 3 + 1);
  }
}

TEST_CASE("a residual sum has one size", "[sizes]") {
  const Graph graph = lowered(R"(
x = Input(shape=(Dim(max=64), Dim(max=64), 8))
y = Conv2D(8, 3, padding="same")(x)
Model(x, Add()([x, y]), name="resid"))");
  CHECK(run_time_sizes(graph).sizes.size() == 2);
}

TEST_CASE("a second input has the sizes of the first, or of what it is added to", "[sizes]") {
  const Graph same = lowered(R"(
a = Input(shape=(Dim(max=64), 64, 8), name="a")
b = Input(shape=(Dim(max=64), 64, 8), name="b")
Model([a, b], Add()([Conv2D(8, 3, padding="same")(a), Conv2D(8, 3, padding="same")(b)]), name="m"))");
  CHECK(open_members(run_time_sizes(same)) == std::vector<std::string>{"height"});
  const Graph cut = lowered(R"(
a = Input(shape=(Dim(min=3, max=32), 32, 8), name="a")
b = Input(shape=(Dim(min=1, max=30), 30, 8), name="b")
Model([a, b], Add()([Conv2D(8, 3)(a), b]), name="m"))");
  const RunTimeSizes sizes = run_time_sizes(cut);
  CHECK(open_members(sizes) == std::vector<std::string>{"height"});
  CHECK(value_of(sizes.shapes.at(cut.inputs[1])[1], all_sizes(sizes, {7})) == 5);
}

TEST_CASE("sums of tensors whose sizes are unrelated are refused", "[sizes]") {
  const Graph graph = lowered(R"(
a = Input(shape=(Dim(min=3, max=32), 32, 8), name="a")
b = Input(shape=(Dim(min=1, max=30), 30, 8), name="b")
p = Softmax()(Conv2D(8, 3)(a))
q = Softmax()(Conv2D(8, 1)(b))
Model([a, b], Add()([p, q]), name="m"))");
  CHECK_THROWS_AS(run_time_sizes(graph), InputError);
}

TEST_CASE("members of sizes do not clash with tensors", "[sizes]") {
  const Graph graph = lowered(R"(
x = Input(shape=(Dim(max=64), 8, 8), name="height")
Model(x, Conv2D(8, 3)(x), name="m"))");
  CHECK(open_members(run_time_sizes(graph)) == std::vector<std::string>{"height_2"});
}

TEST_CASE("elements of tensors with a row pitch", "[sizes]") {
  const auto elements = [](const std::string& spec, std::vector<std::int64_t> open) {
    const Graph graph = lowered(spec);
    const RunTimeSizes sizes = run_time_sizes(graph);
    const std::vector<std::int64_t> values = all_sizes(sizes, open);
    return value_of(sizes.elements.at(graph.inputs[0]), values) -
           value_of(sizes.gaps.at(graph.inputs[0]), values);
  };
  CHECK(elements("Conv2D(4, 1, input_pitch=40, input_shape=(None, 10, 3))", {7}) == 6 * 40 + 30);
  CHECK(elements("Conv2D(4, 1, input_pitch=40, input_shape=(7, Dim(max=13), 3))", {5}) ==
        6 * 40 + 15);
  CHECK(elements("Conv2D(4, 1, input_pitch=40, input_shape=(None, Dim(max=13), 3))", {7, 5}) ==
        6 * 40 + 15);
  CHECK(elements("Conv2D(4, 1, input_shape=(None, Dim(max=13), 3))", {7, 5}) == 7 * 15);
}

TEST_CASE("sizes in words", "[sizes]") {
  const Graph graph = lowered("Conv2D(4, 3, strides=2, padding='same', input_shape=(None, 10, 3))");
  const RunTimeSizes sizes = run_time_sizes(graph);
  CHECK(shape_text(graph, graph.inputs[0], sizes) == "[1, height, 10, 3]");
  CHECK(shape_text(graph, graph.outputs[0], sizes) == "[1, (height + 1) / 2, 5, 4]");
  const Graph there_and_back = lowered(R"(Sequential(name="n", layers=[
    Input(shape=(Dim(max=99), 8, 3)), Conv2D(4, 3, strides=2, padding="same"), Softmax(),
    Conv2DTranspose(4, 2, strides=2)]))");
  CHECK(shape_text(there_and_back, there_and_back.outputs[0], run_time_sizes(there_and_back)) ==
        "[1, 2 * ((height + 1) / 2), 8, 4]");
}

}  // namespace
}  // namespace convc
