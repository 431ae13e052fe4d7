// What deferred does in a stop, who does which part of it, and when a context asks for one. Included by deferred.hpp, which
// declares what is defined here.
#pragma once

#include <algorithm>
#include <vector>

#include "harness/contract/promptness.hpp"
#include "strategies/deferred_reconcile.hpp"

namespace tally::strategies {

template <class M, no_options O>
inline void deferred_heap<M, O>::reconcile_stopped(bool cycles) {
  try {
    reconcile_all(cycles);
  } catch (const std::bad_alloc&) {
    no_way_on("deferred: out of memory in a reconciliation");
  }
}

template <class M, no_options O>
inline void deferred_heap<M, O>::reconcile_all(bool cycles) {
  note_periodic<M, "reconcile">();
  note_delay<M, delay::reconciliation>();
  const timed_stop<M, deferred_heap> stop(*this);
  world_.helpers().recruit(std::min(helpers_, contexts_.size()));  // they come while this thread looks at stacks
  std::size_t words = 0;
  if (mutant<M, "deferred: what the last stop found on stacks is let go before this one looks">()) reconciler_.drop_stacks();
  world_.for_each_stack_word([&](std::uintptr_t w) {
    ++words;
    if (auto* object = reinterpret_cast<header*>(blocks_.resolve(w))) reconciler_.found_on_stack(*object);
  });
  share_out(world_.helpers().muster());
  world_.helpers().work([this](std::size_t number) { reconcile_share(number); });
  left_.clear();
  for (context* c : contexts_) c->log_.clear();
  reconciler_.finish();
  const bool full = cycles || reconciler_.bytes() > look_for_cycles_;
  if (full) {
    reconciler_.collect_cycles();
    look_for_cycles_ = std::max(least_, static_cast<std::int64_t>(growth_ * static_cast<double>(reconciler_.bytes())));
  }
  note_stop<M>([this](void* object) { return blocks_.kept((static_cast<header*>(object) - 1)->word); });
  words += words_per_weak_ref * reconciler_.weak_refs();
  for (context* c : contexts_) {
    c->log_.set_bound(std::max(entries_, words / words_per_entry));
    c->young_bytes_ = std::max(young_bytes_, words * bytes_per_word);
  }
  // relaxed: estimates for a sampler; mutators have the stop
  objects_.store(reconciler_.objects(), std::memory_order_relaxed);
  bytes_.store(reconciler_.bytes(), std::memory_order_relaxed);
  reconciles_.store(reconciles() + 1, std::memory_order_relaxed);
  stop.end(totals_, full ? collector_totals::full : 0, 0);
}

// What the heap takes beside its blocks and logs (the reconciler's lists, cells of weak refs) is not in it. An old object that has lost
// its last reference is known only to a log's entry: it counts as alive until the next stop.
template <class M, no_options O>
inline held_memory deferred_heap<M, O>::held() const {
  held_memory all;
  all.told = true;
  const auto committed = static_cast<std::int64_t>(blocks_.committed());
  all.of(held_cause::undecided) = blocks_.claimed().second;
  all.of(held_cause::headroom) = std::max<std::int64_t>(committed - live_bytes(), 0);
  const std::lock_guard hold(lock_);
  std::size_t logs = left_.bytes_taken();
  for (const context* c : contexts_) logs += c->log_.bytes_taken();
  all.of(held_cause::logged) = static_cast<std::int64_t>(logs);
  all.taken = committed + all.of(held_cause::logged);
  return all;
}

template <class M, no_options O>
inline void deferred_heap<M, O>::share_out(const std::vector<typename world<M>::mutator*>& helpers) {
  for (context* c : contexts_) {
    c->share_ = 0;
    for (std::size_t i = 0; i < helpers.size(); ++i) {
      if (helpers[i] == &c->mutator_) c->share_ = i + 1;
    }
  }
  reconciler_.share_out(helpers.size() + 1, [&](std::size_t number) {
    const auto of = [&](const context* c) { return c->share_ == number; };
    return (*std::ranges::find_if(contexts_, of))->allocator_.home();
  });
}

template <class M, no_options O>
inline void deferred_heap<M, O>::reconcile_share(std::size_t number) {
  try {
    auto& mine = reconciler_.at(number);
    const auto meet = [this] { world_.helpers().barrier(); };
    for_each_log(number, [&](log& l) {
      const bool one = &l != &left_ && &l == &contexts_.front()->log_;
      mine.read(l, !one || !mutant<M, "deferred: one log is not read for what is more">());
    });
    mine.finish_raising(meet);
    if (number == 0) mine.destroy_young(left_mortal_);
    for (context* c : contexts_) {
      if (c->share_ == number) mine.destroy_young(c->mortal_);
    }
    meet();  // they are told by their counts, which go down from here on
    mine.lower();
    if (number == 0) reconciler_.drop_stacks();
    mine.finish_lowering(meet);
  } catch (const std::bad_alloc&) {
    no_way_on("deferred: out of memory in a reconciliation");
  }
}

template <class M, no_options O>
template <class F>
inline void deferred_heap<M, O>::for_each_log(std::size_t share, F&& f) {
  if (share == 0) f(left_);
  for (context* c : contexts_) {
    if (c->share_ == share) f(c->log_);
  }
}

template <class M, no_options O>
void deferred_heap<M, O>::context::at_safepoint() {
  const std::uint64_t before = heap_.reconciles();
  mutator_.attend();
  if (log_.full()) stop(before, false);
}

template <class M, no_options O>
void* deferred_heap<M, O>::context::allocate_slowly(std::size_t bytes) {
  poll();
  if (allocator_.claimed_bytes() >= young_bytes_) stop(heap_.reconciles(), false);
  // Twice for the case that another thread takes what was freed.
  for (const bool cycles : {false, false, true, true}) {
    const std::uint64_t before = heap_.reconciles();
    if (void* cell = allocator_.allocate(bytes)) return cell;
    stop(before, cycles);
  }
  if (void* cell = allocator_.allocate(bytes)) return cell;
  throw heap_exhausted();
}

template <class M, no_options O>
void deferred_heap<M, O>::context::stop(std::uint64_t before, bool cycles) {
  heap_.world_.stop(mutator_, [&] {
    if (cycles || heap_.reconciles() == before) heap_.reconcile_stopped(cycles);
  });
}

}  // namespace tally::strategies
