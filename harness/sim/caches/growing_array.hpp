// An array that grows to any index and starts as zeros: pages of the kernel's, moved by the kernel when it grows, so that
// growing copies nothing and what is never touched costs nothing. T is trivial and its zero bytes are its initial value.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <new>
#include <type_traits>
#include <utility>

namespace tally::sim {

template <class T>
class growing_array {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  growing_array() = default;
  growing_array(const growing_array&) = delete;
  growing_array& operator=(const growing_array&) = delete;
  ~growing_array() {
    if (items_ != nullptr) munmap(items_, size_ * sizeof(T));
  }

  [[nodiscard]] std::size_t size() const { return size_; }
  T& operator[](std::size_t i) { return items_[i]; }
  const T& operator[](std::size_t i) const { return items_[i]; }

  // The item at any index. Grows; then older references are void.
  T& at(std::size_t i) {
    if (i >= size_) [[unlikely]]
      grow(i + 1);
    return items_[i];
  }

  void grow(std::size_t least) {
    std::size_t size = size_ == 0 ? 4096 : size_;
    while (size < least) size *= 2;
    if (size == size_) return;
    void* p = items_ == nullptr
                  ? mmap(nullptr, size * sizeof(T), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
                  : mremap(items_, size_ * sizeof(T), size * sizeof(T), MREMAP_MAYMOVE);
    if (p == MAP_FAILED) throw std::bad_alloc();
    madvise(p, size * sizeof(T), MADV_HUGEPAGE);  // a hint: arrays of lines are walked at random
    items_ = static_cast<T*>(p);
    size_ = size;
  }

 private:
  T* items_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace tally::sim
