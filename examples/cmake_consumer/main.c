/* Runs the two kernels of textbook.conv on a 5x5 image whose left half is bright, and checks the
 * edge filter against the numbers of the textbook. */
#include <stdio.h>
#include <stdlib.h>

#include "textbook.h"

static void* allocate(size_t bytes) {
  const size_t rounded = (bytes / CONVC_ALIGNMENT + 1) * CONVC_ALIGNMENT;
  void* memory = aligned_alloc(CONVC_ALIGNMENT, rounded);
  if (memory == NULL) abort();
  return memory;
}

static int failed(convc_status status) {
  if (status != CONVC_OK)
    fprintf(stderr, "%s: %s\n", convc_status_name(status), convc_last_error());
  return status != CONVC_OK;
}

static const float image[5][5] = {{10, 10, 10, 0, 0},
                                  {10, 10, 10, 0, 0},
                                  {10, 10, 10, 0, 0},
                                  {10, 10, 10, 0, 0},
                                  {10, 10, 10, 0, 0}};

/* Each output is the bright side's column sum less the dark one's: 0 inside, 30 across the edge. */
static int run_edge_filter(void) {
  static const float expected[3] = {0, 30, 30};
  float edges[3][3];
  const size_t workspace_bytes = textbook_vertical_edges_workspace_bytes(NULL);
  void* workspace = allocate(workspace_bytes);
  const textbook_vertical_edges_io io = {.input = &image[0][0], .output = &edges[0][0]};
  int bad = failed(textbook_vertical_edges_run(&io, NULL, 0, workspace, workspace_bytes, NULL));
  for (int y = 0; y < 3 && !bad; ++y) {
    for (int x = 0; x < 3; ++x) {
      printf("%4g", edges[y][x]);
      bad |= edges[y][x] != expected[x];
    }
    printf("\n");
  }
  free(workspace);
  return bad;
}

/* With all weights one, a pixel of the last layer counts what its window sees. */
static int run_network(void) {
  static float ones[3 * 3 * 32 * 64], zeros[64], output[5][5][64];
  for (size_t i = 0; i < sizeof ones / sizeof ones[0]; ++i) ones[i] = 1;
  const textbook_net_weights weights = {
      .conv1_kernel = ones, .conv1_bias = zeros, .conv2_kernel = ones, .conv2_bias = zeros};
  const size_t packed_bytes = textbook_net_packed_bytes(NULL);
  const size_t workspace_bytes = textbook_net_workspace_bytes(NULL);
  void *packed = allocate(packed_bytes), *workspace = allocate(workspace_bytes);
  const textbook_net_io io = {.input = &image[0][0], .output = &output[0][0][0]};
  int bad = failed(textbook_net_pack(&weights, packed, packed_bytes, NULL)) ||
            failed(textbook_net_run(&io, packed, packed_bytes, workspace, workspace_bytes, NULL));
  /* Top left: 32 channels of the sums over the windows of pixels (0..1, 0..1), which are 40, 60, 60
   * and 90. */
  const float expected = 32 * (40 + 60 + 60 + 90);
  if (!bad) printf("network: corner %g, expected %g\n", output[0][0][0], expected);
  bad = bad || output[0][0][0] != expected;
  free(workspace);
  free(packed);
  return bad;
}

int main(void) {
  return run_edge_filter() | run_network() ? EXIT_FAILURE : EXIT_SUCCESS;
}
