// Waiting on the virtual multicore: looks, watched lines, and who wakes whom.
#include <algorithm>
#include <cstring>

#include "harness/sim/cores/multicore.hpp"

namespace tally::sim {
namespace {

std::uint64_t read_bytes(const void* at, unsigned size) {
  std::uint64_t value = 0;
  std::memcpy(&value, at, std::min<std::size_t>(size, sizeof value));
  return value;
}

}  // namespace

void multicore::begin_look() {
  if (pending_ != nullptr) settle_pending();
  fiber& me = *current_;
  me.watched_count = 0;
  me.touched = me.overflow = me.sleeps = false;
  looking_ = true;
}

bool multicore::end_look(bool is, int vain, std::uint64_t deadline) {
  if (pending_ != nullptr) settle_pending();
  fiber& me = *current_;
  looking_ = false;
  if (is || clock_ >= deadline) {
    me.watched_count = 0;
    return true;
  }
  if (me.touched) return false;
  std::uint64_t until = deadline;
  if (me.watched_count == 0) {
    if (on_idle_look) {
      const bool guest = std::exchange(guest_, false);
      on_idle_look();
      guest_ = guest;
      if (me.touched) return false;
    }
    if (vain < 40) until = std::min(until, clock_ + (std::uint64_t{256} << std::min(vain, 12)));
  } else if (me.overflow) {
    until = std::min(until, clock_ + (std::uint64_t{256} << std::min(vain, 8)));
  }
  me.sleeps = vain >= spins;
  park(until);
  return false;
}

void multicore::note_look(std::uint32_t line, std::uint16_t field) {
  fiber& me = *current_;
  me.last_field = field;
  for (unsigned i = 0; i < me.watched_count; ++i) {
    if (me.watched[i] == line) return;
  }
  if (me.watched_count == most_watched) {
    me.overflow = true;
    return;
  }
  me.watched[me.watched_count++] = line;
  watched_ |= bit_of(line);
}

void multicore::await_write(const void* at, unsigned size, std::uint32_t line) {
  pending_ = at;
  pending_size_ = size;
  pending_line_ = line;
  pending_value_ = read_bytes(at, size);
}

// Before anything else happens: the write that was announced has been made, by the current fiber.
void multicore::settle_pending() {
  const bool changed = read_bytes(pending_, pending_size_) != pending_value_;
  pending_ = nullptr;
  bool any = false;
  for (auto& f : fibers_) {
    if (f.get() == current_ || f->watched_count == 0 || f->is == state::ended) continue;
    const auto end = f->watched.begin() + f->watched_count;
    if (std::find(f->watched.begin(), end, pending_line_) == end) continue;
    any = true;
    if (!changed && f->sleeps) continue;
    if (f->is == state::waiting) {
      make_ready(*f, clock_);
      f->watched_count = 0;
    } else {
      f->touched = true;
    }
  }
  if (!any) rebuild_watched();
}

void multicore::rebuild_watched() {
  watched_ = 0;
  for (const auto& f : fibers_) {
    for (unsigned i = 0; i < f->watched_count; ++i) watched_ |= bit_of(f->watched[i]);
  }
}

void multicore::wake_all() {
  for (auto& f : fibers_) {
    f->touched = true;
    if (f->is == state::waiting) make_ready(*f, clock_);
  }
}

}  // namespace tally::sim
