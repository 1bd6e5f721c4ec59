/* library_kernel.c: one library of the link tests. LIBRARY is its name: first or second. */
#include "tests/runtime/library_kernel.h"

#include "convc/kernel_abi.h"

#define JOIN_AGAIN(a, b) a##b
#define JOIN(a, b) JOIN_AGAIN(a, b)
#define TEXT_AGAIN(a) #a
#define TEXT(a) TEXT_AGAIN(a)
#define NAME(suffix) JOIN(LIBRARY, suffix)

/* The head of Halide's buffer, as far as the kernel below looks. */
struct buffer_head {
  uint64_t device;
  const void* device_interface;
  float* host;
};

struct closure {
  const float* input;
  float* output;
};

static int add_one(void* user_context, int index, uint8_t* closure) {
  const struct closure* c = (const struct closure*)(void*)closure;
  float* scratch = (float*)convc_rt_malloc(user_context, 64);
  scratch[0] = c->input[index];
  c->output[index] = scratch[0] + 1;
  convc_rt_free(user_context, scratch);
  return 0;
}

static int32_t step(void** argv) {
  struct closure c;
  c.input = ((const struct buffer_head*)argv[1])->host;
  c.output = ((const struct buffer_head*)argv[2])->host;
  return convc_rt_do_par_for(*(void**)argv[0], add_one, 0, 16, (uint8_t*)(void*)&c);
}

static const int64_t shape[1] = {16};
static const convc_dim dims[1] = {{16, 1}};
static const convc_tensor input = {"input",        shape,         1, CONVC_DTYPE_F32, 64, NULL,
                                   {0, 0, {0}, 0}, {0, 0, {0}, 0}};
static const convc_tensor output = {"output",       shape,         1, CONVC_DTYPE_F32, 64, NULL,
                                    {0, 0, {0}, 0}, {0, 0, {0}, 0}};
static const convc_argument arguments[2] = {{CONVC_SOURCE_INPUT,
                                             0,
                                             0,
                                             NULL,
                                             dims,
                                             NULL,
                                             {{0, 0, {0}, 0}, {0, 0, {0}, 0}},
                                             1,
                                             CONVC_DTYPE_F32},
                                            {CONVC_SOURCE_OUTPUT,
                                             0,
                                             0,
                                             NULL,
                                             dims,
                                             NULL,
                                             {{0, 0, {0}, 0}, {0, 0, {0}, 0}},
                                             1,
                                             CONVC_DTYPE_F32}};
static const convc_step steps[1] = {{step, arguments, 2, 16, "layer"}};
static const convc_variant variants[1] = {{"plain", 0, {1, 2}, 0, 0, 0, 64, NULL, steps, 0, 1}};

const convc_kernel NAME(_kernel) = {CONVC_ABI_VERSION,
                                    sizeof(convc_kernel),
                                    TEXT(LIBRARY),
                                    &input,
                                    &output,
                                    NULL,
                                    variants,
                                    1,
                                    1,
                                    0,
                                    1,
                                    NULL,
                                    0,
                                    0};

convc_status NAME(_run)(const float* in, float* out, void* workspace, size_t workspace_bytes,
                        const convc_options* options) {
  const void* io[2];
  io[0] = in;
  io[1] = out;
  return convc_run(&NAME(_kernel), io, NULL, 0, workspace, workspace_bytes, options);
}

size_t NAME(_workspace_bytes)(const convc_options* options) {
  return convc_workspace_bytes(&NAME(_kernel), options);
}

const void* NAME(_runtime)(void) {
  return convc_last_error();
}

uint32_t NAME(_threads)(void) {
  return convc_get_threads();
}
