/* reference.c: the naive convolution. Plain on purpose; nothing here is to become faster. */
#include "convc/reference.h"

#include <math.h>
#include <stddef.h>

static int64_t or_one(int64_t value) {
  return value == 0 ? 1 : value;
}

/* The sizes with 0 replaced by its meaning. */
static convc_conv2d with_defaults(const convc_conv2d* conv) {
  convc_conv2d c = *conv;
  c.stride_height = or_one(c.stride_height);
  c.stride_width = or_one(c.stride_width);
  c.dilation_height = or_one(c.dilation_height);
  c.dilation_width = or_one(c.dilation_width);
  c.groups = or_one(c.groups);
  return c;
}

/* No product or sum of a few of these overflows 64 bits. */
#define MAX_ELEMENTS (INT64_C(1) << 60)

static int is_size(int64_t value) {
  return value > 0 && value < MAX_ELEMENTS;
}
static int is_padding(int64_t value) {
  return value >= 0 && value < MAX_ELEMENTS;
}

static int product_is_size(int64_t a, int64_t b, int64_t c, int64_t d) {
  if (!is_size(a) || !is_size(b) || !is_size(c) || !is_size(d)) return 0;
  if (a > MAX_ELEMENTS / b || a * b > MAX_ELEMENTS / c) return 0;
  return a * b * c <= (MAX_ELEMENTS - 1) / d;
}

/* Output size along one axis; 0 when there is none. */
static int64_t output_extent(int64_t in, int64_t before, int64_t after, int64_t kernel,
                             int64_t dilation, int64_t stride) {
  if (!is_size(in) || !is_padding(before) || !is_padding(after) || !is_size(kernel) ||
      !is_size(dilation) || !is_size(stride) || kernel - 1 > MAX_ELEMENTS / dilation) {
    return 0;
  }
  const int64_t padded = in + before + after;
  const int64_t reach = (kernel - 1) * dilation + 1;
  return padded < reach ? 0 : (padded - reach) / stride + 1;
}

int convc_reference_output_size(const convc_conv2d* conv, int64_t* out_height, int64_t* out_width) {
  if (conv == NULL || out_height == NULL || out_width == NULL) return -1;
  const convc_conv2d c = with_defaults(conv);
  const int64_t height = output_extent(c.in_height, c.pad_top, c.pad_bottom, c.kernel_height,
                                       c.dilation_height, c.stride_height);
  const int64_t width = output_extent(c.in_width, c.pad_left, c.pad_right, c.kernel_width,
                                      c.dilation_width, c.stride_width);
  const int is_valid =
      height > 0 && width > 0 && c.groups > 0 && c.reserved == 0 &&
      (c.activation == CONVC_ACTIVATION_LINEAR || c.activation == CONVC_ACTIVATION_RELU) &&
      product_is_size(c.batch, c.in_height, c.in_width, c.in_channels) &&
      product_is_size(c.kernel_height, c.kernel_width, c.in_channels, c.filters) &&
      product_is_size(c.batch, height, width, c.filters) && c.in_channels % c.groups == 0 &&
      c.filters % c.groups == 0;
  if (!is_valid) return -1;
  *out_height = height;
  *out_width = width;
  return 0;
}

int64_t convc_reference_reduction_length(const convc_conv2d* conv) {
  return conv->kernel_height * conv->kernel_width * (conv->in_channels / or_one(conv->groups));
}

static double activate(const convc_conv2d* c, double sum) {
  return c->activation == CONVC_ACTIVATION_RELU && sum < 0 ? 0 : sum;
}

int convc_reference_conv2d(const convc_conv2d* conv, const float* input, const float* kernel,
                           const float* bias, double* output, double* magnitude) {
  int64_t out_height, out_width;
  if (convc_reference_output_size(conv, &out_height, &out_width) != 0) return -1;
  if (input == NULL || kernel == NULL || output == NULL) return -1;
  const convc_conv2d c = with_defaults(conv);
  const int64_t group_channels = c.in_channels / c.groups;
  const int64_t group_filters = c.filters / c.groups;

  for (int64_t n = 0; n < c.batch; ++n) {
    for (int64_t y = 0; y < out_height; ++y) {
      for (int64_t x = 0; x < out_width; ++x) {
        for (int64_t k = 0; k < c.filters; ++k) {
          const int64_t first_channel = k / group_filters * group_channels;
          double sum = bias != NULL ? (double)bias[k] : 0;
          double sum_of_magnitudes = fabs(sum);
          for (int64_t i = 0; i < c.kernel_height; ++i) {
            for (int64_t j = 0; j < c.kernel_width; ++j) {
              const int64_t in_y = y * c.stride_height + i * c.dilation_height - c.pad_top;
              const int64_t in_x = x * c.stride_width + j * c.dilation_width - c.pad_left;
              if (in_y < 0 || in_y >= c.in_height || in_x < 0 || in_x >= c.in_width) continue;
              for (int64_t ch = 0; ch < group_channels; ++ch) {
                const int64_t in_index =
                    ((n * c.in_height + in_y) * c.in_width + in_x) * c.in_channels + first_channel +
                    ch;
                const int64_t kernel_index =
                    ((i * c.kernel_width + j) * group_channels + ch) * c.filters + k;
                const double product = (double)input[in_index] * (double)kernel[kernel_index];
                sum += product;
                sum_of_magnitudes += fabs(product);
              }
            }
          }
          const int64_t out_index = ((n * out_height + y) * out_width + x) * c.filters + k;
          output[out_index] = activate(&c, sum);
          if (magnitude != NULL) magnitude[out_index] = sum_of_magnitudes;
        }
      }
    }
  }
  return 0;
}

double convc_reference_bound_f32(int64_t reduction_length, double magnitude) {
  const double unit_roundoff = ldexp(1, -24);
  const double n = (double)reduction_length + 1;
  if (n * unit_roundoff >= 1) return HUGE_VAL;
  return n * unit_roundoff / (1 - n * unit_roundoff) * magnitude + n * ldexp(1, -126);
}
