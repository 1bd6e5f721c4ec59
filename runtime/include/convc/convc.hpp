// convc.hpp: C++20 on top of convc.h: buffers that free themselves, spans whose sizes are checked
// against the kernel, and a status with its text. Header only. Nothing throws but the two functions
// that allocate, with std::bad_alloc.
//
//   convc::Buffer packed = convc::packed_buffer(edge_down_kernel);
//   convc::Buffer workspace = convc::workspace_buffer(edge_down_kernel);
//   if (auto s = convc::pack<2>(edge_down_kernel, {kernel, bias}, packed); !s) log(s.text());
//   if (auto s = convc::run(edge_down_kernel, image, result, packed, workspace); !s) log(s.text());
#ifndef CONVC_CONVC_HPP
#define CONVC_CONVC_HPP

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <new>
#include <span>
#include <type_traits>

#include "convc/convc.h"
#include "convc/kernel_abi.h"

namespace convc {

/// Bytes aligned to CONVC_ALIGNMENT, uninitialized. Empty (data() is null) for 0 bytes, which is
/// what a kernel takes that needs none.
class Buffer {
 public:
  Buffer() noexcept = default;
  /// Throws std::bad_alloc.
  explicit Buffer(std::size_t bytes)
      : data_(bytes == 0 ? nullptr : ::operator new(bytes, kAlignment)), bytes_(bytes) {}

  [[nodiscard]] void* data() noexcept { return data_.get(); }
  [[nodiscard]] const void* data() const noexcept { return data_.get(); }
  [[nodiscard]] std::size_t size_bytes() const noexcept { return bytes_; }

 private:
  static constexpr std::align_val_t kAlignment{CONVC_ALIGNMENT};
  struct Free {
    void operator()(void* pointer) const noexcept { ::operator delete(pointer, kAlignment); }
  };
  std::unique_ptr<void, Free> data_;
  std::size_t bytes_ = 0;
};

/// What a call returned. True when it succeeded.
class [[nodiscard]] Status {
 public:
  /// `text` is of static or thread lifetime; null: convc_last_error().
  explicit Status(convc_status code, const char* text = nullptr) noexcept
      : code_(code),
        text_(code == CONVC_OK  ? ""
              : text != nullptr ? text
                                : convc_last_error()) {}

  explicit operator bool() const noexcept { return code_ == CONVC_OK; }
  [[nodiscard]] convc_status code() const noexcept { return code_; }
  [[nodiscard]] const char* name() const noexcept { return convc_status_name(code_); }
  /// Layer, argument, expected, got; "" for success. Valid until this thread's next failure.
  [[nodiscard]] const char* text() const noexcept { return text_; }

 private:
  convc_status code_;
  const char* text_;
};

namespace detail {

inline Status wrong_size(const convc_kernel& kernel, const char* what, const char* unit,
                         std::size_t expected, std::size_t got) noexcept {
  thread_local char text[256];
  std::snprintf(text, sizeof text, "%s: %s: expected %zu %s, got %zu", kernel.name, what, expected,
                unit, got);
  return Status(CONVC_WRONG_SIZE, text);
}

/// Bytes of variable number `index`; as convc_input_shape.
inline convc_status variable_shape(const convc_kernel* kernel, std::uint32_t index,
                                   const std::int64_t*, std::int64_t*,
                                   std::size_t* bytes) noexcept {
  *bytes = static_cast<std::size_t>(kernel->variables[index].bytes);
  return CONVC_OK;
}

/// Compares spans with the descriptor's tensors, whose bytes `shape_of` tells, and collects their
/// pointers.
template <class ShapeOf, class Span, std::size_t count>
Status collect(const convc_kernel& kernel, const char* what, const convc_tensor* tensors,
               std::size_t tensor_count, ShapeOf shape_of, const std::int64_t* open_sizes,
               const std::array<Span, count>& spans, const void** pointers) noexcept {
  if (tensor_count != count) return wrong_size(kernel, what, "spans", tensor_count, count);
  for (std::size_t i = 0; i < count; ++i) {
    std::size_t bytes = 0;
    const convc_status status =
        shape_of(&kernel, static_cast<std::uint32_t>(i), open_sizes, nullptr, &bytes);
    if (status != CONVC_OK) return Status(status);
    if (spans[i].size_bytes() != bytes) {
      return wrong_size(kernel, tensors[i].name, "elements", bytes / sizeof(float),
                        spans[i].size());
    }
    pointers[i] = spans[i].data();
  }
  return Status(CONVC_OK);
}

/// Generated NAME_weights and NAME_io structs are pointers in descriptor order, then run-time
/// sizes.
template <class Struct>
const void* const* as_pointers(const Struct& pointers) noexcept {
  static_assert(std::is_standard_layout_v<Struct> && std::is_trivially_copyable_v<Struct> &&
                    !std::is_pointer_v<Struct> && sizeof(Struct) % sizeof(void*) == 0,
                "expected a generated NAME_weights or NAME_io struct");
  return reinterpret_cast<const void* const*>(&pointers);
}

inline std::size_t bytes_or_none(std::size_t bytes) noexcept {
  return bytes == SIZE_MAX ? 0 : bytes;
}

}  // namespace detail

/// Room for the packed weights. Throws std::bad_alloc. Empty when no variant can run on this CPU;
/// pack and run then say so.
inline Buffer packed_buffer(const convc_kernel& kernel, const convc_options* options = nullptr) {
  return Buffer(detail::bytes_or_none(convc_packed_bytes(&kernel, options)));
}

/// Workspace for one call at a time, as packed_buffer. Give the options of the run.
inline Buffer workspace_buffer(const convc_kernel& kernel, const convc_options* options = nullptr) {
  return Buffer(detail::bytes_or_none(convc_workspace_bytes(&kernel, options)));
}

/// Packs a generated NAME_weights struct. Errors: convc_pack.
template <class Weights>
requires std::is_class_v<Weights> Status pack(const convc_kernel& kernel, const Weights& weights,
                                              Buffer& packed,
                                              const convc_options* options = nullptr)
noexcept {
  return Status(convc_pack(&kernel, detail::as_pointers(weights), packed.data(),
                           packed.size_bytes(), options));
}

/// Packs spans, one per variable in the order of the NAME_weights struct. Errors: those of
/// convc_pack; CONVC_WRONG_SIZE when a span or their number differs from the kernel's.
template <std::size_t count>
Status pack(const convc_kernel& kernel, const std::array<std::span<const float>, count>& variables,
            Buffer& packed, const convc_options* options = nullptr) noexcept {
  std::array<const void*, count> pointers{};
  const Status sizes = detail::collect(kernel, "variables", kernel.variables, kernel.variable_count,
                                       detail::variable_shape, nullptr, variables, pointers.data());
  if (!sizes) return sizes;
  return Status(convc_pack(&kernel, pointers.data(), packed.data(), packed.size_bytes(), options));
}

/// Runs on a generated NAME_io struct. Errors: convc_run.
template <class Io>
requires std::is_class_v<Io> Status run(const convc_kernel& kernel, const Io& io,
                                        const Buffer& packed, Buffer& workspace,
                                        const convc_options* options = nullptr)
noexcept {
  return Status(convc_run(&kernel, detail::as_pointers(io), packed.data(), packed.size_bytes(),
                          workspace.data(), workspace.size_bytes(), options));
}

/// Run-time sizes of a call, in the order of the NAME_io struct's members.
using OpenSizes = std::span<const std::int64_t>;

/// Runs on spans, in the order of the NAME_io struct; `open_sizes` has a number for each run-time
/// size of the kernel. Errors: those of convc_run; CONVC_WRONG_SIZE when a span or their number
/// differs from the kernel's.
template <std::size_t input_count, std::size_t output_count>
Status run(const convc_kernel& kernel, OpenSizes open_sizes,
           const std::array<std::span<const float>, input_count>& inputs,
           const std::array<std::span<float>, output_count>& outputs, const Buffer& packed,
           Buffer& workspace, const convc_options* options = nullptr) noexcept {
  if (open_sizes.size() != kernel.open_count || open_sizes.size() > CONVC_MAX_SIZES) {
    return detail::wrong_size(kernel, "sizes", "numbers", kernel.open_count, open_sizes.size());
  }
  struct {
    std::array<const void*, input_count + output_count> pointers;
    std::array<std::int64_t, CONVC_MAX_SIZES> sizes;
  } io{};
  std::copy(open_sizes.begin(), open_sizes.end(), io.sizes.begin());
  const Status input_sizes =
      detail::collect(kernel, "inputs", kernel.inputs, kernel.input_count, convc_input_shape,
                      open_sizes.data(), inputs, io.pointers.data());
  if (!input_sizes) return input_sizes;
  const Status output_sizes =
      detail::collect(kernel, "outputs", kernel.outputs, kernel.output_count, convc_output_shape,
                      open_sizes.data(), outputs, io.pointers.data() + input_count);
  if (!output_sizes) return output_sizes;
  return Status(convc_run(&kernel, detail::as_pointers(io), packed.data(), packed.size_bytes(),
                          workspace.data(), workspace.size_bytes(), options));
}

/// The same for a kernel whose sizes are all fixed.
template <std::size_t input_count, std::size_t output_count>
Status run(const convc_kernel& kernel,
           const std::array<std::span<const float>, input_count>& inputs,
           const std::array<std::span<float>, output_count>& outputs, const Buffer& packed,
           Buffer& workspace, const convc_options* options = nullptr) noexcept {
  return run<input_count, output_count>(kernel, OpenSizes(), inputs, outputs, packed, workspace,
                                        options);
}

/// The usual kernel: one input, one output.
inline Status run(const convc_kernel& kernel, std::span<const float> input, std::span<float> output,
                  const Buffer& packed, Buffer& workspace,
                  const convc_options* options = nullptr) noexcept {
  return run<1, 1>(kernel, OpenSizes(), {input}, {output}, packed, workspace, options);
}

/// The usual kernel with run-time sizes.
inline Status run(const convc_kernel& kernel, OpenSizes open_sizes, std::span<const float> input,
                  std::span<float> output, const Buffer& packed, Buffer& workspace,
                  const convc_options* options = nullptr) noexcept {
  return run<1, 1>(kernel, open_sizes, {input}, {output}, packed, workspace, options);
}

}  // namespace convc

#endif
