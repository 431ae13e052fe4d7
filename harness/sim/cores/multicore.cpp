#include "harness/sim/cores/multicore.hpp"

#include <cxxabi.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "harness/sim/cores/field_names.hpp"
#include "harness/sim/cores/multicore_access.hpp"

namespace tally::sim {
namespace {

// A stack in the space, for Boost.Context; nothing to free.
struct placed_stack {
  boost::context::stack_context allocate() { return {}; }
  void deallocate(boost::context::stack_context&) noexcept {}
};

}  // namespace

multicore::multicore(space& where, memory_system& caches, const schedule& order, std::uint64_t seed)
    : timed_(order.kind == schedule::order::timed), space_(where), caches_(caches), schedule_(order), random_(seed, 0x5c4ed01e),
      paths_(sim::paths().names().size()), failed_cas_(fields().names().size()), handoffs_(fields().names().size()) {
  page_numbers_.grow(space::slot_bytes / space::page_bytes);  // untouched pages of it cost nothing
  heap_.reserve(space::most_fibers);
  fibers_.reserve(space::most_fibers);
}
multicore::~multicore() = default;

void multicore::run(std::function<void()> first) {
  exceptions_ = reinterpret_cast<exception_state*>(abi::__cxa_get_globals());
  const exception_state mine = *exceptions_;
  running = this;
  spawn(0, std::move(first));
  fiber& f = *fibers_.front();
  current_ = &f;
  set_limit();
  guest_ = true;
  kept_context left;
  left.value = std::move(f.context.value).resume();
  // Here when the first fiber has ended, or the run has failed.
  guest_ = false;
  current_ = nullptr;
  running = nullptr;
  *exceptions_ = mine;
}

void multicore::spawn(int core, std::function<void()> body) {
  const bool guest = std::exchange(guest_, false);
  const auto ended = std::ranges::find_if(fibers_, [](const auto& f) { return f->is == state::ended; });
  fiber* f = ended == fibers_.end() ? nullptr : ended->get();
  if (f == nullptr) {
    if (fibers_.size() == space::most_fibers) fail("more fibers than the simulator has stacks for");
    fibers_.push_back(std::make_unique<fiber>());
    f = fibers_.back().get();
    f->index = static_cast<int>(fibers_.size()) - 1;
  } else {
    space_.clear_stack(f->index);
  }
  f->core = core;
  f->writer = static_cast<std::uint64_t>(core) + 1;
  f->writer_bit = std::uint64_t{256} << core % 56;
  f->body = std::move(body);
  f->exceptions = {};
  f->clock = 0;
  f->context.forget();
  const stack_range range = space_.stack(f->index);
  boost::context::stack_context stack;
  stack.sp = const_cast<std::byte*>(range.high);
  stack.size = static_cast<std::size_t>(range.high - range.low);
  f->context.value = boost::context::fiber(std::allocator_arg, boost::context::preallocated(stack.sp, stack.size, stack),
                                           placed_stack{}, [this, f](boost::context::fiber&& from) {
                                             (previous_ == nullptr ? host_ : previous_->context).value = std::move(from);
                                             guest_ = true;
                                             f->body();
                                             end_current();
                                             return std::move(host_.value);
                                           });
  f->is = state::waiting;
  if (current_ != nullptr) {
    make_ready(*f, clock_);
  } else {
    f->is = state::ready;
  }
  guest_ = guest;
}

void multicore::join() {
  wait_until(
      [this] {
        return std::ranges::all_of(fibers_, [this](const auto& f) { return f.get() == current_ || f->is == state::ended; });
      },
      never);
}

void multicore::end_current() {
  if (pending_ != nullptr) settle_pending();
  fiber& me = *current_;
  me.is = state::ended;
  if (me.index == 0) back_to_host();
  wake_all();  // whoever joins looks again
  fiber* next = choose();
  if (next == nullptr) deadlock();
  switch_to(*next);
  __builtin_unreachable();
}

void multicore::fail(std::string why) {
  guest_ = false;
  failure_ = std::string(why.data(), why.size());
  back_to_host();
}

void multicore::back_to_host() {
  guest_ = false;
  kept_context left;
  left.value = std::move(host_.value).resume();
  __builtin_unreachable();
}

void multicore::stray(std::uint16_t field) {
  fail(fmt::format("an access to a \"{}\" that is outside of the simulated memory", fields().names().at(field)));
}

void multicore::deadlock() {
  guest_ = false;
  std::string who;
  for (const auto& f : fibers_) {
    if (f->is != state::waiting || f->index == 0) continue;
    if (who.size() > 200) {
      who += " ...";
      break;
    }
    who += fmt::format("{}core {} waits for {}", who.empty() ? "" : ", ", f->core,
                       f->watched_count == 0 ? "the run's end" : fmt::format("\"{}\"", fields().names().at(f->last_field)));
  }
  fail("deadlock: " + who);
}

void multicore::number_page(std::size_t page) { page_numbers_[page] = ++pages_numbered_; }
void multicore::grow_writers(std::size_t least) { writers_.grow(least); }

void multicore::access_range(const void* at, std::size_t bytes, std::uint16_t field, access_kind kind) {
  const auto* from = static_cast<const std::byte*>(at);
  while (bytes != 0) {
    const std::size_t n = std::min<std::size_t>(bytes, line_bytes - reinterpret_cast<std::uintptr_t>(from) % line_bytes);
    access(from, static_cast<unsigned>(n), field, kind);
    from += n;
    bytes -= n;
  }
}

void multicore::pause() {
  clock_ += 40;  // x86's pause since Skylake
  if (pending_ != nullptr) settle_pending();
  if (timed_ ? clock_ > limit_ : true) give_way();
}

// ---- turns

void multicore::push_key(std::uint64_t clock, const fiber& f) {
  heap_.push_back(clock << index_bits | static_cast<std::uint64_t>(f.index));
  std::ranges::push_heap(heap_, std::greater{});
}
multicore::fiber& multicore::pop_key() {
  std::ranges::pop_heap(heap_, std::greater{});
  fiber& f = *fibers_[heap_.back() & ((1U << index_bits) - 1)];
  heap_.pop_back();
  return f;
}
void multicore::remove_key(const fiber& f) {
  std::erase_if(heap_, [&](std::uint64_t k) { return (k & ((1U << index_bits) - 1)) == static_cast<std::uint64_t>(f.index); });
  std::ranges::make_heap(heap_, std::greater{});
}

void multicore::give_way() { give_way_here(); }
void multicore::give_way_in_turn() {
  fiber& me = *current_;
  me.clock = clock_;
  fiber* next = choose();
  if (next != nullptr && next != &me) switch_to(*next);
  set_limit();
  turn_ = 1;  // the access that is waiting to be made
}
std::uint64_t multicore::draw_limit() {
  if (schedule_.kind == schedule::order::round_robin) return schedule_.burst;
  const double u = (static_cast<double>(random_() >> 11) + 1) * 0x1p-53;  // (0, 1]
  return schedule_.chance >= 1 ? 1 : 1 + static_cast<std::uint64_t>(std::log(u) / std::log1p(-schedule_.chance));
}

multicore::fiber* multicore::choose() {
  if (timed_) {
    if (heap_.empty()) return nullptr;
    fiber& f = pop_key();
    if (f.is == state::waiting) {
      f.is = state::ready;
      f.clock = std::max(f.clock, f.deadline);
      f.deadline = never;
    }
    return &f;
  }
  latest_ = std::max(latest_, clock_);
  const std::size_t n = fibers_.size();
  const auto start = static_cast<std::size_t>(current_->index);
  const auto wake = [&](fiber& f) {
    f.is = state::ready;
    f.clock = std::max(f.clock, f.deadline);
    f.deadline = never;
    --waiting_for_time_;
  };
  if (waiting_for_time_ != 0) {
    for (auto& f : fibers_) {
      if (f->is == state::waiting && f->deadline <= latest_) wake(*f);
    }
  }
  std::size_t skip = 0;  // how many ready ones to pass over
  if (schedule_.kind == schedule::order::random) {
    std::size_t others = 0;
    for (auto& f : fibers_) others += f->is == state::ready && f.get() != current_ ? 1 : 0;
    if (others != 0) skip = random_.below(static_cast<std::uint32_t>(others));
  }
  for (std::size_t i = 1; i < n; ++i) {
    fiber& f = *fibers_[(start + i) % n];
    if (f.is == state::ready && skip-- == 0) return &f;
  }
  if (current_->is == state::ready) return current_;
  fiber* first = nullptr;
  for (auto& f : fibers_) {
    if (f->is == state::waiting && f->deadline != never && (first == nullptr || f->deadline < first->deadline)) first = f.get();
  }
  if (first != nullptr) wake(*first);
  return first;
}

void multicore::make_ready(fiber& f, std::uint64_t clock) {
  if (f.deadline != never) {
    f.deadline = never;
    if (timed_) {
      remove_key(f);
    } else {
      --waiting_for_time_;
    }
  }
  f.is = state::ready;
  f.clock = std::max(f.clock, clock);
  if (timed_) {
    push_key(f.clock, f);
    limit_ = heap_.front() >> index_bits;
  }
}

void multicore::park(std::uint64_t deadline) {
  fiber& me = *current_;
  me.clock = clock_;
  me.is = state::waiting;
  me.deadline = deadline;
  if (deadline != never) {
    if (timed_) {
      push_key(std::max(deadline, clock_), me);
    } else {
      ++waiting_for_time_;
    }
  }
  fiber* next = choose();
  if (next == nullptr) deadlock();
  if (next == &me) {
    clock_ = me.clock;
    set_limit();
    turn_ = 0;
  } else {
    switch_to(*next);
  }
}

}  // namespace tally::sim
