/* pack_layout.c: one packing of kernel_abi.h, its size and its execution. No state, no error texts:
 * what is not sound has no size and is not executed. */
#include "convc/pack_layout.h"

#include <string.h>

#include "internal.h"

/* Product of two sizes; 0 stands for "no valid size" and stays. */
static uint64_t times(uint64_t a, uint64_t b) {
  if (a == 0 || b == 0 || a > UINT64_MAX / b) return 0;
  return a * b;
}

static uint64_t size_of(int64_t extent) {
  return extent > 0 ? (uint64_t)extent : 0;
}

static uint64_t ceil_divide(int64_t a, int64_t b) { /* both positive */
  return ((uint64_t)a - 1) / (uint64_t)b + 1;
}

/* Widens [*least, *most], the elements that are read, by an axis. 0 when it leaves the variable. */
static int add_axis(const convc_packing* p, int64_t extent, int64_t stride, int64_t* least,
                    int64_t* most) {
  const int64_t elements = (int64_t)p->variable_elements;
  int64_t reach; /* of the axis: at most `elements` in size, or it is outside */
  if (!convc_impl_multiply(extent - 1, stride, &reach)) return 0;
  if (reach >= elements || reach <= -elements) return 0;
  *(reach < 0 ? least : most) += reach;
  return *least >= 0 && *most < elements;
}

static int reads_inside_variable(const convc_packing* p) {
  if (p->variable == CONVC_NO_VARIABLE) return p->kind == CONVC_PACK_VECTOR;
  if (p->variable_elements > INT64_MAX / 2 || p->first < 0 ||
      (uint64_t)p->first >= p->variable_elements) {
    return 0;
  }
  int64_t least = p->first, most = p->first;
  const int64_t axes[6][2] = {
      {p->groups, p->group_stride},      {p->filters, p->filter_stride},
      {p->channels, p->channel_stride},  {p->kernel_depth, p->depth_stride},
      {p->kernel_height, p->row_stride}, {p->kernel_width, p->column_stride}};
  for (int i = 0; i < 6; ++i) {
    if (!add_axis(p, axes[i][0], axes[i][1], &least, &most)) return 0;
  }
  return 1;
}

static int normalizes(const convc_packing* p) {
  return p->variance != CONVC_NO_VARIABLE;
}

/* Runs of panels, and the filters of each. */
static int64_t runs_of(const convc_packing* p) {
  return p->merges_groups ? 1 : p->groups;
}

static int64_t run_filters(
    const convc_packing* p) { /* does not overflow where packing_bytes != 0 */
  return p->merges_groups ? p->groups * p->filters : p->filters;
}

/* Rows and columns of a packed filter. */
static int64_t packed_height(const convc_packing* p) {
  return p->row_transform != NULL ? p->transformed_height : p->kernel_height;
}

static int64_t packed_width(const convc_packing* p) {
  return p->column_transform != NULL ? p->transformed_width : p->kernel_width;
}

static int transforms(const convc_packing* p) {
  return p->row_transform != NULL || p->column_transform != NULL;
}

static int is_sound_transform(const double* matrix, int64_t transformed) {
  return matrix == NULL ? transformed == 0 : transformed <= CONVC_MAX_TRANSFORMED;
}

uint64_t convc_packing_bytes(const convc_packing* p) {
  if (p->groups <= 0 || p->filters <= 0 || p->filter_panel <= 0 || p->channels <= 0 ||
      p->channel_block <= 0 || p->channels % p->channel_block != 0) {
    return 0;
  }
  if (p->merges_groups && p->groups > INT64_MAX / p->filters) return 0;
  const uint64_t filters =
      times(times(ceil_divide(run_filters(p), p->filter_panel), size_of(p->filter_panel)),
            size_of(runs_of(p)));
  const uint64_t taps =
      times(times(size_of(p->kernel_depth), size_of(packed_height(p))), size_of(packed_width(p)));
  const uint64_t of_filter = times(taps, size_of(p->channels));
  const uint64_t bytes = times(times(filters, of_filter), sizeof(float));
  const int is_vector = p->kind == CONVC_PACK_VECTOR && of_filter == 1;
  if (bytes == 0 || bytes > INT64_MAX || !(is_vector || p->kind == CONVC_PACK_PANELS)) return 0;
  if (p->kernel_height <= 0 || p->kernel_width <= 0 || (is_vector && transforms(p)) ||
      !is_sound_transform(p->row_transform, p->transformed_height) ||
      !is_sound_transform(p->column_transform, p->transformed_width)) {
    return 0;
  }
  if (p->is_offset && !(is_vector && normalizes(p) && p->mean != CONVC_NO_VARIABLE)) return 0;
  return reads_inside_variable(p) ? bytes : 0;
}

/* Where a packing reads; NULL for a variable that it has not. */
typedef struct sources {
  const float *variable, *gamma, *beta, *mean, *variance;
} sources;

static const float* variable_at(const void* const* variables, uint32_t index) {
  const float* variable = NULL;
  /* memcpy: the generated struct's members are float pointers, not void pointers. */
  if (index != CONVC_NO_VARIABLE) memcpy(&variable, variables + index, sizeof variable);
  return variable;
}

enum { CHUNK = 32 }; /* filters whose normalization is held at a time */

/* Some neighbouring filters of one panel of one group. */
typedef struct chunk {
  int64_t first; /* element of the variable: that of filter 0, tap 0 and channel 0 of the chunk */
  int64_t filters;
  double scale[CHUNK], mean[CHUNK], offset[CHUNK];
} chunk;

/* The normalization of the chunk, whose first filter is number n of all groups'. */
static void read_normalization(const convc_packing* p, const sources* from, int64_t n, chunk* c) {
  if (from->variance == NULL) return;
  for (int64_t k = 0; k < c->filters; ++k) {
    const double gamma = from->gamma != NULL ? (double)from->gamma[n + k] : 1;
    c->scale[k] = gamma / convc_impl_sqrt((double)from->variance[n + k] + p->epsilon);
    c->mean[k] = p->is_offset ? (double)from->mean[n + k] : 0;
    c->offset[k] = p->is_offset && from->beta != NULL ? (double)from->beta[n + k] : 0;
  }
}

/* One tap of one channel: the chunk's filters. */
static void pack_row(const convc_packing* p, const sources* from, const chunk* c, int64_t element,
                     float* destination) {
  const float* source = from->variable != NULL ? from->variable + element : NULL;
  if (source != NULL && from->variance == NULL && p->filter_stride == 1) {
    memcpy(destination, source, (size_t)c->filters * sizeof(float));
    return;
  }
  for (int64_t k = 0; k < c->filters; ++k) {
    const double x = source != NULL ? (double)source[k * p->filter_stride] : p->value;
    double y = x;
    if (p->is_offset) {
      y = (x - c->mean[k]) * c->scale[k] + c->offset[k];
    } else if (from->variance != NULL) {
      y = x * c->scale[k];
    }
    destination[k] = (float)y;
  }
}

/* One transformed tap of one channel: the chunk's filters. `element` is that of tap 0. */
static void pack_transformed_row(const convc_packing* p, const sources* from, const chunk* c,
                                 int64_t element, int64_t row, int64_t column, float* destination) {
  double sum[CHUNK] = {0};
  for (int64_t i = 0; i < p->kernel_height; ++i) {
    const double of_row = p->row_transform != NULL ? p->row_transform[row * p->kernel_height + i]
                                                   : (double)(i == row);
    for (int64_t j = 0; j < p->kernel_width; ++j) {
      const double of_column = p->column_transform != NULL
                                   ? p->column_transform[column * p->kernel_width + j]
                                   : (double)(j == column);
      const double factor = of_row * of_column;
      if (factor == 0) continue;
      const float* source = from->variable + element + i * p->row_stride + j * p->column_stride;
      for (int64_t k = 0; k < c->filters; ++k) {
        sum[k] += factor * (double)source[k * p->filter_stride];
      }
    }
  }
  for (int64_t k = 0; k < c->filters; ++k) {
    destination[k] = (float)(from->variance != NULL ? sum[k] * c->scale[k] : sum[k]);
  }
}

/* All rows of the chunk, which lies at `destination` within the first row of its panel. */
static void pack_chunk(const convc_packing* p, const sources* from, const chunk* c,
                       float* destination) {
  for (int64_t block = 0; block < p->channels; block += p->channel_block) {
    for (int64_t d = 0; d < p->kernel_depth; ++d) {
      for (int64_t i = 0; i < packed_height(p); ++i) {
        for (int64_t j = 0; j < packed_width(p); ++j) {
          for (int64_t channel = block; channel < block + p->channel_block; ++channel) {
            const int64_t tap = c->first + channel * p->channel_stride + d * p->depth_stride;
            if (transforms(p)) {
              pack_transformed_row(p, from, c, tap, i, j, destination);
            } else {
              pack_row(p, from, c, tap + i * p->row_stride + j * p->column_stride, destination);
            }
            destination += p->filter_panel;
          }
        }
      }
    }
  }
}

static int64_t smaller(int64_t a, int64_t b) {
  return a < b ? a : b;
}

void convc_pack_variable(const convc_packing* p, const void* const* variables, void* destination) {
  const uint64_t bytes = convc_packing_bytes(p);
  if (bytes == 0) return;
  memset(destination, 0, (size_t)bytes); /* also beyond the last filter */
  const sources from = {
      variable_at(variables, p->variable), normalizes(p) ? variable_at(variables, p->gamma) : NULL,
      normalizes(p) ? variable_at(variables, p->beta) : NULL,
      normalizes(p) ? variable_at(variables, p->mean) : NULL, variable_at(variables, p->variance)};
  const int64_t filters = run_filters(p);
  const int64_t panels = (int64_t)ceil_divide(filters, p->filter_panel);
  const int64_t panel_elements = (int64_t)(bytes / sizeof(float)) / panels / runs_of(p);
  float* panel = (float*)destination;
  for (int64_t run = 0; run < runs_of(p); ++run) {
    for (int64_t q = 0; q < panels; ++q, panel += panel_elements) {
      const int64_t panel_begin = q * p->filter_panel;
      const int64_t used = smaller(filters - panel_begin, p->filter_panel);
      chunk c;
      for (int64_t begin = 0; begin < used; begin += c.filters) {
        const int64_t n = run * filters + panel_begin + begin; /* of all groups' filters */
        const int64_t k = n % p->filters;                      /* of its group's */
        c.filters = smaller(smaller(used - begin, p->filters - k), CHUNK);
        c.first = p->first + n / p->filters * p->group_stride + k * p->filter_stride;
        read_normalization(p, &from, n, &c);
        pack_chunk(p, &from, &c, panel + begin);
      }
    }
  }
}
