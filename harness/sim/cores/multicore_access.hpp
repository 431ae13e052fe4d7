// What happens at an access: the hot path of the simulator, inlined where it is called and kept out of strategies' code.
//
// All of it is inlined, down to the switch to another fiber: a processor predicts a return by the calls that it has seen, which
// after a switch are another fiber's, so that every frame between a switch and the strategy's code costs a wrong guess.
#pragma once

#include "harness/sim/cores/multicore.hpp"

namespace tally::sim {

[[gnu::always_inline]] inline void multicore::set_limit() {
  limit_ = !timed_ ? draw_limit() : heap_.empty() ? never : heap_.front() >> index_bits;
}

[[gnu::always_inline]] inline void multicore::switch_to(fiber& next) {
  fiber& me = *current_;
  me.clock = clock_;
  me.looking = looking_;
  me.exceptions = *exceptions_;
  previous_ = &me;
  current_ = &next;
  clock_ = next.clock;
  looking_ = next.looking;
  turn_ = 0;
  *exceptions_ = next.exceptions;
  set_limit();
  ++switches_;
  const bool guest = guest_;
  auto from = std::move(next.context.value).resume();
  previous_->context.value = std::move(from);
  guest_ = guest;
}

[[gnu::always_inline]] inline void multicore::give_way_here() {
  if (!timed_) return give_way_in_turn();
  fiber& me = *current_;
  // Its key takes the place of the next one's, which is the smallest.
  fiber& next = *fibers_[heap_.front() & ((1U << index_bits) - 1)];
  const std::uint64_t key = clock_ << index_bits | static_cast<std::uint64_t>(me.index);
  const std::size_t n = heap_.size();
  std::size_t at = 0;
  for (std::size_t child = 1; child < n; child = 2 * at + 1) {
    if (child + 1 < n && heap_[child + 1] < heap_[child]) ++child;
    if (heap_[child] >= key) break;
    heap_[at] = heap_[child];
    at = child;
  }
  heap_[at] = key;
  if (next.is == state::waiting) {  // for a time, which has come
    next.is = state::ready;
    next.clock = std::max(next.clock, next.deadline);
    next.deadline = never;
  }
  switch_to(next);
}

// A miss takes effect when its request has arrived: cores that are earlier than that run first.
[[gnu::always_inline]] inline void multicore::reach(const line_access& a) {
  const auto core = static_cast<unsigned>(current_->core);
  if (const cycles cost = caches_.try_hit(core, a); cost != 0) {
    clock_ += cost;
    return;
  }
  clock_ = caches_.arrive(core, clock_, a);
  // At the same time as the owner's next access: the owner goes first, it has the data.
  if (timed_ && clock_ >= limit_) give_way_here();
  clock_ += caches_.finish(core, clock_, a);
}

[[gnu::always_inline]] inline std::size_t multicore::access(const void* at, unsigned size, std::uint16_t field,
                                                            access_kind kind) {
  if (pending_ != nullptr) [[unlikely]]
    settle_pending();
  if (timed_ ? clock_ > limit_ : ++turn_ > limit_) [[unlikely]]
    give_way_here();
  const std::uintptr_t offset = space_.offset(at);
  if (offset >= space::slot_bytes) [[unlikely]]
    stray(field);
  const std::uint32_t line = line_of(offset);
  if (counting_) {
    guest_ = false;  // tables may grow
    reach({line, field, static_cast<std::uint8_t>(offset % line_bytes), static_cast<std::uint8_t>(size), kind});
    guest_ = true;
  } else {
    ++clock_;
  }
  if (looking_) [[unlikely]]
    note_look(line, field);
  if (kind != access_kind::load && (watched_ & bit_of(line)) != 0) [[unlikely]]
    await_write(at, size, line);
  return word_in(line, offset);
}

}  // namespace tally::sim
