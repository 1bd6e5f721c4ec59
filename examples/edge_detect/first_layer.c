/* first_layer.c: see first_layer.h. Trained first layers turn into edge and line detectors in many
 * directions; these are such by construction: filters 0-15 are slopes (first derivatives) in 16
 * directions, 16-31 are bright and dark lines (second derivatives) in 8 directions each. */
#include "first_layer.h"

#include <math.h>

/* Derivatives along x and y over 3x3, smoothed across; rows are y. */
static const float slope_x[3][3] = {{-1, 0, 1}, {-2, 0, 2}, {-1, 0, 1}};
static const float curve_x[3][3] = {{1, -2, 1}, {2, -4, 2}, {1, -2, 1}};
static const float curve_xy[3][3] = {{1, 0, -1}, {0, 0, 0}, {-1, 0, 1}};

void make_first_layer(float* kernel, float* bias) {
  const double full_turn = 6.283185307179586;
  for (int filter = 0; filter < FIRST_LAYER_FILTERS; ++filter) {
    const int is_line = filter >= 16;
    /* A line looks the same after half a turn, a slope after a full one. */
    const double angle = is_line ? full_turn / 2 * (filter % 8) / 8 : full_turn * filter / 16;
    const float c = (float)cos(angle), s = (float)sin(angle);
    const float sign = filter < 24 ? 1.0f : -1.0f;
    for (int y = 0; y < 3; ++y) {
      for (int x = 0; x < 3; ++x) {
        const float slope = c * slope_x[y][x] + s * slope_x[x][y];
        const float line =
            c * c * curve_x[y][x] + 2 * c * s * curve_xy[y][x] + s * s * curve_x[x][y];
        kernel[(y * 3 + x) * FIRST_LAYER_FILTERS + filter] = is_line ? sign * line : slope;
      }
    }
    bias[filter] = -0.05f; /* Faint texture stays black. */
  }
}
