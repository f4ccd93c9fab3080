// Memory for CPU tensors. The C library gives a large freed block back to the system, and the next one is faulted in anew page by
// page: a product of 8 MB ran at half its speed. A step's tensors come and go in the same sizes, so large blocks are kept
// here, in classes of size, as far as the process has needed that much memory at once before.
#include "allocator.h"

#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>
#include <torch/version.h>

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <map>
#include <mutex>
#include <new>
#include <vector>

namespace dream {

namespace {

constexpr size_t kAlignment = 64;
// From this size on a block lies on pages of this size, where the system has them: fewer faults, fewer look-ups.
constexpr size_t kHugePage = 2 << 20;
// Smaller blocks are the C library's business, which keeps them itself.
constexpr size_t kLeast = 64 << 10;
// Free blocks and those in use together stay within this of the most that was ever in use at once.
constexpr size_t kSpare = size_t{512} << 20;

// Stands in front of every block that this allocator hands out; as long as the alignment, so that the data keeps it.
struct alignas(kAlignment) Header {
  size_t size;
};

// Sizes are rounded up to one of eight in each power of two, so that nearly equal blocks serve one another.
size_t size_class(size_t bytes) {
  size_t step = kLeast / 8;
  while (step * 16 <= bytes) step *= 2;
  return (bytes + step - 1) / step * step;
}

class Blocks {
 public:
  void* take(size_t bytes) {
    if (bytes < kLeast) return allocated(bytes);
    const size_t size = size_class(bytes);
    {
      std::lock_guard<std::mutex> lock(mutex_);
      const auto same = free_.find(size);
      if (same != free_.end()) {
        count(size);
        return pop(same) + 1;
      }
      const size_t most = std::max(most_in_use_, in_use_ + size) + kSpare;
      while (!free_.empty() && in_use_ + size + kept_ > most) std::free(pop(std::prev(free_.end())));
    }
    void* data = allocated(size);
    std::lock_guard<std::mutex> lock(mutex_);
    count(size);
    return data;
  }

  void give(void* data) {
    if (data == nullptr) return;
    Header* header = static_cast<Header*>(data) - 1;
    if (header->size >= kLeast) {
      std::lock_guard<std::mutex> lock(mutex_);
      in_use_ -= header->size;
      if (in_use_ + kept_ + header->size <= most_in_use_ + kSpare) {
        kept_ += header->size;
        free_[header->size].push_back(header);
        return;
      }
    }
    std::free(header);
  }

 private:
  // Sizes with their free blocks; none is empty.
  using Free = std::map<size_t, std::vector<Header*>>;

  static void* allocated(size_t size) {
    const bool huge = size >= kHugePage;
    void* memory = nullptr;
    if (posix_memalign(&memory, huge ? kHugePage : kAlignment, sizeof(Header) + size) != 0) throw std::bad_alloc();
#ifdef MADV_HUGEPAGE
    if (huge) madvise(memory, size, MADV_HUGEPAGE);
#endif
    return new (memory) Header{size} + 1;
  }

  void count(size_t size) {
    in_use_ += size;
    most_in_use_ = std::max(most_in_use_, in_use_);
  }

  Header* pop(Free::iterator entry) {
    Header* header = entry->second.back();
    entry->second.pop_back();
    kept_ -= entry->first;
    if (entry->second.empty()) free_.erase(entry);
    return header;
  }

  std::mutex mutex_;
  Free free_;
  size_t kept_ = 0;
  size_t in_use_ = 0;
  size_t most_in_use_ = 0;
};

// Lives as long as the process: tensors may be freed after everything else.
Blocks& blocks() {
  static auto* instance = new Blocks();
  return *instance;
}

void give_back(void* data) { blocks().give(data); }

class KeepingAllocator final : public c10::Allocator {
 public:
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 3)
  c10::DataPtr allocate(size_t bytes) override { return take(bytes); }
  void copy_data(void* to, const void* from, size_t count) const override { std::memcpy(to, from, count); }
#else
  c10::DataPtr allocate(size_t bytes) const override { return take(bytes); }
#endif
  c10::DeleterFnPtr raw_deleter() const override { return &give_back; }

 private:
  static c10::DataPtr take(size_t bytes) {
    void* data = bytes == 0 ? nullptr : blocks().take(bytes);
    return {data, data, &give_back, c10::Device(c10::DeviceType::CPU)};
  }
};

}  // namespace

void keep_freed_blocks() {
  static KeepingAllocator allocator;
  // Above the priority of libtorch's own, so that a later default does not take its place.
  c10::SetCPUAllocator(&allocator, 100);
}

}  // namespace dream
