// Memory that faults when it is left: each buffer has an inaccessible page right before and right
// after it, so that a kernel that reads or writes beyond its data stops there. POSIX only.
#pragma once

#include <cstddef>
#include <string>

namespace convc {

/// Where the data lies between the two guard pages.
enum class Placement {
  at_end,         ///< its last byte right before the second guard page
  at_start,       ///< its first byte right after the first guard page, page aligned
  at_odd_offset,  ///< one alignment unit after the first guard page: never better aligned than
                  ///< asked
};

/// Owns the mapping. Bytes between data and guard page that alignment leaves over hold a known
/// pattern. Throws std::bad_alloc when the system gives no memory.
class GuardedBuffer {
 public:
  /// `alignment_bytes` is a power of two of at most a page. `name` (of static lifetime) is what
  /// describe_fault calls the buffer.
  GuardedBuffer(const char* name, std::size_t bytes, std::size_t alignment_bytes,
                Placement placement);
  ~GuardedBuffer();
  GuardedBuffer(const GuardedBuffer&) = delete;
  GuardedBuffer& operator=(const GuardedBuffer&) = delete;

  [[nodiscard]] void* data() const { return data_; }
  [[nodiscard]] float* floats() const { return static_cast<float*>(static_cast<void*>(data_)); }
  [[nodiscard]] std::size_t size_bytes() const { return bytes_; }

  /// From now on a write faults too.
  void make_read_only();
  /// False when something wrote beside the data without reaching a guard page.
  [[nodiscard]] bool surroundings_intact() const;

 private:
  friend bool describe_fault(const void* address, char* text, std::size_t text_bytes);

  const char* name_;
  char* mapping_ = nullptr;
  std::size_t mapping_bytes_ = 0;
  char* data_ = nullptr;
  std::size_t bytes_ = 0;
  GuardedBuffer* next_ = nullptr;
};

/// Says in words which buffer `address` belongs to, e.g. "4 bytes past the end of output" or "a
/// write to input"; false when to none. Allocates nothing: for signal handlers. Not for several
/// threads that make buffers at the same time.
bool describe_fault(const void* address, char* text, std::size_t text_bytes);

}  // namespace convc
