/* reference.h: what kernels are measured against: a naive convolution and the functions that follow
 * it, in double, as plain loops and formulas: short enough to check by reading. Ships with convc
 * (library convc_reference) so that users can verify results on their own machine. C99. */
#ifndef CONVC_REFERENCE_H
#define CONVC_REFERENCE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define CONVC_REFERENCE_API __attribute__((visibility("default")))
#else
#define CONVC_REFERENCE_API
#endif

/* What stands outside the input; positions count along one axis of `size` elements. */
enum {
  CONVC_PAD_ZEROS = 0,
  CONVC_PAD_CONSTANT = 1,  /* padding_value */
  CONVC_PAD_REFLECT = 2,   /* element -p is element p, size-1+p is size-1-p; padding < size */
  CONVC_PAD_REPLICATE = 3, /* the nearest element */
  CONVC_PAD_CIRCULAR = 4   /* element -p is element size-p; padding <= size */
};

/* Sizes in elements; those of three axes in the order depth, height, width. Zero-initialize: sizes,
 * strides, dilation rates and groups of 0 mean 1. */
typedef struct convc_conv {
  int64_t batch, in_channels, filters;
  int64_t groups; /* divides in_channels and filters; in_channels of them: depthwise */
  int64_t in[3], kernel[3], stride[3], dilation[3];
  int64_t pad_before[3], pad_after[3]; /* negative: the input is cropped */
  int64_t output_padding[3];           /* transposed: elements more at the output's end */
  double padding_value;                /* CONVC_PAD_CONSTANT */
  int32_t padding_mode;                /* CONVC_PAD_*; transposed: CONVC_PAD_ZEROS */
  int32_t transposed;                  /* 0 or 1 */
} convc_conv;

/* Writes the output's size along each axis, where reach = (kernel - 1) * dilation + 1:
 *   floor((in + pad_before + pad_after - reach) / stride) + 1; transposed, the inverse of it:
 *   (in - 1) * stride + reach - pad_before - pad_after + output_padding.
 * Returns 0; or -1, and writes nothing, when the sizes are not those of a convolution: a negative
 * size, groups that do not divide, an output without elements, padding that its mode cannot make,
 * a mode for a transposed one, or a tensor of 2^60 elements or more. */
CONVC_REFERENCE_API int convc_reference_output_size(const convc_conv* conv, int64_t out[3]);

/* Products that make one output, at most: of a transposed one a stride-th of the kernel's. */
CONVC_REFERENCE_API int64_t convc_reference_reduction_length(const convc_conv* conv);

/* All tensors are dense and row-major:
 *   input     [batch][in depth][in height][in width][in_channels]
 *   kernel    [kernel..][in_channels / groups][filters];
 *             transposed [kernel..][filters / groups][in_channels]
 *   bias      [filters], or NULL for none
 *   output    [batch][out depth][out height][out width][filters]
 *   magnitude as output, or NULL: the sum of |kernel * input| and |bias| that went into each
 * output; convc_reference_bound_f32 needs it Cross-correlation (the filter is not flipped). Along
 * an axis, output o is the sum over taps t of kernel[t] * input[o * stride + t * dilation -
 * pad_before]; transposed it is the sum over taps t and inputs i with i * stride + t * dilation -
 * pad_before == o. Filter k reads the channels of its group, number k / (filters / groups). Each
 * output is the bias, then the products added in the order of the kernel's memory, in double: the
 * error is that of double additions, 2^29 times below float's. Around the input
 * are zeros (or what the padding says), which are multiplied like any number. NaN and infinity go
 * through as arithmetic has them: an infinite weight makes NaN of a zero. Returns 0, or -1 (and
 * writes nothing) when convc_reference_output_size does, or a required pointer is NULL. A separable
 * convolution is two calls. */
CONVC_REFERENCE_API int convc_reference_conv(const convc_conv* conv, const double* input,
                                             const float* kernel, const float* bias, double* output,
                                             double* magnitude);

/* How far an f32 result may be from the exact one when `reduction_length` products and a bias are
 * added in any order, with or without fused multiply-add.
 *
 * Higham, Accuracy and Stability of Numerical Algorithms, 2nd edition, sections 3.1 and 4.2: a sum
 * of n products has |computed - exact| <= gamma(n) * sum |x_i y_i| in any order, where gamma(n) = n
 * u / (1 - n u) and u = 2^-24. The bias is one more product (with 1), hence gamma(reduction_length
 * + 1) * magnitude. Higham leaves out underflow: each of the reduction_length + 1 operations may
 * add half of the smallest subnormal, 2^-150; the bound allows 2^-126 each (the smallest normal),
 * so that it also holds where results are flushed to zero. Infinite when n u >= 1, so for 2^24
 * products or more. */
CONVC_REFERENCE_API double convc_reference_bound_f32(int64_t reduction_length, double magnitude);

/* Activation functions by Keras 3's names, and ONNX's where Keras has none. Formulas beside
 * dsl/post_op.h's ActivationFunction, which has the same order. */
enum {
  CONVC_ACTIVATION_LINEAR = 0,
  CONVC_ACTIVATION_RELU,
  CONVC_ACTIVATION_LEAKY_RELU,
  CONVC_ACTIVATION_ELU,
  CONVC_ACTIVATION_SELU,
  CONVC_ACTIVATION_CELU,
  CONVC_ACTIVATION_GELU,
  CONVC_ACTIVATION_GELU_TANH,
  CONVC_ACTIVATION_SILU,
  CONVC_ACTIVATION_MISH,
  CONVC_ACTIVATION_SIGMOID,
  CONVC_ACTIVATION_HARD_SIGMOID,
  CONVC_ACTIVATION_HARD_SILU,
  CONVC_ACTIVATION_LOG_SIGMOID,
  CONVC_ACTIVATION_TANH,
  CONVC_ACTIVATION_HARD_TANH,
  CONVC_ACTIVATION_TANH_SHRINK,
  CONVC_ACTIVATION_SOFT_SHRINK,
  CONVC_ACTIVATION_HARD_SHRINK,
  CONVC_ACTIVATION_SHRINK,
  CONVC_ACTIVATION_SOFTPLUS,
  CONVC_ACTIVATION_SOFTSIGN,
  CONVC_ACTIVATION_EXPONENTIAL,
  CONVC_ACTIVATION_SQUAREPLUS,
  CONVC_ACTIVATION_SPARSE_PLUS,
  CONVC_ACTIVATION_SPARSE_SIGMOID,
  CONVC_ACTIVATION_THRESHOLD,
  CONVC_ACTIVATION_CLIP,
  CONVC_ACTIVATION_SOFTMAX, /* from here on: all channels of a pixel together */
  CONVC_ACTIVATION_LOG_SOFTMAX,
  CONVC_ACTIVATION_SPARSEMAX,
  CONVC_ACTIVATION_GLU
};

/* The function of x, accurate to 1e-12 of the result for all of float's range. NaN, infinities
 * and signed zeros give what Keras 3.15 (JAX) gives. NaN for a function that is unknown or reads
 * all channels. */
CONVC_REFERENCE_API double convc_reference_activate(int32_t function, double alpha, double beta,
                                                    double gamma, double x);

/* A function of all `channels` of one pixel, x to y (not the same memory):
 *   softmax e^x_c / sum_i e^x_i; log_softmax its logarithm; sparsemax the point nearest to x whose
 *   numbers are not negative and sum to 1; glu a * sigmoid(b) of the halves a, b: half as many.
 * Results of softmax, log_softmax and glu are accurate to 1e-12 of themselves for up to 4096
 * channels. Returns 0; or -1, and writes nothing, for another function, no channels, or an odd
 * number of them for glu. */
CONVC_REFERENCE_API int convc_reference_channelwise(int32_t function, int64_t channels,
                                                    const double* x, double* y);

/* (x - mean) / sqrt(variance + epsilon) * gamma + beta. Keras without scale: gamma 1; without
 * center: beta 0. */
CONVC_REFERENCE_API double convc_reference_batch_normalization(double x, double mean,
                                                               double variance, double epsilon,
                                                               double gamma, double beta);

/* x < 0 ? slope * x : x. */
CONVC_REFERENCE_API double convc_reference_prelu(double x, double slope);

#ifdef __cplusplus
}
#endif
#endif
