// What happens at an access: the hot path of the simulator, inlined where it is called and kept out of strategies' code.
#pragma once

#include "harness/sim/multicore.hpp"

namespace tally::sim {

// A miss takes effect when its request has arrived: cores that are earlier than that run first.
inline void multicore::reach(const line_access& a) {
  const auto core = static_cast<unsigned>(current_->core);
  if (const cycles cost = caches_.try_hit(core, a); cost != 0) {
    clock_ += cost;
    return;
  }
  clock_ = caches_.arrive(core, clock_, a);
  // At the same time as the owner's next access: the owner goes first, it has the data.
  if (timed_ && clock_ >= limit_) give_way();
  clock_ += caches_.finish(core, clock_, a);
}

inline void multicore::access(const void* at, unsigned size, std::uint16_t field, access_kind kind) {
  if (pending_ != nullptr) [[unlikely]] settle_pending();
  if (timed_ ? clock_ > limit_ : ++turn_ > limit_) [[unlikely]] give_way();
  const std::uintptr_t offset = space_.offset(at);
  if (offset >= space::slot_bytes) [[unlikely]] stray(field);
  const std::uint32_t line = line_of(offset);
  if (counting_) {
    guest_ = false;  // tables may grow
    reach({line, field, static_cast<std::uint8_t>(offset % line_bytes), static_cast<std::uint8_t>(size), kind});
    guest_ = true;
  } else {
    ++clock_;
  }
  if (looking_) [[unlikely]] note_look(line, field);
  if (kind != access_kind::load && (watched_ & bit_of(line)) != 0) [[unlikely]] await_write(at, size, line);
}

}  // namespace tally::sim
