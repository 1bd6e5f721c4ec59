/* run.c: convc_run. Checks everything the caller gave, then runs the variant's steps in order. */
#include <string.h>

#include "arguments.h"
#include "call.h"
#include "internal.h"

/* Reads the run-time sizes into `a`, and checks them and all tensors. */
static convc_status read_io(convc_impl_arguments* a) {
  const convc_kernel* kernel = a->kernel;
  if (a->io == NULL) {
    return convc_impl_fail(CONVC_NULL_POINTER, "%s: io: expected a struct of pointers, got NULL",
                           kernel->name);
  }
  const uint32_t tensors = kernel->input_count + kernel->output_count;
  convc_status status = convc_impl_read_sizes(kernel, a->io + tensors, &a->sizes);
  for (uint32_t i = 0; i < tensors && status == CONVC_OK; ++i) {
    convc_impl_region region;
    status = convc_impl_read_tensor(a, i, &region);
    if (status != CONVC_OK) break;
    const uint32_t dtype = convc_impl_tensor(kernel, i)->dtype;
    status = convc_impl_check_pointer(kernel, &region, convc_impl_element_bytes(dtype));
  }
  return status;
}

static convc_status check_packed_header(const convc_kernel* kernel, const convc_variant* variant,
                                        const void* packed) {
  static const char* const remedy = "pack the weights again";
  convc_packed_header header;
  memcpy(&header, packed, sizeof header);
  if (header.magic != CONVC_PACKED_MAGIC || header.header_bytes != CONVC_PACKED_HEADER_BYTES ||
      (header.reserved[0] | header.reserved[1] | header.reserved[2]) != 0) {
    return convc_impl_fail(CONVC_WRONG_PACKED,
                           "%s: packed: expected the header that %s_pack writes, got other bytes; "
                           "%s",
                           kernel->name, kernel->name, remedy);
  }
  if (header.abi_version != CONVC_ABI_VERSION) {
    return convc_impl_fail(CONVC_WRONG_PACKED, "%s: packed: expected ABI version %u, got %u; %s",
                           kernel->name, CONVC_ABI_VERSION, (unsigned)header.abi_version, remedy);
  }
  if (header.identity[0] != variant->identity[0] || header.identity[1] != variant->identity[1]) {
    return convc_impl_fail(
        CONVC_WRONG_PACKED,
        "%s: packed: expected weights packed for variant \"%s\" (%016llx%016llx), got those of "
        "another kernel or variant (%016llx%016llx); %s",
        kernel->name, variant->isa, (unsigned long long)variant->identity[0],
        (unsigned long long)variant->identity[1], (unsigned long long)header.identity[0],
        (unsigned long long)header.identity[1], remedy);
  }
  if (header.packed_bytes != variant->packed_bytes) {
    return convc_impl_fail(CONVC_WRONG_PACKED, "%s: packed: expected %llu bytes, got %llu; %s",
                           kernel->name, (unsigned long long)variant->packed_bytes,
                           (unsigned long long)header.packed_bytes, remedy);
  }
  return CONVC_OK;
}

static convc_status check_packed(const convc_kernel* kernel, const convc_variant* variant,
                                 const void* packed, size_t packed_bytes) {
  if (variant->packed_bytes == 0) return CONVC_OK;
  const convc_impl_region region = {"packed", packed, variant->packed_bytes};
  const convc_status status = convc_impl_check_pointer(kernel, &region, CONVC_ALIGNMENT);
  if (status != CONVC_OK) return status;
  /* The header first: another variant's packed weights are often of another size, and the text
   * should name the cause. Its bytes are there when packed_bytes says so. */
  if (packed_bytes >= CONVC_PACKED_HEADER_BYTES) {
    const convc_status wrong = check_packed_header(kernel, variant, packed);
    if (wrong != CONVC_OK) return wrong;
  }
  if (packed_bytes >= variant->packed_bytes) return CONVC_OK;
  return convc_impl_fail(CONVC_TOO_SMALL, "%s: packed_bytes: expected at least %llu, got %zu",
                         kernel->name, (unsigned long long)variant->packed_bytes, packed_bytes);
}

static convc_status check_workspace(const convc_kernel* kernel, const convc_impl_region* workspace,
                                    size_t workspace_bytes, uint32_t threads) {
  if (workspace->bytes == 0) return CONVC_OK;
  const convc_status status = convc_impl_check_pointer(kernel, workspace, CONVC_ALIGNMENT);
  if (status != CONVC_OK) return status;
  if (workspace_bytes >= workspace->bytes) return CONVC_OK;
  return convc_impl_fail(
      CONVC_TOO_SMALL, "%s: workspace_bytes: expected at least %llu (threads: %u), got %zu",
      kernel->name, (unsigned long long)workspace->bytes, (unsigned)threads, workspace_bytes);
}

/* `written` is tensor number `self`, or the workspace when self is past the last tensor. */
static convc_status check_one_overlap(const convc_impl_arguments* a,
                                      const convc_impl_region* written, uint32_t self,
                                      const convc_impl_region* packed,
                                      const convc_impl_region* workspace) {
  const uint32_t tensors = a->kernel->input_count + a->kernel->output_count;
  if (written->bytes == 0) return CONVC_OK;
  for (uint32_t i = 0; i < tensors; ++i) {
    if (i == self) continue;
    const convc_impl_region other = convc_impl_tensor_region(a, i);
    const convc_status status = convc_impl_check_disjoint(a->kernel, written, &other);
    if (status != CONVC_OK) return status;
  }
  const convc_status status = convc_impl_check_disjoint(a->kernel, written, packed);
  if (status != CONVC_OK || self == tensors) return status;
  return convc_impl_check_disjoint(a->kernel, written, workspace);
}

static convc_status check_overlaps(const convc_impl_arguments* a,
                                   const convc_impl_region* workspace) {
  const convc_kernel* kernel = a->kernel;
  const uint32_t tensors = kernel->input_count + kernel->output_count;
  const convc_impl_region packed = {"packed", a->packed, a->variant->packed_bytes};
  for (uint32_t i = kernel->input_count; i < tensors; ++i) {
    const convc_impl_region output = convc_impl_tensor_region(a, i);
    const convc_status status = check_one_overlap(a, &output, i, &packed, workspace);
    if (status != CONVC_OK) return status;
  }
  return check_one_overlap(a, workspace, tensors, &packed, workspace);
}

/* About 12 KB of stack for 64 arguments of 8 dimensions; the generated code's own comes on top. */
static convc_status run_step(const convc_impl_arguments* a, const convc_step* step,
                             convc_impl_call* call) {
  convc_impl_halide_buffer buffers[CONVC_MAX_ARGUMENTS];
  convc_impl_halide_dim dims[CONVC_MAX_ARGUMENTS][CONVC_MAX_RANK];
  void* argv[CONVC_MAX_ARGUMENTS + 1];
  int sound = step->argument_count <= CONVC_MAX_ARGUMENTS;
  int empty = 0;
  for (uint32_t i = 0; sound && i < step->argument_count; ++i) {
    const convc_impl_buffer_result made =
        convc_impl_make_buffer(a, &step->arguments[i], &buffers[i], dims[i]);
    sound = made != CONVC_IMPL_BUFFER_UNSOUND;
    empty |= made == CONVC_IMPL_BUFFER_EMPTY;
    argv[i + 1] = &buffers[i];
  }
  if (!sound) {
    return convc_impl_fail(
        CONVC_INTERNAL,
        "%s: step %s: expected a sound descriptor, got one that is not (a bug in "
        "convc)",
        a->kernel->name, step->layer);
  }
  if (empty) return CONVC_OK;

  convc_impl_task task;
  task.call = call;
  task.in_loop = 0;
  const uint64_t scratch_offset = a->variant->scratch_offset_bytes;
  const uint64_t shared_bytes = CONVC_ALIGN_UP(a->variant->workspace_bytes);
  convc_impl_arena_init(&task.arena, a->shared + scratch_offset,
                        scratch_offset < shared_bytes ? shared_bytes - scratch_offset : 0);
  void* user_context = &task;
  argv[0] = &user_context;
  const int result = step->function(argv);

  const uint64_t missing_bytes = atomic_load(&call->missing_bytes);
  if (missing_bytes != 0) {
    return convc_impl_fail(CONVC_INTERNAL,
                           "%s: scratch of %s: expected it to fit the planned workspace, got %llu "
                           "bytes beyond (a bug in convc)",
                           a->kernel->name, step->layer, (unsigned long long)missing_bytes);
  }
  if (atomic_load(&call->pool_is_broken)) {
    return convc_impl_fail(CONVC_INVALID_OPTIONS,
                           "%s: options.pool: expected parallel_for to call every task, got a "
                           "return before the loop of %s was done",
                           a->kernel->name, step->layer);
  }
  if (result != 0) {
    return convc_impl_fail(CONVC_INTERNAL,
                           "%s: generated code of %s: expected 0, got %d (a bug in convc)",
                           a->kernel->name, step->layer, result);
  }
  return CONVC_OK;
}

static convc_status run_steps(const convc_impl_arguments* a, const convc_impl_options* options) {
  convc_impl_call call = {.pool = options->pool};
  call.workers = convc_impl_workers(a->variant, options->threads);
  call.slice_bytes = CONVC_ALIGN_UP(a->variant->thread_scratch_bytes);
  call.slices = a->shared + CONVC_ALIGN_UP(a->variant->workspace_bytes);
  for (uint32_t i = 0; i < a->variant->step_count; ++i) {
    const convc_status status = run_step(a, &a->variant->steps[i], &call);
    if (status != CONVC_OK) return status;
  }
  return CONVC_OK;
}

convc_status convc_run(const convc_kernel* kernel, const void* const* io, const void* packed,
                       size_t packed_bytes, void* workspace, size_t workspace_bytes,
                       const convc_options* options) {
  convc_impl_request request;
  convc_status status = convc_impl_begin(kernel, options, 0, &request);
  if (status != CONVC_OK) return status;
  const uint32_t threads = request.options.threads;
  const convc_impl_region region = {"workspace", workspace,
                                    convc_impl_workspace_bytes(request.variant, threads)};
  convc_impl_arguments arguments; /* its sizes are many, and a call reads those it has */
  arguments.kernel = kernel;
  arguments.variant = request.variant;
  arguments.io = io;
  arguments.packed = packed;

  status = read_io(&arguments);
  if (status == CONVC_OK) status = check_packed(kernel, request.variant, packed, packed_bytes);
  if (status == CONVC_OK) status = check_workspace(kernel, &region, workspace_bytes, threads);
  if (status == CONVC_OK) status = check_overlaps(&arguments, &region);
  if (status != CONVC_OK) return status;
  /* No workspace needed: any address serves as the place of nothing. */
  static unsigned char nothing;
  arguments.shared =
      region.bytes > 0 ? (unsigned char*)workspace + CONVC_WORKSPACE_GUARD_BYTES : &nothing;
  return run_steps(&arguments, &request.options);
}
