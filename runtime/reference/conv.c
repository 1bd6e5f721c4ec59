/* conv.c: the naive convolution. Plain on purpose; nothing here is to become faster. */
#include <math.h>
#include <stddef.h>

#include "convc/reference.h"

static int64_t or_one(int64_t value) {
  return value == 0 ? 1 : value;
}

/* The sizes with 0 replaced by its meaning. */
static convc_conv with_defaults(const convc_conv* conv) {
  convc_conv c = *conv;
  c.batch = or_one(c.batch);
  c.in_channels = or_one(c.in_channels);
  c.filters = or_one(c.filters);
  c.groups = or_one(c.groups);
  for (int a = 0; a < 3; ++a) {
    c.in[a] = or_one(c.in[a]);
    c.kernel[a] = or_one(c.kernel[a]);
    c.stride[a] = or_one(c.stride[a]);
    c.dilation[a] = or_one(c.dilation[a]);
  }
  return c;
}

/* No sum of a few of these, and no product of two below half of it, overflows 64 bits. */
#define MAX_ELEMENTS (INT64_C(1) << 60)

static int is_size(int64_t value) {
  return value > 0 && value < MAX_ELEMENTS;
}
static int is_padding(int64_t value) {
  return value > -MAX_ELEMENTS && value < MAX_ELEMENTS;
}

static int product_is_size(const int64_t sizes[3], int64_t a, int64_t b) {
  const int64_t factors[5] = {sizes[0], sizes[1], sizes[2], a, b};
  int64_t product = 1;
  for (int i = 0; i < 5; ++i) {
    if (!is_size(factors[i]) || product > (MAX_ELEMENTS - 1) / factors[i]) return 0;
    product *= factors[i];
  }
  return 1;
}

/* Whether the mode has an element for every position in the padding. */
static int padding_exists(const convc_conv* c, int axis) {
  const int64_t before = c->pad_before[axis], after = c->pad_after[axis], size = c->in[axis];
  switch (c->padding_mode) {
    case CONVC_PAD_ZEROS:
      return 1;
    case CONVC_PAD_CONSTANT:
    case CONVC_PAD_REPLICATE:
      return !c->transposed;
    case CONVC_PAD_REFLECT:
      return !c->transposed && before < size && after < size;
    case CONVC_PAD_CIRCULAR:
      return !c->transposed && before <= size && after <= size;
    default:
      return 0;
  }
}

/* Output size along one axis; 0 when there is none. */
static int64_t output_extent(const convc_conv* c, int axis) {
  const int64_t in = c->in[axis], kernel = c->kernel[axis], stride = c->stride[axis];
  const int64_t before = c->pad_before[axis], after = c->pad_after[axis];
  const int64_t dilation = c->dilation[axis], more = c->output_padding[axis];
  if (!is_size(in) || !is_size(kernel) || !is_size(stride) || !is_size(dilation) ||
      !is_padding(before) || !is_padding(after) || more < 0 || more >= MAX_ELEMENTS ||
      kernel - 1 > MAX_ELEMENTS / dilation || !padding_exists(c, axis)) {
    return 0;
  }
  const int64_t reach = (kernel - 1) * dilation + 1;
  if (c->transposed) {
    if (in - 1 > MAX_ELEMENTS / stride) return 0;
    const int64_t out = (in - 1) * stride + reach - before - after + more;
    return out > 0 ? out : 0;
  }
  const int64_t padded = in + before + after;
  return more != 0 || padded < reach ? 0 : (padded - reach) / stride + 1;
}

int convc_reference_output_size(const convc_conv* conv, int64_t out[3]) {
  if (conv == NULL || out == NULL) return -1;
  const convc_conv c = with_defaults(conv);
  int64_t size[3];
  for (int axis = 0; axis < 3; ++axis) size[axis] = output_extent(&c, axis);
  const int is_valid = c.groups > 0 && (c.transposed == 0 || c.transposed == 1) &&
                       product_is_size(c.in, c.batch, c.in_channels) &&
                       product_is_size(c.kernel, c.in_channels, c.filters) &&
                       product_is_size(size, c.batch, c.filters) && c.in_channels % c.groups == 0 &&
                       c.filters % c.groups == 0;
  if (!is_valid) return -1;
  for (int axis = 0; axis < 3; ++axis) out[axis] = size[axis];
  return 0;
}

static int64_t greatest_common_divisor(int64_t a, int64_t b) {
  while (b != 0) {
    const int64_t rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}

int64_t convc_reference_reduction_length(const convc_conv* conv) {
  const convc_conv c = with_defaults(conv);
  int64_t length = c.in_channels / c.groups;
  for (int axis = 0; axis < 3; ++axis) {
    /* Transposed: of the taps that reach an output, every step-th is one. */
    const int64_t stride = c.stride[axis];
    const int64_t step =
        c.transposed ? stride / greatest_common_divisor(stride, c.dilation[axis]) : 1;
    length *= (c.kernel[axis] - 1) / step + 1;
  }
  return length;
}

enum { OUTSIDE = -1, NOWHERE = -2 };

/* The input element that tap `tap` of output `out` reads along an axis: OUTSIDE for zeros around
 * the image or the padding's constant; NOWHERE when a transposed convolution's stride passes it by.
 */
static int64_t input_position(const convc_conv* c, int axis, int64_t out, int64_t tap) {
  const int64_t size = c->in[axis];
  const int64_t reach = tap * c->dilation[axis] - c->pad_before[axis];
  if (c->transposed) {
    const int64_t distance = out - reach;
    if (distance % c->stride[axis] != 0) return NOWHERE;
    const int64_t position = distance / c->stride[axis];
    return position >= 0 && position < size ? position : OUTSIDE;
  }
  const int64_t position = out * c->stride[axis] + reach;
  if (position >= 0 && position < size) return position;
  switch (c->padding_mode) {
    case CONVC_PAD_REFLECT:
      return position < 0 ? -position : 2 * (size - 1) - position;
    case CONVC_PAD_REPLICATE:
      return position < 0 ? 0 : size - 1;
    case CONVC_PAD_CIRCULAR:
      return position < 0 ? position + size : position - size;
    default:
      return OUTSIDE;
  }
}

typedef struct sums {
  double value, magnitude;
} sums;

/* Adds the products of one tap of filter k: the channels of its group. `pixel` is the input's, or
 * OUTSIDE. */
static void add_tap(const convc_conv* c, const double* input, const float* kernel, int64_t pixel,
                    int64_t tap, int64_t k, sums* sum) {
  const int64_t channels = c->in_channels / c->groups, filters = c->filters / c->groups;
  const int64_t first_channel = k / filters * channels;
  const double outside = c->padding_mode == CONVC_PAD_CONSTANT ? c->padding_value : 0;
  for (int64_t i = 0; i < channels; ++i) {
    const int64_t channel = first_channel + i;
    const int64_t element = c->transposed ? (tap * filters + k % filters) * c->in_channels + channel
                                          : (tap * channels + i) * c->filters + k;
    const double x = pixel == OUTSIDE ? outside : input[pixel * c->in_channels + channel];
    sum->value += x * (double)kernel[element];
    sum->magnitude += fabs(x * (double)kernel[element]);
  }
}

/* All taps of filter k at one output: image n, position `out`. */
static void add_window(const convc_conv* c, const double* input, const float* kernel, int64_t n,
                       const int64_t out[3], int64_t k, sums* sum) {
  for (int64_t d = 0; d < c->kernel[0]; ++d) {
    for (int64_t i = 0; i < c->kernel[1]; ++i) {
      for (int64_t j = 0; j < c->kernel[2]; ++j) {
        const int64_t z = input_position(c, 0, out[0], d);
        const int64_t y = input_position(c, 1, out[1], i);
        const int64_t x = input_position(c, 2, out[2], j);
        if (z == NOWHERE || y == NOWHERE || x == NOWHERE) continue;
        const int inside = z != OUTSIDE && y != OUTSIDE && x != OUTSIDE;
        const int64_t pixel = inside ? ((n * c->in[0] + z) * c->in[1] + y) * c->in[2] + x : OUTSIDE;
        const int64_t tap = (d * c->kernel[1] + i) * c->kernel[2] + j;
        add_tap(c, input, kernel, pixel, tap, k, sum);
      }
    }
  }
}

int convc_reference_conv(const convc_conv* conv, const double* input, const float* kernel,
                         const float* bias, double* output, double* magnitude) {
  int64_t size[3], out[3];
  if (convc_reference_output_size(conv, size) != 0) return -1;
  if (input == NULL || kernel == NULL || output == NULL) return -1;
  const convc_conv c = with_defaults(conv);
  int64_t at = 0;
  for (int64_t n = 0; n < c.batch; ++n) {
    for (out[0] = 0; out[0] < size[0]; ++out[0]) {
      for (out[1] = 0; out[1] < size[1]; ++out[1]) {
        for (out[2] = 0; out[2] < size[2]; ++out[2]) {
          for (int64_t k = 0; k < c.filters; ++k, ++at) {
            sums sum;
            sum.value = bias != NULL ? (double)bias[k] : 0;
            sum.magnitude = fabs(sum.value);
            add_window(&c, input, kernel, n, out, k, &sum);
            output[at] = sum.value;
            if (magnitude != NULL) magnitude[at] = sum.magnitude;
          }
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
