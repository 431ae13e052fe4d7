// Pairs of functions with the same work: check_X_NAME is a strategy's operation under the native policy, hand_X_NAME what a
// programmer would write on a raw structure. compare.py disassembles this file's object and holds them against each other.
//
// What is noinline in the strategy (the end of an object's life) is an opaque call in the hand-written function. The functions
// take what they need in the same registers: context, object.
#include <atomic>
#include <cstdint>
#include <memory>

#include "strategies/atomic.hpp"
#include "strategies/biased.hpp"
#include "strategies/gil.hpp"
#include "strategies/plain.hpp"
#include "strategies/rc_arc.hpp"
#include "strategies/shared_ptr.hpp"

namespace {

using namespace tally;

template <class H>
struct object {
  std::uint64_t value = 0;
  void each_slot(auto&&) {}
};

using plain = strategies::plain_heap<native>;
using collected = strategies::plain_heap<native, strategies::plain_options{.cycles = cycle_kind::generational}>;
using candidates = strategies::plain_heap<native, strategies::plain_options{.cycles = cycle_kind::trial}>;
using counted = strategies::atomic_heap<native>;
using counted_if_mortal = strategies::atomic_heap<native, strategies::atomic_options{.immortal = strategies::immortality::yes}>;
using locked = strategies::gil_heap<native>;
using locked_twice = strategies::gil_heap<native, strategies::gil_options{.counts = strategies::gil_counts::atomic}>;
using locked_if_mortal = strategies::gil_heap<native, strategies::gil_options{.immortal = strategies::immortality::yes}>;
using rc_arc = strategies::rc_arc_heap<native>;
using typed = strategies::rc_arc_typed_heap<native>;
using biased = strategies::biased_heap<native>;
using standard = strategies::shared_ptr_heap<native>;

// Can be part of a cycle.
template <class H>
struct container : object<H> {
  typename H::template slot<container> next;
  void each_slot(auto&& f) { f(next); }
};
template <class H>
using container_ref = typename H::template ref<container<H>>;

template <class H>
struct confined_object : object<H> {
  static constexpr bool confined = true;
};

template <class H>
using ref = typename H::template ref<object<H>>;
using confined_ref = typed::ref<confined_object<typed>>;

inline void escape(void* p) { asm volatile("" : : "r"(p) : "memory"); }

}  // namespace

extern "C" {

// The end of a hand-written object.
void hand_reclaim(void* context, void* object);
void hand_reclaim_biased(void* context, void* object);
void hand_reclaim_foreign(void* context, void* object);
void hand_buffer(void* context, void* object);

// plain ---------------------------------------------------------------------------------------------------------------------

ref<plain> check_copy_plain(plain::context& c, ref<plain> r) { return c.copy(r); }
void check_drop_plain(plain::context& c, ref<plain> r) { c.drop(r); }
void check_copy_drop_plain(plain::context& c, ref<plain> r) {
  auto copy = c.copy(r);
  keep(copy);
  c.drop(copy);
}

struct plain_object {
  std::uint64_t type;
  std::uint32_t count, weak;
};
plain_object* hand_copy_plain(void*, plain_object* o) {
  ++o->count;
  return o;
}
void hand_drop_plain(void* c, plain_object* o) {
  if (--o->count == 0) [[unlikely]]
    hand_reclaim(c, o);
}
void hand_copy_drop_plain(void* c, plain_object* o) {
  ++o->count;
  escape(o);
  if (--o->count == 0) [[unlikely]]
    hand_reclaim(c, o);
}

// cycles=generational: counting is what it is without, and so is an object that can't hold a reference.
ref<collected> check_copy_collected(collected::context& c, ref<collected> r) { return c.copy(r); }
void check_drop_collected(collected::context& c, ref<collected> r) { c.drop(r); }
container_ref<collected> check_copy_container(collected::context& c, container_ref<collected> r) { return c.copy(r); }
void check_drop_container(collected::context& c, container_ref<collected> r) { c.drop(r); }
void check_copy_drop_container(collected::context& c, container_ref<collected> r) {
  auto copy = c.copy(r);
  keep(copy);
  c.drop(copy);
}
plain_object* hand_copy_collected(void* c, plain_object* o) { return hand_copy_plain(c, o); }
void hand_drop_collected(void* c, plain_object* o) { hand_drop_plain(c, o); }
plain_object* hand_copy_container(void* c, plain_object* o) { return hand_copy_plain(c, o); }
void hand_drop_container(void* c, plain_object* o) { hand_drop_plain(c, o); }
void hand_copy_drop_container(void* c, plain_object* o) { hand_copy_drop_plain(c, o); }

// cycles=trial: what lives after a decrement, or moves into a slot, and can hold a reference is asked whether it is a candidate.
ref<candidates> check_copy_trial(candidates::context& c, ref<candidates> r) { return c.copy(r); }
void check_drop_trial(candidates::context& c, ref<candidates> r) { c.drop(r); }
container_ref<candidates> check_copy_candidate(candidates::context& c, container_ref<candidates> r) { return c.copy(r); }
void check_drop_candidate(candidates::context& c, container_ref<candidates> r) { c.drop(r); }
void check_store_candidate(candidates::context& c, candidates::slot<container<candidates>>& s, container_ref<candidates> r) {
  c.store(s, r);
}
struct candidate_head {
  std::atomic<candidate_head*> next;  // as gc_head's is; the compiler does not compare memory with it
  candidate_head* previous;
};
static inline bool is_buffered(plain_object* o) {
  return (reinterpret_cast<candidate_head*>(o) - 1)->next.load(std::memory_order_relaxed) != nullptr;
}
plain_object* hand_copy_trial(void* c, plain_object* o) { return hand_copy_plain(c, o); }
void hand_drop_trial(void* c, plain_object* o) { hand_drop_plain(c, o); }
plain_object* hand_copy_candidate(void* c, plain_object* o) { return hand_copy_plain(c, o); }
void hand_drop_candidate(void* c, plain_object* o) {
  if (--o->count == 0) [[unlikely]] {
    hand_reclaim(c, o);
  } else if (!is_buffered(o)) [[unlikely]] {
    hand_buffer(c, o);
  }
}
void hand_store_candidate(void* c, plain_object** s, plain_object* o) {
  if (o != nullptr && !is_buffered(o)) [[unlikely]]
    hand_buffer(c, o);
  plain_object* old = *s;
  *s = o;
  if (old != nullptr) hand_drop_candidate(c, old);
}

// atomic --------------------------------------------------------------------------------------------------------------------

ref<counted> check_copy_atomic(counted::context& c, ref<counted> r) { return c.copy(r); }
void check_drop_atomic(counted::context& c, ref<counted> r) { c.drop(r); }
void check_copy_drop_atomic(counted::context& c, ref<counted> r) {
  auto copy = c.copy(r);
  keep(copy);
  c.drop(copy);
}

struct atomic_object {
  std::uint64_t type;
  std::atomic<std::uint32_t> count, weak;
};
atomic_object* hand_copy_atomic(void*, atomic_object* o) {
  o->count.fetch_add(1, std::memory_order_relaxed);
  return o;
}
void hand_drop_atomic(void* c, atomic_object* o) {
  if (o->count.fetch_sub(1, std::memory_order_acq_rel) == 1) [[unlikely]]
    hand_reclaim(c, o);
}
void hand_copy_drop_atomic(void* c, atomic_object* o) {
  o->count.fetch_add(1, std::memory_order_relaxed);
  escape(o);
  if (o->count.fetch_sub(1, std::memory_order_acq_rel) == 1) [[unlikely]]
    hand_reclaim(c, o);
}

// immortal=yes: a look at the count first.
ref<counted_if_mortal> check_copy_mortal(counted_if_mortal::context& c, ref<counted_if_mortal> r) { return c.copy(r); }
void check_drop_mortal(counted_if_mortal::context& c, ref<counted_if_mortal> r) { c.drop(r); }
constexpr std::uint32_t never_counted = std::uint32_t{1} << 30;
atomic_object* hand_copy_mortal(void*, atomic_object* o) {
  if ((o->count.load(std::memory_order_relaxed) & never_counted) == 0) o->count.fetch_add(1, std::memory_order_relaxed);
  return o;
}
void hand_drop_mortal(void* c, atomic_object* o) {
  if ((o->count.load(std::memory_order_relaxed) & never_counted) != 0) return;
  if (o->count.fetch_sub(1, std::memory_order_acq_rel) == 1) [[unlikely]]
    hand_reclaim(c, o);
}

// gil: plain's; counts=atomic: atomic's; immortal=yes: CPython 3.12's ---------------------------------------------------------

ref<locked> check_copy_gil(locked::context& c, ref<locked> r) { return c.copy(r); }
void check_drop_gil(locked::context& c, ref<locked> r) { c.drop(r); }
plain_object* hand_copy_gil(void* c, plain_object* o) { return hand_copy_plain(c, o); }
void hand_drop_gil(void* c, plain_object* o) { hand_drop_plain(c, o); }

ref<locked_twice> check_copy_gil_atomic(locked_twice::context& c, ref<locked_twice> r) { return c.copy(r); }
void check_drop_gil_atomic(locked_twice::context& c, ref<locked_twice> r) { c.drop(r); }
atomic_object* hand_copy_gil_atomic(void* c, atomic_object* o) { return hand_copy_atomic(c, o); }
void hand_drop_gil_atomic(void* c, atomic_object* o) { hand_drop_atomic(c, o); }

ref<locked_if_mortal> check_copy_gil_immortal(locked_if_mortal::context& c, ref<locked_if_mortal> r) { return c.copy(r); }
void check_drop_gil_immortal(locked_if_mortal::context& c, ref<locked_if_mortal> r) { c.drop(r); }
plain_object* hand_copy_gil_immortal(void*, plain_object* o) {
  if (const std::uint32_t next = o->count + 1; next != 0) o->count = next;
  return o;
}
void hand_drop_gil_immortal(void* c, plain_object* o) {
  if (static_cast<std::int32_t>(o->count) < 0) return;
  if (--o->count == 0) [[unlikely]]
    hand_reclaim(c, o);
}

// rc_arc --------------------------------------------------------------------------------------------------------------------

ref<rc_arc> check_copy_rc_arc(rc_arc::context& c, ref<rc_arc> r) { return c.copy(r); }
void check_drop_rc_arc(rc_arc::context& c, ref<rc_arc> r) { c.drop(r); }

atomic_object* hand_copy_rc_arc(void*, atomic_object* o) {
  const std::uint32_t n = o->count.load(std::memory_order_relaxed);
  if ((n & 1) == 0) {
    o->count.store(n + 2, std::memory_order_relaxed);
  } else {
    o->count.fetch_add(2, std::memory_order_relaxed);
  }
  return o;
}
void hand_drop_rc_arc(void* c, atomic_object* o) {
  const std::uint32_t n = o->count.load(std::memory_order_relaxed);
  bool last = false;
  if ((n & 1) == 0) {
    o->count.store(n - 2, std::memory_order_relaxed);
    last = n == 2;
  } else {
    last = o->count.fetch_sub(2, std::memory_order_acq_rel) == 3;
  }
  if (last) [[unlikely]]
    hand_reclaim(c, o);
}

// rc_arc:sharing=typed: a confined type is plain's code, another one atomic's ------------------------------------------------

confined_ref check_copy_typed_confined(typed::context& c, confined_ref r) { return c.copy(r); }
void check_drop_typed_confined(typed::context& c, confined_ref r) { c.drop(r); }
void check_copy_drop_typed_confined(typed::context& c, confined_ref r) {
  auto copy = c.copy(r);
  keep(copy);
  c.drop(copy);
}
plain_object* hand_copy_typed_confined(void*, plain_object* o) {
  ++o->count;
  return o;
}
void hand_drop_typed_confined(void* c, plain_object* o) {
  if (--o->count == 0) [[unlikely]]
    hand_reclaim(c, o);
}
void hand_copy_drop_typed_confined(void* c, plain_object* o) {
  ++o->count;
  escape(o);
  if (--o->count == 0) [[unlikely]]
    hand_reclaim(c, o);
}

ref<typed> check_copy_typed_shared(typed::context& c, ref<typed> r) { return c.copy(r); }
void check_drop_typed_shared(typed::context& c, ref<typed> r) { c.drop(r); }
atomic_object* hand_copy_typed_shared(void*, atomic_object* o) {
  o->count.fetch_add(1, std::memory_order_relaxed);
  return o;
}
void hand_drop_typed_shared(void* c, atomic_object* o) {
  if (o->count.fetch_sub(1, std::memory_order_acq_rel) == 1) [[unlikely]]
    hand_reclaim(c, o);
}

// biased --------------------------------------------------------------------------------------------------------------------

ref<biased> check_copy_biased(biased::context& c, ref<biased> r) { return c.copy(r); }
void check_drop_biased(biased::context& c, ref<biased> r) { c.drop(r); }
void check_copy_drop_biased(biased::context& c, ref<biased> r) {
  auto copy = c.copy(r);
  keep(copy);
  c.drop(copy);
}

struct biased_hand_context {
  void* heap;
  std::uint16_t id;
};
struct biased_object {
  std::uint64_t type;
  std::atomic<std::uint16_t> owner;
  std::uint16_t link_high;
  std::uint32_t local;
  std::atomic<std::int64_t> shared;
  std::atomic<std::uint32_t> weak;
  std::uint32_t link_low;
};
constexpr std::uint16_t nobody = 0xFFFF;

static inline void take(biased_hand_context* c, biased_object* o) {
  const std::uint16_t owner = o->owner.load(std::memory_order_relaxed);
  if (owner == c->id) [[likely]] {
    ++o->local;
  } else if (owner != nobody) {
    o->shared.fetch_add(4, std::memory_order_relaxed);
  }
}
static inline void give_back(biased_hand_context* c, biased_object* o) {
  const std::uint16_t owner = o->owner.load(std::memory_order_relaxed);
  if (owner == c->id) [[likely]] {
    if (--o->local == 0) [[unlikely]]
      hand_reclaim_biased(c, o);
  } else if (owner != nobody) {
    hand_reclaim_foreign(c, o);
  }
}
biased_object* hand_copy_biased(biased_hand_context* c, biased_object* o) {
  take(c, o);
  return o;
}
void hand_drop_biased(biased_hand_context* c, biased_object* o) { give_back(c, o); }
void hand_copy_drop_biased(biased_hand_context* c, biased_object* o) {
  take(c, o);
  escape(o);
  give_back(c, o);
}

// shared_ptr: the same through a std::shared_ptr variable. A ref comes and goes in two registers, a shared_ptr in memory ----

ref<standard> check_copy_shared_ptr(standard::context& c, ref<standard> r) { return c.copy(r); }
void check_drop_shared_ptr(standard::context& c, ref<standard> r) { c.drop(r); }
void check_copy_drop_shared_ptr(standard::context& c, ref<standard> r) {
  auto copy = c.copy(r);
  keep(copy);
  c.drop(copy);
}
void opaque_ref(ref<standard> r);
void check_pass_shared_ptr(standard::context& c, ref<standard> r) {
  opaque_ref(c.copy(r));
  c.drop(r);
}

using standard_pointer = std::shared_ptr<object<standard>>;
standard_pointer hand_copy_shared_ptr(void*, const standard_pointer& p) { return p; }
void hand_drop_shared_ptr(void*, standard_pointer& p) { p.~shared_ptr(); }
void hand_copy_drop_shared_ptr(void*, const standard_pointer& p) {
  const standard_pointer copy = p;
  escape(const_cast<standard_pointer*>(&copy));
}
void opaque_pointer(standard_pointer) noexcept;
void hand_pass_shared_ptr(void*, standard_pointer& p) {
  opaque_pointer(p);
  p.~shared_ptr();
}

// A pair that differs: compare.py must report it, or it reports nothing at all ----------------------------------------------

void check_copy_worse(void*, atomic_object* o) {
  std::uint32_t n = o->count.load(std::memory_order_relaxed);
  while (!o->count.compare_exchange_weak(n, n + 1, std::memory_order_relaxed)) {}
}
void hand_copy_worse(void*, atomic_object* o) { o->count.fetch_add(1, std::memory_order_relaxed); }

}  // extern "C"
