#include "harness/memory/channel_native.hpp"

#include <oneapi/tbb/concurrent_queue.h>

namespace tally {

template <std::size_t Words>
struct word_channel<Words>::state {
  oneapi::tbb::concurrent_bounded_queue<item> queue;
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
