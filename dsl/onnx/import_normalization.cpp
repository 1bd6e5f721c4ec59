// BatchNormalization and PRelu: steps with numbers for each channel.
#include <cmath>

#include "dsl/check_numbers.h"
#include "dsl/onnx/ops.h"
#include "dsl/onnx/window.h"
#include "dsl/text.h"

namespace convc::onnx_import {
namespace {

constexpr const char* kNormalizationInputs[] = {"the scale", "the offset", "the mean",
                                                "the variance"};

// The four vectors of a BatchNormalization: all literal or all variables. False when something has
// been reported.
bool set_vectors(NodeReader& node, Importer& importer, std::int64_t channels, PostOp* step) {
  LiteralRef* const targets[] = {&step->gamma, &step->beta, &step->mean, &step->variance};
  bool ok = true;
  int variables = 0;
  for (int i = 0; i < 4; ++i) {
    const std::string what = kNormalizationInputs[i];
    const std::optional<Weights> vector = read_weights(node, importer, i + 1, what);
    if (!vector) {
      ok = false;
      continue;
    }
    if (vector->shape != std::vector<std::int64_t>{channels}) {
      node.fail(Code::shapes_disagree, cat(what, " has the shape ", shape_text(vector->shape), "; ",
                                           channels, " channels need ", shape_text({channels})));
      ok = false;
    }
    variables += vector->literal == nullptr ? 1 : 0;
    *targets[i] = vector->literal;
  }
  if (ok && variables != 0 && variables != 4) {
    node.fail(Code::onnx_not_supported,
              "its numbers must all be in the model, or all be inputs of it");
    ok = false;
  }
  return ok;
}

bool check_variance(NodeReader& node, Importer& importer, const PostOp& step) {
  if (!step.variance) return true;
  const std::optional<std::string> negative = negative_variance(step.variance->values);
  if (!negative) {
    importer.warn_of_zero_root(node, 4, kNormalizationInputs[3], step);
    return true;
  }
  node.fail(Code::negative_variance, cat("the variance ", *negative))
      .note("a variance is a mean of squares")
      .help("input 4 holds variances of 0 or more, input 3 the means");
  return false;
}

// The slopes in a literal of shape [channels].
LiteralRef as_vector(const LiteralRef& literal) {
  auto vector = std::make_shared<Literal>(*literal);
  vector->shape = {static_cast<std::int64_t>(vector->values.size())};
  return vector;
}

}  // namespace

void import_batch_normalization(NodeReader& node, Importer& importer) {
  node.ignore("momentum");
  PostOp step;
  step.kind = PostOpKind::batch_normalization;
  step.epsilon = node.real("epsilon", 1e-5F);
  if (!(step.epsilon >= 0) || !std::isfinite(step.epsilon)) {
    node.fail_attribute("epsilon", cat("is ", step.epsilon));
  }
  if (node.opset() >= 14) {
    if (node.integer("training_mode", 0) != 0) {
      node.fail_attribute("training_mode", "asks for training; only inference is supported");
    }
  } else if (node.opset() < 9 && node.integer("spatial", 1) == 0) {
    node.fail_attribute("spatial", "is 0, statistics for each element; only 1 is supported");
  }
  if (node.opset() < 7 && node.integer("is_test", 0) == 0) {
    node.fail_attribute("is_test", "is 0, which asks for training; only inference is supported");
  }
  const std::optional<Image> image = importer.image_input(node, 0);
  if (node.failed() || !image) return;
  if (image->model_rank < 2) {
    node.fail(Code::shapes_disagree, cat("the input has the shape ",
                                         shape_text(image->model_sizes()), ", without channels"));
    return;
  }
  if (set_vectors(node, importer, image->channels(), &step) &&
      check_variance(node, importer, step)) {
    importer.add_post_op(node, std::move(step), {*image});
  }
}

void import_prelu(NodeReader& node, Importer& importer) {
  const std::optional<Image> image = importer.image_input(node, 0);
  const std::optional<Weights> slope = read_weights(node, importer, 1, "the slope");
  if (!image || !slope) return;
  const std::vector<std::int64_t>& shape = slope->shape;
  const bool single = element_count(shape) == 1;
  const auto model_rank = static_cast<std::size_t>(image->model_rank);
  // (channels, 1, ..) is broadcast to the input from its last size; opset 6 has (channels,).
  bool per_channel = model_rank >= 2 && element_count(shape) == image->channels();
  if (node.opset() >= 7) {
    const std::size_t axis = shape.size() + 1 - model_rank;  // of the channels, in the slope
    per_channel = per_channel && shape.size() + 1 >= model_rank && shape.size() <= model_rank &&
                  shape[axis] == image->channels();
  }
  if (slope->literal && single) {
    PostOp step;
    step.activation.function = ActivationFunction::leaky_relu;
    step.activation.alpha = slope->literal->values.front();
    importer.add_post_op(node, std::move(step), {*image});
    return;
  }
  if (!per_channel) {
    node.fail(Code::onnx_not_supported,
              cat("the slope has the shape ", shape_text(shape), " for an input of ",
                  shape_text(image->model_sizes()), "; only one for each channel is supported"));
    return;
  }
  PostOp step;
  step.kind = PostOpKind::prelu;
  if (slope->literal) step.alpha = as_vector(slope->literal);
  importer.add_post_op(node, std::move(step), {*image});
}

}  // namespace convc::onnx_import
