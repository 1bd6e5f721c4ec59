// GuardedArray: numbers between two inaccessible pages, so that a read or write beyond them faults.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <new>
#include <span>

namespace convc::test {

/// Which guard page the data touches.
enum class Flush {
  end,    ///< the last byte is right before a guard page; the start has element alignment at best
  start,  ///< the first byte is right after a guard page, so aligned to a page
};

/// `elements` numbers, NaN at first. Throws std::bad_alloc when the system has no memory.
template <class T>
class GuardedArray {
 public:
  explicit GuardedArray(std::size_t elements, Flush flush = Flush::end) : elements_(elements) {
    const auto page_bytes = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    const std::size_t bytes = elements * sizeof(T);
    const std::size_t inner_bytes = (bytes + page_bytes - 1) / page_bytes * page_bytes;
    mapping_bytes_ = inner_bytes + 2 * page_bytes;
    mapping_ = mmap(nullptr, mapping_bytes_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapping_ == MAP_FAILED) throw std::bad_alloc();
    char* const inner = static_cast<char*>(mapping_) + page_bytes;
    if (inner_bytes > 0 && mprotect(inner, inner_bytes, PROT_READ | PROT_WRITE) != 0) {
      munmap(mapping_, mapping_bytes_);
      throw std::bad_alloc();
    }
    char* const data = flush == Flush::end ? inner + inner_bytes - bytes : inner;
    data_ = static_cast<T*>(static_cast<void*>(data));
    fill(std::numeric_limits<T>::quiet_NaN());
  }
  ~GuardedArray() { munmap(mapping_, mapping_bytes_); }
  GuardedArray(const GuardedArray&) = delete;
  GuardedArray& operator=(const GuardedArray&) = delete;

  [[nodiscard]] T* data() { return data_; }
  [[nodiscard]] const T* data() const { return data_; }
  [[nodiscard]] std::size_t size() const { return elements_; }
  [[nodiscard]] std::span<T> span() { return {data_, elements_}; }
  [[nodiscard]] std::span<const T> span() const { return {data_, elements_}; }
  T& operator[](std::size_t index) { return data_[index]; }
  const T& operator[](std::size_t index) const { return data_[index]; }

  void fill(T value) {
    for (T& element : span()) element = value;
  }

 private:
  void* mapping_ = nullptr;
  std::size_t mapping_bytes_ = 0;
  T* data_ = nullptr;
  std::size_t elements_;
};

using GuardedBuffer = GuardedArray<float>;

}  // namespace convc::test
