/* reference.h: the naive convolution that kernels are measured against, and the bound they must
 * keep. Seven plain loops in double, no blocking, no vector code: short enough to check by reading.
 * Ships with convc (library convc_reference) so that users can verify results on their own machine.
 * C99. */
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

enum { CONVC_ACTIVATION_LINEAR = 0, CONVC_ACTIVATION_RELU = 1 };

/* Sizes in elements, as in a spec. Zero-initialize: groups, strides and dilation rates of 0 mean 1.
 * The padding is of zeros. */
typedef struct convc_conv2d {
  int64_t batch, in_height, in_width, in_channels;
  int64_t filters, kernel_height, kernel_width;
  int64_t stride_height, stride_width;
  int64_t dilation_height, dilation_width;
  int64_t pad_top, pad_bottom, pad_left, pad_right;
  int64_t groups;     /* divides in_channels and filters */
  int32_t activation; /* CONVC_ACTIVATION_* */
  int32_t reserved;   /* 0 */
} convc_conv2d;

/* Writes the output's height and width: floor((in + padding - dilated kernel) / stride) + 1.
 * Returns 0; or -1, and writes nothing, when the sizes are not those of a convolution: a size that
 * is not positive, negative padding, groups that do not divide, a dilated kernel larger than the
 * padded input, an unknown activation, or a tensor of 2^60 elements or more. */
CONVC_REFERENCE_API int convc_reference_output_size(const convc_conv2d* conv, int64_t* out_height,
                                                    int64_t* out_width);

/* Cross-correlation (the filter is not flipped), all tensors dense and row-major:
 *   input     [batch][in_height][in_width][in_channels]
 *   kernel    [kernel_height][kernel_width][in_channels / groups][filters]
 *   bias      [filters], or NULL for none
 *   output    [batch][out_height][out_width][filters]
 *   magnitude as output, or NULL: the sum of |kernel * input| and |bias| that went into each
 * output, before the activation; convc_reference_bound_f32 needs it Each output is the bias, then
 * the products added in the order kernel row, kernel column, channel, in double; then the
 * activation. Products of two floats are exact in double, so the error of the reference is that of
 * double additions alone: 2^29 times below float's. NaN and infinity go through as arithmetic has
 * them; relu(NaN) is NaN. Returns 0, or -1 (and writes nothing) when convc_reference_output_size
 * does, or a required pointer is NULL. */
CONVC_REFERENCE_API int convc_reference_conv2d(const convc_conv2d* conv, const float* input,
                                               const float* kernel, const float* bias,
                                               double* output, double* magnitude);

/* Products that make one output: kernel_height * kernel_width * in_channels / groups. */
CONVC_REFERENCE_API int64_t convc_reference_reduction_length(const convc_conv2d* conv);

/* How far an f32 result may be from the exact one when `reduction_length` products and a bias are
 * added in any order, with or without fused multiply-add, then pass relu or nothing.
 *
 * Higham, Accuracy and Stability of Numerical Algorithms, 2nd edition, sections 3.1 and 4.2: a sum
 * of n products has |computed - exact| <= gamma(n) * sum |x_i y_i| in any order, where gamma(n) = n
 * u / (1 - n u) and u = 2^-24. The bias is one more product (with 1), hence gamma(reduction_length
 * + 1) * magnitude. Higham leaves out underflow: each of the reduction_length + 1 operations may
 * add half of the smallest subnormal, 2^-150; the bound allows 2^-126 each (the smallest normal),
 * so that it also holds where results are flushed to zero. relu does not stretch differences.
 * Infinite when n u >= 1, so for 2^24 products or more. */
CONVC_REFERENCE_API double convc_reference_bound_f32(int64_t reduction_length, double magnitude);

#ifdef __cplusplus
}
#endif
#endif
