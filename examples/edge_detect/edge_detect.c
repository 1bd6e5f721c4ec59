/* edge_detect: runs the kernels of edges.conv on a picture.
 *
 *   edge_detect PICTURE.png DIRECTORY
 *
 * writes vertical_edges.png, horizontal_edges.png and feature_maps.png (a contact sheet of the 32
 * maps of the layer `first`) into DIRECTORY. The picture has the size that edges.conv was compiled
 * for. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "convc/kernel_abi.h"
#include "edges.h"
#include "first_layer.h"
#include "picture.h"

/* Memory for packed weights and workspace; 0 bytes need none. Exits when there is no more. */
static void* allocate(size_t bytes) {
  if (bytes == 0) return NULL;
  const size_t rounded = (bytes + CONVC_ALIGNMENT - 1) / CONVC_ALIGNMENT * CONVC_ALIGNMENT;
  void* memory = aligned_alloc(CONVC_ALIGNMENT, rounded);
  if (memory == NULL) {
    fprintf(stderr, "out of memory: %zu bytes\n", bytes);
    exit(EXIT_FAILURE);
  }
  return memory;
}

static void check(convc_status status) {
  if (status == CONVC_OK) return;
  fprintf(stderr, "%s: %s\n", convc_status_name(status), convc_last_error());
  exit(EXIT_FAILURE);
}

static double now_ms(void) {
  struct timespec now;
  timespec_get(&now, TIME_UTC);
  return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
}

/* Magnitudes; white is twelve times the mean, because most of a picture is no edge. */
static void normalize(struct picture* picture) {
  const size_t count = picture->height * picture->width;
  double sum = 0;
  for (size_t i = 0; i < count; ++i) {
    if (picture->pixels[i] < 0) picture->pixels[i] = -picture->pixels[i];
    sum += picture->pixels[i];
  }
  const float white = (float)(12 * sum / (double)count) + 1e-6f;
  for (size_t i = 0; i < count; ++i) picture->pixels[i] /= white;
}

/* Both filters are compiled with their numbers, so there is nothing to pack. */
static int write_edges(const struct picture* photo, const char* directory) {
  struct picture edges = *photo;
  edges.pixels = allocate(sizeof(float) * photo->height * photo->width);

  const size_t vertical_bytes = edges_vertical_workspace_bytes(NULL);
  void* workspace = allocate(vertical_bytes);
  const edges_vertical_io vertical = {.input = photo->pixels, .output = edges.pixels};
  check(edges_vertical_run(&vertical, NULL, 0, workspace, vertical_bytes, NULL));
  free(workspace);
  normalize(&edges);
  int status = write_picture(directory, "vertical_edges.png", &edges);

  const size_t horizontal_bytes = edges_horizontal_workspace_bytes(NULL);
  workspace = allocate(horizontal_bytes);
  const edges_horizontal_io horizontal = {.input = photo->pixels, .output = edges.pixels};
  check(edges_horizontal_run(&horizontal, NULL, 0, workspace, horizontal_bytes, NULL));
  free(workspace);
  normalize(&edges);
  status |= write_picture(directory, "horizontal_edges.png", &edges);

  free(edges.pixels);
  return status;
}

/* The maps [height][width][32] beside each other, 8 in a row, each reduced `step` times and with
 * its own largest value as white. */
static int write_contact_sheet(const float* maps, size_t height, size_t width,
                               const char* directory) {
  enum { per_row = 8, rows = FIRST_LAYER_FILTERS / per_row, gap = 4, tile_pixels = 200 };
  const size_t step = (width + tile_pixels - 1) / tile_pixels;
  const size_t tile_height = height / step, tile_width = width / step;
  struct picture sheet = {rows * (tile_height + gap) + gap, per_row * (tile_width + gap) + gap,
                          NULL};
  if (tile_height == 0 || tile_width == 0) {
    fprintf(stderr, "the picture is too narrow for a contact sheet\n");
    return -1;
  }
  sheet.pixels = allocate(sizeof(float) * sheet.height * sheet.width);
  for (size_t i = 0; i < sheet.height * sheet.width; ++i) sheet.pixels[i] = 0.35f;

  struct picture tile = {tile_height, tile_width,
                         allocate(sizeof(float) * tile_height * tile_width)};
  for (size_t map = 0; map < FIRST_LAYER_FILTERS; ++map) {
    for (size_t y = 0; y < tile_height; ++y) {
      for (size_t x = 0; x < tile_width; ++x) {
        float sum = 0;
        for (size_t dy = 0; dy < step; ++dy) {
          for (size_t dx = 0; dx < step; ++dx) {
            const size_t pixel = (y * step + dy) * width + x * step + dx;
            sum += maps[pixel * FIRST_LAYER_FILTERS + map];
          }
        }
        tile.pixels[y * tile_width + x] = sum;
      }
    }
    normalize(&tile);
    const size_t top = gap + map / per_row * (tile_height + gap);
    const size_t left = gap + map % per_row * (tile_width + gap);
    for (size_t y = 0; y < tile_height; ++y) {
      for (size_t x = 0; x < tile_width; ++x) {
        sheet.pixels[(top + y) * sheet.width + left + x] = tile.pixels[y * tile_width + x];
      }
    }
  }
  const int status = write_picture(directory, "feature_maps.png", &sheet);
  free(tile.pixels);
  free(sheet.pixels);
  return status;
}

/* The first layer's numbers come at run time: they are packed once, then run as often as one likes.
 */
static int write_feature_maps(const struct picture* photo, const char* directory) {
  float kernel[3 * 3 * FIRST_LAYER_FILTERS], bias[FIRST_LAYER_FILTERS];
  make_first_layer(kernel, bias);
  const edges_first_weights weights = {.kernel = kernel, .bias = bias};
  const size_t packed_bytes = edges_first_packed_bytes(NULL);
  void* packed = allocate(packed_bytes);
  check(edges_first_pack(&weights, packed, packed_bytes, NULL));

  float* maps = allocate(sizeof(float) * photo->height * photo->width * FIRST_LAYER_FILTERS);
  const edges_first_io io = {.input = photo->pixels, .output = maps};
  const size_t workspace_bytes = edges_first_workspace_bytes(NULL);
  void* workspace = allocate(workspace_bytes);
  double best_ms = 1e30;
  for (int run = 0; run < 10; ++run) {
    const double start_ms = now_ms();
    check(edges_first_run(&io, packed, packed_bytes, workspace, workspace_bytes, NULL));
    const double took_ms = now_ms() - start_ms;
    if (took_ms < best_ms) best_ms = took_ms;
  }
  printf("first layer, 3x3x%d on %zux%zu: %.3f ms on %u threads (best of 10)\n",
         FIRST_LAYER_FILTERS, photo->width, photo->height, best_ms, convc_get_threads());
  const int status = write_contact_sheet(maps, photo->height, photo->width, directory);
  free(workspace);
  free(maps);
  free(packed);
  return status;
}

int main(int argc, char** argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: edge_detect PICTURE.png DIRECTORY\n");
    return EXIT_FAILURE;
  }
  struct picture photo;
  if (read_picture(argv[1], &photo) != 0) return EXIT_FAILURE;
  int status = EXIT_FAILURE;
  /* [batch, height, width, channels] */
  const int64_t* shape = edges_first_kernel.inputs[0].shape;
  if (photo.height != (size_t)shape[1] || photo.width != (size_t)shape[2]) {
    fprintf(stderr, "%s is %zux%zu, but edges.conv was compiled for %dx%d\n", argv[1], photo.width,
            photo.height, (int)shape[2], (int)shape[1]);
  } else if (write_edges(&photo, argv[2]) == 0 && write_feature_maps(&photo, argv[2]) == 0) {
    status = EXIT_SUCCESS;
  }
  free(photo.pixels);
  return status;
}
