// The native policy's channel: a bounded queue of oneTBB's, which only channel_native.cpp sees.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <type_traits>

namespace tally {

// Of items of `Words` words: 1 or 2 are built.
template <std::size_t Words>
class word_channel {
 public:
  using item = std::array<std::uintptr_t, Words>;
  explicit word_channel(std::size_t capacity);
  ~word_channel();
  word_channel(const word_channel&) = delete;
  word_channel& operator=(const word_channel&) = delete;
  bool try_push(const item& i);
  bool try_pop(item& i);

 private:
  struct state;
  std::unique_ptr<state> state_;
};

// A FIFO of `capacity` plain items. try_push fails when it is full, try_pop when it is empty.
template <class T>
class native_channel {
  static_assert(std::is_trivially_copyable_v<T>);
  using words = word_channel<(sizeof(T) + sizeof(std::uintptr_t) - 1) / sizeof(std::uintptr_t)>;

 public:
  explicit native_channel(std::size_t capacity) : words_(capacity) {}
  bool try_push(const T& one) {
    typename words::item i{};
    std::memcpy(i.data(), static_cast<const void*>(&one), sizeof one);
    return words_.try_push(i);
  }
  bool try_pop(T& one) {
    typename words::item i;
    if (!words_.try_pop(i)) return false;
    std::memcpy(static_cast<void*>(&one), i.data(), sizeof one);
    return true;
  }

 private:
  words words_;
};

}  // namespace tally
