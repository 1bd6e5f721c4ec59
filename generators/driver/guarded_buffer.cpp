#include "generators/driver/guarded_buffer.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <new>

#include "generators/plan/integers.h"

namespace convc {
namespace {

constexpr char kSurroundingsPattern = '\x5a';

GuardedBuffer* all_buffers = nullptr;  // so that describe_fault finds them without an argument

std::size_t page_bytes() {
  static const std::size_t bytes = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return bytes;
}

}  // namespace

GuardedBuffer::GuardedBuffer(const char* name, std::size_t bytes, std::size_t alignment_bytes,
                             Placement placement)
    : name_(name), bytes_(bytes) {
  const std::size_t page = page_bytes();
  const std::size_t inner_bytes = round_up(std::max(bytes + alignment_bytes, page), page);
  mapping_bytes_ = inner_bytes + 2 * page;
  void* mapping = mmap(nullptr, mapping_bytes_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapping == MAP_FAILED) throw std::bad_alloc();
  mapping_ = static_cast<char*>(mapping);
  char* inner = mapping_ + page;
  if (mprotect(inner, inner_bytes, PROT_READ | PROT_WRITE) != 0) {
    munmap(mapping_, mapping_bytes_);
    throw std::bad_alloc();
  }
  std::memset(inner, kSurroundingsPattern, inner_bytes);
  switch (placement) {
    case Placement::at_start:
      data_ = inner;
      break;
    case Placement::at_odd_offset:
      data_ = inner + alignment_bytes;
      break;
    case Placement::at_end:
      data_ = inner + (inner_bytes - bytes) / alignment_bytes * alignment_bytes;
      break;
  }
  next_ = all_buffers;
  all_buffers = this;
}

GuardedBuffer::~GuardedBuffer() {
  for (GuardedBuffer** link = &all_buffers; *link; link = &(*link)->next_) {
    if (*link == this) {
      *link = next_;
      break;
    }
  }
  munmap(mapping_, mapping_bytes_);
}

void GuardedBuffer::make_read_only() {
  mprotect(mapping_ + page_bytes(), mapping_bytes_ - 2 * page_bytes(), PROT_READ);
}

bool GuardedBuffer::surroundings_intact() const {
  const auto is_pattern = [](char byte) { return byte == kSurroundingsPattern; };
  const char* inner = mapping_ + page_bytes();
  const char* inner_end = mapping_ + mapping_bytes_ - page_bytes();
  return std::all_of(inner, static_cast<const char*>(data_), is_pattern) &&
         std::all_of(static_cast<const char*>(data_) + bytes_, inner_end, is_pattern);
}

bool describe_fault(const void* address, char* text, std::size_t text_bytes) {
  const auto at = reinterpret_cast<std::uintptr_t>(address);
  for (const GuardedBuffer* buffer = all_buffers; buffer; buffer = buffer->next_) {
    const auto begin = reinterpret_cast<std::uintptr_t>(buffer->mapping_);
    const auto data = reinterpret_cast<std::uintptr_t>(buffer->data_);
    if (at < begin || at >= begin + buffer->mapping_bytes_) continue;
    if (at < data)
      std::snprintf(text, text_bytes, "an access %zu bytes before the start of `%s`",
                    static_cast<std::size_t>(data - at), buffer->name_);
    else if (at >= data + buffer->bytes_)
      std::snprintf(text, text_bytes, "an access %zu bytes past the end of `%s`",
                    static_cast<std::size_t>(at - data - buffer->bytes_), buffer->name_);
    else
      std::snprintf(text, text_bytes, "a write to `%s`, which is only for reading", buffer->name_);
    return true;
  }
  return false;
}

}  // namespace convc
