#include "harness/memory/channel_native.hpp"

#include <oneapi/tbb/concurrent_queue.h>

#include <memory>

namespace tally {

// The queue frees a page where an item is taken and makes one where an item is put in. ThreadSanitizer does not see what orders
// the two inside oneTBB's allocator, which is not instrumented, and would call the memory's second use a race; malloc's it knows.
#ifdef __SANITIZE_THREAD__
template <class T>
using page_allocator = std::allocator<T>;
#else
template <class T>
using page_allocator = oneapi::tbb::cache_aligned_allocator<T>;
#endif

template <std::size_t Words>
struct word_channel<Words>::state {
  oneapi::tbb::concurrent_bounded_queue<item, page_allocator<item>> queue;
};

template <std::size_t Words>
word_channel<Words>::word_channel(std::size_t capacity) : state_(new state) {
  state_->queue.set_capacity(static_cast<std::ptrdiff_t>(capacity));
}
template <std::size_t Words>
word_channel<Words>::~word_channel() = default;
template <std::size_t Words>
bool word_channel<Words>::try_push(const item& i) {
  return state_->queue.try_push(i);
}
template <std::size_t Words>
bool word_channel<Words>::try_pop(item& i) {
  return state_->queue.try_pop(i);
}

template class word_channel<1>;
template class word_channel<2>;

}  // namespace tally
