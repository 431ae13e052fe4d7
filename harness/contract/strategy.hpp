// THE contract between workloads and strategies.
//
// A workload is a multithreaded program over a small object model; a strategy decides when its objects die. Both are written
// once, against this file. A workload knows three notions, and every scheme in the literature can express them:
//
//   ref<T>    what a thread holds: one owner's worth of an object. A trivially copyable word (two for shared_ptr), linear by
//             convention: each ref is consumed exactly once, by drop, store or pack. Handing a ref by reference to a callee
//             is free everywhere. A default-made ref is null and tests false; only load, exchange and upgrade return nulls.
//   slot<T>   a place inside an object that can hold a ref. Only one thread at a time may touch it (it holds the object
//             alone, or has locked it). shared_slot<T> is one that threads may race on.
//   weak<T>   can be upgraded to a ref, or found dead. Trivially copyable, legal anywhere; each is consumed once.
//
// and two more that say where refs are when they are not on a stack:
//
//   parcel<T> a ref that left the stack: into a queue, a task, a container, shared state. Trivially copyable, legal
//             anywhere. The identity for schemes that count; a rooted cell for schemes that scan stacks, since a scan does
//             not see a std::vector on the C++ heap.
//   root<T>   a registered place for shared test state; holds at most one ref and outlives every context.
//
// All operations go through an explicit per-thread context, so that biased ownership, deferred buffers, a GIL, root scanning
// and simulated cores need no thread_local (virtual cores are fibers, which share it).
//
//   heap                              one per run: H h(heap_config)
//     h.live()                        objects made and not yet freed, as a sum of per-context counters: exact once every
//                                     context is detached, an estimate while they run
//     h.live_bytes()                  their bytes, header included; same precision
//     h.held()                        what it has taken from its allocator and not given back, and why (held.hpp); optional
//     h.settle()                      frees all that can be freed with no context attached (a last collection, the last
//                                     queues); legal only then
//   context                           one per thread: H::context c(h) attaches, its destructor detaches. Detaching with live
//                                     objects behind it is legal. In a blocked region the thread may attach another one, and
//                                     detaches it before the region ends (a wait that runs a task does); several contexts that
//                                     one thread uses in turn are legal where the heap is not thread_bound.
//     c.make<T>(extent, args...)      a new object with one ref; memory is zeroed before T's constructor runs, so that a
//                                     partial object can be scanned. Throws heap_exhausted at the heap's limit. A safepoint.
//     c.get(ref)                      the object, T&; no count
//     c.copy(ref), c.drop(ref)        one more, one fewer owner; never of a null
//     c.load(slot), c.store(slot,ref) an owning read (may be null); a store that consumes the ref (may be null) and drops
//                                     the old value
//     c.take(slot)                    moves the ref out and leaves null
//     c.peek(slot)                    the object a slot refers to, or null; no count; valid until the slot may change
//     shared slots                    load, store, exchange (returns the old value as a ref), compare_exchange(slot,
//                                     expected ref [only compared], desired ref [consumed on success]) -> bool
//                                     Their writes release and their reads acquire; so does a compare_exchange that succeeds:
//                                     what was done before `expected` was put there is seen
//     c.downgrade(ref) -> weak, c.upgrade(weak) -> ref or null, c.drop(weak), c.copy(weak); a weak<T> may live in a
//                                     weak_slot<T> of an object: load, store as for slots         where has_weak
//     c.borrow(shared_slot) -> guard  guard.get(): T* or null; the object stays alive until the guard ends even if any
//                                     thread overwrites the slot; a guard crosses no safepoint     where has_borrow
//     c.share(ref)                    before other threads can reach a private object (through a slot of a shared object,
//                                     or a root). Publishing by shared slot or parcel implies it. Nothing for most.
//     c.pack(ref) -> parcel, c.unpack(parcel) -> ref, c.peek(parcel) -> T&
//     c.poll()                        safepoint: this thread may be stopped, queues drained, the GIL handed over. A workload
//                                     polls exactly once an operation
//     c.blocked(f)                    runs f, which waits for something else: collectors need not wait for this thread, a
//                                     biased owner counts as detached, the GIL is released. A callable and not a guard
//                                     object, because the registers must stay spilled in a frame that lives as long as the
//                                     region does. Inside f: no context operation, no ref made, moved, read or dropped;
//                                     parcels may move. Exit waits for a running collection. A safepoint.
//     c.make_immortal(ref)            from now on copies and drops of the object touch nothing; only while no other thread
//                                     can reach it. c.release_immortal(ref) frees it, whatever refs were made of it, when
//                                     nobody uses it any more                                      where has_immortal
//     c.make_deferred(ref, many_edges) from now on a ref of the object that copy or load makes is not counted; slots, parcels and
//                                     roots count theirs, `many_edges`: in a way that expects many. Only while no other thread can
//                                     reach it. The object lives until c.release_deferred(ref), which takes away one reference and
//                                     makes it an object like any, when no ref but that is on any stack; slots and parcels may
//                                     have others (where defers_stacks)                            where has_deferred
//     c.collect()                     reclaims what it can, cycles included                        where collects_cycles
//     c.quiesce()                     finishes everything pending on this thread
//     c.observe(observer, target)     observer's notify() is called if target dies before it does; once in an observer's life;
//                                     c.observed(observer) -> ref of the target, or null      where has_observers
//
// Safepoints are make, poll, blocked, collect and quiesce, and what ends an object with a finaliser or with observers; nothing
// else.
//
// An object type is a template over the heap that visits its slots once:
//
//   template <class H> struct node {
//     typename H::template slot<node> left, right;
//     tally::var<typename H::memory, std::uint64_t, "payload"> value;
//     void each_slot(auto&& f) { f(left); f(right); }
//   };
//
// Trailing slots: make<T>({.slots = n}, ...) adds an array of n slot<T::trailing> directly behind the object (slots_behind in
// object.hpp finds them without a context), and T::each_slot must visit them: only T knows how many there are, and it must know
// before the next safepoint, all of them and for good. Tracing, counting in stops, cycle collection, cascading frees and
// debugging all use that one visitor. Freeing a chain of any length must not recurse.
//
// A type may have an end of its own (where has_finalizers), and its objects may be told of other objects' ends (has_observers):
//
//   void finalize(auto& context, const ref<T>& self)   runs once in an object's life, when its last reference goes or a
//                                     collector finds it; on the thread that does so, inside that operation. It may make, load,
//                                     store and drop, and revive the object: by a copy of self that it keeps. Throws nothing
//   bool has_finalizer()              false: this object of the type has none; optional
//   typename H::template observers<T> watched; auto& observers() { return watched; }     T can be observed
//   typename H::template observation<U> place; auto& observation() { return place; }     T observes an object of type U
//   void notify(auto& context)        of an observer: what it observed is dead, and can't be found any more. The latest observer
//                                     first. Throws nothing
//
// The order is CPython's: when counting ends an object, its finaliser, then its observers, then what it held, slot by slot, each
// whole before the next; when a collector finds garbage, all observers that are not garbage themselves, then all finalisers,
// then what these did not revive is taken apart, and weak refs find none of it.
//
// A type whose objects never leave the thread that made them may say so: `static constexpr bool confined = true;`. Refs to them
// are never packed or shared, never in a root or a shared slot, nor in an object of a type that doesn't say it. A strategy may
// count them without atomics (rc_arc:sharing=typed); with it, breaking the rule doesn't compile.
//
// Capabilities are detected from the operations that exist (the concepts below), so that they can't drift from the code. What
// can't be detected is a marker on the heap type:
//   single_threaded = true    one thread per heap: counts or lists are not safe
//   thread_bound = "why"      a thread's contexts can't be used in turn: only the one that was attached last, while all others of
//                             the thread are in blocked regions
//   process_global = true     one heap per process, whatever is constructed: its rows get worker processes of their own
//   takes_turns = true        one context runs at a time, under a lock of the strategy: others wait for their turns, which is its cost
//                             and no fault of the machine
//   limits_heap = true        heap_config::limit_bytes is a limit that its user chooses: the row has a heap-size axis
//   frees_in_stops = true     its objects are freed in stops, of which it tells with note_stop (contract/promptness.hpp), and not one by one
//   own_heap = true           its objects are never malloc's but of a heap of its own (an arena, blocks, a library's): under
//                             another malloc it would be the same row again, so that it has no allocator axis
//   unique_ownership = true   counts nothing: an object has one ref at any time, and it dies with it. What would make a second
//                             one (copy, load) ends the process; only workloads that make none run on it
//   max_chain = n             frees recursively, so that longer chains than this could end its stack; absent: any length
//   oracle                    exact (live equals what the workload says), never_frees (live equals made), bounded (live is at
//                             most `slack()` above it)
//
// Out of memory: what needs memory and gets none throws std::bad_alloc (heap_exhausted at a limit) and has done nothing: refs
// and parcels that it was given are still the caller's, and the heap goes on. That may be the constructors of heap, context and
// root, make, make_deferred, share, pack and what implies them, downgrade, copy and load of weak refs, settle, and collect; under a scheme that
// logs stores (defers<H>), store, take, exchange, compare_exchange and unpack, too. Never: get, copy, peek, drop, upgrade, and
// the destructors. What a T's constructor throws is make's to pass on; the object never was. A scheme that runs out in the
// middle of something that can be neither finished nor undone ends the process with a sentence: see no_way_on.
//
// Progress: unless a strategy says otherwise, copy, drop and get are wait-free where the machine's RMWs are, make inherits
// the allocator's guarantee, and shared-slot operations are blocking under `lockbit` and lock-free under `epoch`.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <string_view>
#include <type_traits>
#include <utility>

#include "harness/memory/policy.hpp"

namespace tally {

// What a new object has behind it: `slots` of T::trailing, then `bytes` of payload that nobody names (recorded sizes).
struct extent {
  std::uint32_t slots = 0;
  std::uint32_t bytes = 0;
};

template <class T>
concept confined_type = requires { requires T::confined; };

// exact: every object is freed exactly when the workload says; never_frees: nothing is; bounded: a few dead objects may stay.
enum class oracle_class { exact, never_frees, bounded };
inline constexpr std::array<std::string_view, 3> oracle_names{"exact", "never_frees", "bounded"};
static_assert(oracle_names.size() == static_cast<std::size_t>(oracle_class::bounded) + 1);

// Thrown by make at the heap's limit. `none` ends its window on it; for every other strategy the row is an error row.
struct heap_exhausted : std::bad_alloc {
  [[nodiscard]] const char* what() const noexcept override { return "the heap's limit is reached"; }
};

// Ends the process, with one line on standard error: for bookkeeping that is half done when memory ends, where going on would
// lose or free objects. To tally run it is a worker that died: an error row.
[[noreturn, gnu::cold]] inline void no_way_on(const char* why) noexcept {
  std::fprintf(stderr, "%s\n", why);
  std::abort();
}

// What a heap is made with. `limit_bytes` counts committed memory, metadata included; 0: the strategy's own default.
// `tunable(name)` is the run-time value of a tunable (see family.hpp), or its default.
struct heap_config {
  std::size_t limit_bytes = 0;
  int mutators = 1;    // contexts that will be attached at once, at most: a hint
  int gc_workers = 1;  // threads of a parallel collector
  const std::pair<std::string_view, double>* tunables = nullptr;
  std::size_t tunable_count = 0;
  [[nodiscard]] double tunable(std::string_view name, double otherwise) const {
    for (std::size_t i = 0; i < tunable_count; ++i) {
      if (tunables[i].first == name) return tunables[i].second;
    }
    return otherwise;
  }
};

namespace detail {

// The object that the concepts below test a heap with.
template <class H>
struct probe {
  using trailing = probe;
  typename H::template slot<probe> one;
  void each_slot(auto&& f) { f(one); }
};

}  // namespace detail

template <class H>
concept has_shared_slot = requires(typename H::context& c, typename H::template ref<detail::probe<H>> r,
                                   typename H::template shared_slot<detail::probe<H>>& s) {
  { c.load(s) } -> std::same_as<typename H::template ref<detail::probe<H>>>;
  c.store(s, r);
  { c.exchange(s, r) } -> std::same_as<typename H::template ref<detail::probe<H>>>;
  { c.compare_exchange(s, r, r) } -> std::same_as<bool>;
};

template <class H>
concept has_weak = requires(typename H::context& c, typename H::template ref<detail::probe<H>> r,
                            typename H::template weak<detail::probe<H>> w, typename H::template weak_slot<detail::probe<H>>& s) {
  { c.downgrade(r) } -> std::same_as<typename H::template weak<detail::probe<H>>>;
  { c.upgrade(w) } -> std::same_as<typename H::template ref<detail::probe<H>>>;
  { c.copy(w) } -> std::same_as<typename H::template weak<detail::probe<H>>>;
  c.drop(w);
  { c.load(s) } -> std::same_as<typename H::template weak<detail::probe<H>>>;
  c.store(s, w);
};

template <class H>
concept has_borrow =
    has_shared_slot<H> && requires(typename H::context& c, typename H::template shared_slot<detail::probe<H>>& s) {
      { c.borrow(s).get() } -> std::same_as<detail::probe<H>*>;
    };

template <class H>
concept collects_cycles = requires(typename H::context& c) { c.collect(); };

// Objects may have a finaliser; and observers. Where they do not, types that have them don't compile.
template <class H>
concept has_finalizers = requires { requires H::has_finalizers; };

template <class H>
concept has_observers = requires { typename H::template observers<detail::probe<H>>; };

template <class H>
concept has_immortal = requires(typename H::context& c, typename H::template ref<detail::probe<H>> r) {
  c.make_immortal(r);
  c.release_immortal(r);
};

template <class H>
concept has_deferred = requires(typename H::context& c, typename H::template ref<detail::probe<H>> r) {
  c.make_deferred(r, true);
  c.release_deferred(r);
};

// Its deferred objects are not immortal: slots and parcels may have refs of one that is released.
template <class H>
concept defers_stacks = has_deferred<H> && requires { requires H::defers_stacks; };

// Counts references from the heap and from parcels only, and decides about the rest in reconciliations; h.reconciles() is how
// many there were. A ref on the stack is a bare word: copy and drop of one touch nothing.
template <class H>
concept defers = requires(const H& h) {
  { h.reconciles() } -> std::convertible_to<std::uint64_t>;
};

// Works on every memory policy (counts its own way through M), as opposed to wrapping a library.
template <class H>
concept instrumented = requires { requires H::instrumented; };

template <class H>
concept single_threaded = requires { requires H::single_threaded; };

template <class H>
concept thread_bound = requires { std::string_view(H::thread_bound); };

template <class H>
concept process_global = requires { requires H::process_global; };

template <class H>
concept takes_turns = requires { requires H::takes_turns; };

template <class H>
concept limits_heap = requires { requires H::limits_heap; };

template <class H>
concept own_heap = requires { requires H::own_heap; };

template <class H>
concept unique_ownership = requires { requires H::unique_ownership; };

// The contract. An error here names the operation that is missing.
template <class H>
concept strategy = requires(H& h, const H& ch, typename H::context& c, typename H::template ref<detail::probe<H>> r,
                            typename H::template slot<detail::probe<H>>& s, typename H::template parcel<detail::probe<H>> p,
                            detail::probe<H>& o, typename H::template root<detail::probe<H>>& root) {
  requires memory_policy<typename H::memory>;
  requires std::constructible_from<H, const heap_config&>;
  requires std::constructible_from<typename H::context, H&>;
  requires std::constructible_from<typename H::template root<detail::probe<H>>, H&>;
  { H::oracle } -> std::convertible_to<oracle_class>;
  { ch.live() } -> std::same_as<std::int64_t>;
  { ch.live_bytes() } -> std::same_as<std::int64_t>;
  h.settle();
  requires std::is_trivially_copyable_v<decltype(p)>;
  { static_cast<bool>(r) };
  { c.template make<detail::probe<H>>(extent{}) } -> std::same_as<decltype(r)>;
  { c.get(r) } -> std::same_as<detail::probe<H>&>;
  { c.copy(r) } -> std::same_as<decltype(r)>;
  c.drop(r);
  { c.load(s) } -> std::same_as<decltype(r)>;
  c.store(s, r);
  { c.take(s) } -> std::same_as<decltype(r)>;
  { c.peek(s) } -> std::same_as<detail::probe<H>*>;
  { c.pack(r) } -> std::same_as<decltype(p)>;
  { c.unpack(p) } -> std::same_as<decltype(r)>;
  { c.peek(p) } -> std::same_as<detail::probe<H>&>;
  c.share(r);
  c.poll();
  c.blocked([] {});
  c.quiesce();
  { c.trailing_slots(o) } -> std::same_as<typename H::template slot<detail::probe<H>>*>;
  // root: store (consumes), load (owning), get (T*, no count); store(c, {}) empties it
  root.store(c, r);
  { root.load(c) } -> std::same_as<decltype(r)>;
  { root.get() } -> std::same_as<detail::probe<H>*>;
};

// The RAII form of a ref, for code that is not about moving ownership.
template <class H, class T>
class local {
 public:
  using context = typename H::context;
  using ref = typename H::template ref<T>;
  local(context& c, ref r) : context_(&c), ref_(r) {}
  local(local&& other) noexcept : context_(other.context_), ref_(std::exchange(other.ref_, ref{})) {}
  local& operator=(local&&) = delete;
  ~local() {
    if (ref_) context_->drop(ref_);
  }
  [[nodiscard]] T* operator->() const { return &context_->get(ref_); }
  [[nodiscard]] T& operator*() const { return context_->get(ref_); }
  [[nodiscard]] explicit operator bool() const { return static_cast<bool>(ref_); }
  [[nodiscard]] const ref& get() const { return ref_; }
  [[nodiscard]] ref release() { return std::exchange(ref_, ref{}); }

 private:
  context* context_;
  ref ref_;
};

// Spares workloads the `template` keyword: make<node<H>>(context, {.slots = 2}, args...). Always inlined, so that a constant
// extent reaches the strategy's make as one.
template <class T, class Context, class... Args>
[[nodiscard, gnu::always_inline]] inline auto make(Context& c, extent e, Args&&... args) {
  return c.template make<T>(e, std::forward<Args>(args)...);
}

// Between taking a ref and dropping it: makes the handle escape and memory unknown, so that the optimiser can't fold the two
// counts away. For every strategy alike; costs no instruction.
template <class R>
inline void keep(const R& r) {
  if constexpr (sizeof(R) == sizeof(void*)) {
    asm volatile("" : : "r"(__builtin_bit_cast(void*, r)) : "memory");
  } else {
    asm volatile("" : : "r"(&r) : "memory");
  }
}

}  // namespace tally
