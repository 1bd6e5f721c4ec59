// Loaded libraries: the objects that compile writes, run in this process, against the reference.
#include "generators/emit/loaded_library.h"

#include "generators/driver/exercise.h"
#include "tests/emit/emit_helpers.h"

namespace convc {
namespace {

using test::library_of;
using test::module_of;

/// A bank of literal filters: too many numbers to be instructions, so they are data beside the
/// code.
std::string literal_bank() {
  std::string kernel = "[";
  for (int i = 0; i < 3; ++i) {
    kernel += "[";
    for (int j = 0; j < 3; ++j) {
      kernel += "[";
      for (int c = 0; c < 8; ++c) {
        kernel += "[";
        for (int k = 0; k < 16; ++k)
          kernel += std::to_string((i * 7 + j * 5 + c * 3 + k) % 11 - 5) + ",";
        kernel += "],";
      }
      kernel += "],";
    }
    kernel += "],";
  }
  std::string bias = "[";
  for (int k = 0; k < 16; ++k) bias += std::to_string(k - 8) + ",";
  return "Conv2D(16, 3, kernel=" + kernel + "], bias=" + bias +
         "], input_shape=(9, 7, 8), name=\"bank\")";
}

const char* const kLayers = R"(
Conv2D(32, 3, padding="same", input_shape=(5, 5, 1), name="first")
Conv2D(20, 3, strides=2, padding="same", activation="relu", input_shape=(15, 13, 12), name="odd")
Conv2D(24, 1, input_shape=(9, 9, 16), use_bias=False, name="pointwise")
Conv2D(1, 3, kernel=[[1, 0, -1], [1, 0, -1], [1, 0, -1]], use_bias=False, input_shape=(12, 17, 1), name="edges")
Conv2D(8, 3, groups=2, input_shape=(7, 8, 4), name="grouped")
Sequential(name="net", layers=[
    Input(shape=(16, 16, 3)),
    Conv2D(16, 3, padding="same", activation="relu"),
    Conv2D(24, 3, strides=2, padding="same", activation="relu"),
    Conv2D(8, 1),
])
)";

/// Steps, phases, vectors beside the filters, layouts, run-time sizes, several inputs and outputs.
const char* const kFamily = R"(
Conv3D(6, 2, strides=(1, 2, 1), padding="same", input_shape=(4, 5, 6, 3), name="volume")
DepthwiseConv1D(3, depth_multiplier=2, padding="causal", input_shape=(11, 5), name="sequence")
SeparableConv2D(9, 3, depth_multiplier=2, padding="same", input_shape=(6, 7, 5), name="sep")
Conv2DTranspose(6, 3, strides=(2, 3), groups=2, padding="same", input_shape=(4, 5, 4), name="up")
Conv2DTranspose(3, 2, strides=3, output_padding=2, kernel_layout="IOHW", input_shape=(4, 5, 4), name="gaps")
Conv2DTranspose(3, 2, strides=3, output_padding=2, input_shape=(None, 5, 4), name="open_gaps")
Conv2D(10, 3, padding="same", data_format="channels_first", input_pitch=9, output_pitch=11, input_shape=(5, 6, 8), name="planes")
Conv2D(10, 3, padding=((2, 0), (1, 3)), padding_mode="circular", activation="gelu", input_shape=(5, 6, 8), name="around")
Sequential(name="open", layers=[
    Input(shape=(Dim(max=21), Dim(max=20), 3), batch_size=Dim(max=3)),
    Conv2D(8, 3, strides=2, padding="same", use_bias=False), BatchNormalization(), PReLU(shared_axes=[1, 2]),
    Conv2DTranspose(4, 2, strides=2), ReLU(), BatchNormalization(scale=False)])
x = Input(shape=(8, 8, 6), name="image")
g = Input(shape=(1, 1, 6), name="gate")
y = Conv2D(6, 3, padding="same", name="c1")(x)
z = Add(name="sum")([Multiply(name="gated")([y, g]), x])
Model([x, g], [Softmax(name="soft")(z), Conv2D(4, 1, name="c2")(z)], name="two")
)";

std::vector<Plan> plans_of(const std::vector<CompiledLayer>& layers) {
  std::vector<Plan> plans;
  for (const CompiledLayer& layer : layers) plans.push_back(layer.plan);
  return plans;
}

/// Loads the library and exercises every kernel in every variant.
void check_library(const std::string& spec, const std::vector<std::string>& target_texts) {
  const std::vector<std::string> targets = test::runnable(target_texts);
  const Module module = module_of(spec, "loaded");
  const Artifact artifact = library_of(module, targets);
  std::string error;
  const auto library = LoadedLibrary::load(artifact, &error);
  INFO(error);
  REQUIRE(library != nullptr);
  for (std::size_t graph = 0; graph < module.graphs.size(); ++graph) {
    const convc_kernel* kernel = library->kernel(graph);
    CHECK(kernel == library->kernel(module.graphs[graph].name));
    CHECK(kernel->name == "loaded_" + module.graphs[graph].name);
    CHECK(kernel->variant_count == targets.size());
    for (std::size_t target = 0; target < targets.size(); ++target) {
      const auto& layers = artifact.layers[graph][target];
      ExerciseSubject subject{kernel, &module.graphs[graph], &artifact.lowered.graphs[graph],
                              layers[0].isa, plans_of(layers)};
      const ExerciseResult result = exercise_kernel(subject, {});
      INFO(module.graphs[graph].name << " " << layers[0].isa << ": " << result.message);
      CHECK(result.verdict == Verdict::passed);
    }
  }
}

TEST_CASE("every kernel of a library with several variants is right in all", "[load]") {
  check_library(std::string(kLayers) + literal_bank(), {"sse41", "avx2", "avx512"});
}

TEST_CASE("descriptors of the whole family", "[load]") {
  check_library(kFamily, {"avx2"});
}

TEST_CASE("the best variant is chosen, options choose another", "[load]") {
  const auto targets = test::runnable({"sse41", "avx2"});
  if (targets.size() < 2) return;
  // In the order of the user; the better one is first in the descriptor.
  const Artifact artifact =
      library_of(module_of("Conv2D(8, 3, input_shape=(6, 6, 4), name='a')"), targets);
  std::string error;
  const auto library = LoadedLibrary::load(artifact, &error);
  REQUIRE(library != nullptr);
  const convc_kernel* kernel = library->kernel(0);
  CHECK(std::string(convc_kernel_isa(kernel, nullptr)) == "avx2");
  convc_options options = {};
  options.struct_bytes = sizeof options;
  options.isa = kernel->variants[1].isa;
  CHECK(std::string(convc_kernel_isa(kernel, &options)) == artifact.layers[0][0][0].isa);
}

TEST_CASE("packed literals are data in the library", "[load]") {
  const Artifact artifact = library_of(module_of(literal_bank(), "bank"), {"avx2"});
  bool has_data = false;
  for (const auto& [name, bytes] : artifact.members) {
    has_data = has_data || name.rfind("convc_d_", 0) == 0;
  }
  CHECK(has_data);
  CHECK(artifact.header.find("_pack(") == std::string::npos);
  CHECK(artifact.header.find("_weights") == std::string::npos);
}

TEST_CASE("code for another architecture is refused", "[load]") {
  const Artifact artifact =
      library_of(module_of("Conv2D(8, 3, input_shape=(6, 6, 4))"), {"arm-64-linux"});
  std::string error;
  CHECK(LoadedLibrary::load(artifact, &error) == nullptr);
  CHECK(error.find("code for aarch64 cannot run on x86_64") != std::string::npos);
}

TEST_CASE("an unknown name is no kernel", "[load]") {
  const Artifact artifact =
      library_of(module_of("Conv2D(8, 3, input_shape=(6, 6, 4), name='a')"), {"avx2"});
  std::string error;
  const auto library = LoadedLibrary::load(artifact, &error);
  REQUIRE(library != nullptr);
  CHECK(library->kernel("b") == nullptr);
}

}  // namespace
}  // namespace convc
