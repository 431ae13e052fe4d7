// deferred: deferred reference counting. References from the heap are counted, references from stacks are not.
//
// copy and drop are nothing; get and load are plain reads. What is counted are slots, roots and parcels. So a count of zero
// does not mean dead: a stack may still refer to the object. Such objects are in a zero-count table, and when a context's table
// is full, it reconciles: stops the world, scans the stacks conservatively, and frees the objects in all tables that have no
// count and that no stack refers to, with all that only they kept alive. New objects start in the table; most of them have been
// stored somewhere by the time of the next reconcile, or are dead. How a count is kept by several threads without a protocol
// is in deferred_counts.hpp; who is stopped when, in harness/heap/world.hpp.
//
// Since objects die only at safepoints, a racy read of a shared slot is one acquire load: the object can't go away before the
// reader's next safepoint, where its stack is scanned. That is the scheme's own protection (slot=scan); a lock bit or epochs
// would add work to every access and protect nothing that is not protected. A borrow is the same load.
// A parcel is a counted reference, not a rooted cell: a count costs what filling a cell does and nothing at a scan.
//
// What it can't do: free cycles; free promptly (an object lives until the next reconcile, and one that a stale stack word seems
// to refer to longer); reconcile in parallel, or scale with a stack's depth: a pause is proportional to the garbage of all
// threads plus all stacks. Tables grow with what stacks keep alive and with stack depth, so that the cost per object stays
// constant. Source: [DB76]; conservative stacks as in [Shahriyar14].
#pragma once

#include <algorithm>
#include <mutex>
#include <vector>

#include "harness/counting.hpp"
#include "harness/family.hpp"
#include "harness/heap/block_heap.hpp"
#include "harness/heap/world.hpp"
#include "strategies/deferred_counts.hpp"
#include "strategies/deferred_table.hpp"

namespace tally::strategies {

template <class M, no_options = {}>
class deferred_heap {
 public:
  using memory = M;
  using header = deferred_header<M>;
  using table = zero_count_table<M, header>;
  static constexpr bool instrumented = true;
  static constexpr oracle_class oracle = oracle_class::exact;
  static constexpr double default_entries = 4096, default_kilobytes = 1024;

  class context;
  template <class T>
  using ref = counted_ref<header, T>;
  template <class T>
  using parcel = counted_ref<header, T>;
  template <class T>
  struct slot : slot_base<M, header> {};
  struct shared_word {
    tally::atomic<M, header*, "slot"> word;
  };
  template <class T>
  struct shared_slot : shared_word {};
  template <class T>
  class root;

  explicit deferred_heap(const heap_config& config)
      : blocks_(config.limit_bytes),
        entries_(static_cast<std::size_t>(config.tunable("entries", default_entries))),
        bytes_(static_cast<std::size_t>(config.tunable("kilobytes", default_kilobytes)) * 1024),
        left_(entries_) {}
  deferred_heap(const deferred_heap&) = delete;
  deferred_heap& operator=(const deferred_heap&) = delete;

  [[nodiscard]] std::int64_t live() const { return counters_.objects(); }
  [[nodiscard]] std::int64_t live_bytes() const { return counters_.bytes(); }
  // With no stack to scan, one pass over what the contexts left frees all that has no count.
  void settle() {
    context last(*this);
    last.reconcile(why::no_stacks);
  }
  // How many times the world was stopped to reconcile.
  [[nodiscard]] std::uint64_t reconciles() const { return reconciles_; }

 private:
  enum class why { full, asked, no_stacks };  // full: unless another context's reconcile has emptied the table meanwhile

  world<M> world_;
  block_heap<M, true> blocks_;
  live_counters counters_;
  const std::size_t entries_, bytes_;  // of one context's table; of large new objects
  typename M::mutex lock_;             // guards the following; held for a few instructions by running threads
  std::vector<context*> contexts_;
  std::vector<std::uint32_t> free_numbers_;
  table left_;                         // what detached contexts left
  std::uint64_t reconciles_ = 0;
  std::vector<header*> rooted_;        // within a stop
};

template <class M, no_options O>
class deferred_heap<M, O>::context {
 public:
  explicit context(deferred_heap& heap)
      : heap_(heap), mutator_(heap.world_), allocator_(heap.blocks_), table_(heap.entries_) {
    const std::lock_guard hold(heap_.lock_);
    if (heap_.free_numbers_.empty()) {
      if (heap_.contexts_.size() >= header::most_owners) throw std::bad_alloc();
      heap_.free_numbers_.push_back(static_cast<std::uint32_t>(heap_.contexts_.size()));
    }
    heap_.contexts_.push_back(this);
    mine_ = heap_.free_numbers_.back() << 16;
    heap_.free_numbers_.pop_back();
    heap_.counters_.attach(live_);
  }
  // Objects that are dead but not reconciled are left to the heap.
  ~context() {
    {
      const std::lock_guard hold(heap_.lock_);
      table_.filter([this](header& h) {
        heap_.left_.push(h);
        return false;
      });
      std::erase(heap_.contexts_, this);
      heap_.free_numbers_.push_back(mine_ >> 16);
    }
    heap_.counters_.detach(live_);
  }
  context(const context&) = delete;
  context& operator=(const context&) = delete;

  // An object without an extent has its own way: its size is a constant there, so that the cell's class and the zeroing fold.
  template <class T, class... Args>
  [[nodiscard, gnu::always_inline]] ref<T> make(extent e, Args&&... args) {
    static_assert(alignof(T) <= alignof(header), "cells are aligned to 8");
    constexpr std::size_t fixed = sizeof(header) + sizeof(T);
    std::size_t bytes = fixed + e.bytes;
    if constexpr (requires { typename T::trailing; }) bytes += e.slots * sizeof(slot<typename T::trailing>);
    if (mutator_.asked() || table_.full()) [[unlikely]] at_safepoint();
    if (bytes >= large) [[unlikely]] account(bytes);
    void* cell = bytes == fixed ? allocator_.try_allocate(fixed) : allocator_.try_allocate(bytes);
    if (cell == nullptr) [[unlikely]] cell = allocate_slowly(bytes);
    auto* h = new (cell) header;
    h->word.init(type_number<context, T>, bytes);
    h->init(mine_);
    table_.push_new(*h);
    new (h + 1) T(std::forward<Args>(args)...);
    live_.made(bytes);
    return {h};
  }

  template <class T>
  [[nodiscard]] T& get(const ref<T>& r) const {
    return *payload<T>(r.at);
  }
  template <class T>
  [[nodiscard]] ref<T> copy(const ref<T>& r) {
    return r;
  }
  template <class T>
  void drop(ref<T>) {}

  template <class T>
  [[nodiscard]] ref<T> load(const slot<T>& s) {
    return {s.word.load()};
  }
  template <class T>
  [[gnu::always_inline]] void store(slot<T>& s, ref<T> r) {
    if (r) r.at->increment(mine_);
    header* old = s.word.load();
    s.word.store(r.at);
    if (old != nullptr) decrement(*old);
  }
  template <class T>
  [[nodiscard]] ref<T> take(slot<T>& s) {
    header* h = s.word.load();
    s.word.store(nullptr);
    if (h != nullptr) decrement(*h);
    return {h};
  }
  template <class T>
  [[nodiscard]] T* peek(const slot<T>& s) const {
    header* h = s.word.load();
    return h == nullptr ? nullptr : payload<T>(h);
  }

  // acquire: pairs with the release in exchange() and compare_exchange(), so that the object is seen as its publisher left it.
  template <class T>
  [[nodiscard]] ref<T> load(shared_slot<T>& s) {
    return {s.word.load(std::memory_order_acquire)};
  }
  // The slot's count moves before the word does: a count may be too high for a moment, never too low for a stop to see, since
  // no stop comes between the two. acquire: the old object's header was written by who published it.
  template <class T>
  [[nodiscard]] ref<T> exchange(shared_slot<T>& s, ref<T> r) {
    if (r) r.at->increment(mine_);
    header* old = s.word.exchange(r.at, std::memory_order_acq_rel);
    if (old != nullptr) decrement(*old);
    return {old};
  }
  template <class T>
  void store(shared_slot<T>& s, ref<T> r) {
    (void)exchange(s, r);
  }
  template <class T>
  [[nodiscard]] bool compare_exchange(shared_slot<T>& s, const ref<T>& expected, ref<T> desired) {
    if (desired) desired.at->increment(mine_);
    header* old = expected.at;
    // release: pairs with the acquire in load(). The old object is one that the caller holds: nothing to acquire
    const bool done = s.word.compare_exchange_strong(old, desired.at, std::memory_order_release, std::memory_order_relaxed);
    if (header* loser = done ? old : desired.at) decrement(*loser);
    return done;
  }
  // Valid to the next safepoint, which scans the stack that the guard is on.
  template <class T>
  class guard {
   public:
    explicit guard(header* h) : at_(h) {}
    [[nodiscard]] T* get() const { return at_ == nullptr ? nullptr : payload<T>(at_); }

   private:
    header* at_;
  };
  template <class T>
  [[nodiscard]] guard<T> borrow(shared_slot<T>& s) {
    return guard<T>(load(s).at);
  }

  template <class T>
  [[nodiscard]] parcel<T> pack(ref<T> r) {
    r.at->increment(mine_);
    return r;
  }
  template <class T>
  [[nodiscard]] ref<T> unpack(parcel<T> p) {
    decrement(*p.at);
    return p;
  }
  template <class T>
  [[nodiscard]] T& peek(const parcel<T>& p) const {
    return get(p);
  }
  template <class T>
  [[nodiscard]] auto* trailing_slots(T& object) const {
    return slots_behind<slot<typename T::trailing>>(object);
  }

  template <class T>
  void share(const ref<T>&) {}
  void poll() {
    if (mutator_.asked()) [[unlikely]] at_safepoint();
  }
  template <class F>
  void blocked(F&& f) {
    mutator_.blocked(std::forward<F>(f));
  }
  void quiesce() { reconcile(why::asked); }

  // For the type table: a dead object's slots.
  [[gnu::always_inline]] void visit_slot(slot_base<M, header>& s) { release_child(s.word.load()); }
  // relaxed: the world is stopped
  [[gnu::always_inline]] void visit_slot(shared_word& s) { release_child(s.word.load(std::memory_order_relaxed)); }

 private:
  friend class deferred_heap;
  static constexpr std::size_t large = 1024;  // bytes; smaller objects are bounded by the number of entries
  static constexpr auto words_per_entry = 4;  // of stacks: how much scanning one entry is allowed to cost

  template <class T>
  static T* payload(header* h) {
    return std::launder(reinterpret_cast<T*>(h + 1));
  }
  void decrement(header& h) {
    if (h.decrement(mine_)) [[unlikely]] enter(h);
  }
  [[gnu::noinline]] void enter(header& h) {
    if (table_.push(h)) mutator_.ask();
  }
  [[gnu::noinline]] void account(std::size_t bytes) {
    large_bytes_ += bytes;
    if (large_bytes_ > heap_.bytes_) reconcile(why::asked);
  }
  [[gnu::noinline]] void at_safepoint() {
    mutator_.attend();
    if (table_.full()) reconcile(why::full);
  }
  [[gnu::noinline]] void* allocate_slowly(std::size_t bytes) {
    if (void* cell = allocator_.allocate(bytes)) return cell;
    reconcile(why::asked);
    void* cell = allocator_.allocate(bytes);
    if (cell == nullptr) throw heap_exhausted();
    return cell;
  }

  // Each table is filtered as its own context would: freed cells go to the allocator of the context that made the objects, as a
  // rule, and to its counter. The thread is the stopper's.
  [[gnu::noinline]] void reconcile(why reason) {
    heap_.world_.stop(mutator_, [this, reason] {
      if (reason == why::full && !table_.full()) return;
      ++heap_.reconciles_;
      std::size_t words = 0;
      if (reason != why::no_stacks) {
        heap_.world_.for_each_stack_word([&](std::uintptr_t w) {
          ++words;
          auto* object = reinterpret_cast<header*>(heap_.blocks_.resolve(w));
          if (object != nullptr && object->mark_rooted()) heap_.rooted_.push_back(object);
        });
      }
      filter(heap_.left_);
      for (context* c : heap_.contexts_) c->filter(c->table_);
      for (context* c : heap_.contexts_) {
        c->large_bytes_ = 0;
        c->table_.set_bound(std::max({heap_.entries_, 2 * c->table_.size(), words / words_per_entry}));
      }
      for (header* h : heap_.rooted_) h->unmark_rooted();
      heap_.rooted_.clear();
    });
  }
  void filter(table& t) {
    t.filter([this](header& h) {
      const auto f = h.settle_entry();
      if (f == header::fate::dead) reclaim(h);
      return f == header::fate::kept;
    });
    for (header* h : kept_) t.push(*h);
    kept_.clear();
    live_.freed(freed_objects_, freed_bytes_);
    freed_objects_ = freed_bytes_ = 0;
  }
  // Frees `dead` and all that only it kept alive, in constant extra memory.
  void reclaim(header& dead) {
    dead.set_link(nullptr);
    buried_ = &dead;
    while (buried_ != nullptr) {
      header& h = *buried_;
      buried_ = h.link();
      const std::size_t bytes = h.word.bytes();
      type_table<context>::entries[h.word.type()].visit(*this, &h + 1);
      ++freed_objects_;
      freed_bytes_ += static_cast<std::int64_t>(bytes);
      allocator_.free(&h, bytes);
    }
  }
  [[gnu::always_inline]] void release_child(header* child) {
    if (child == nullptr) return;
    const auto f = child->lose_parent();
    if (f == header::fate::dead) {
      child->set_link(buried_);
      buried_ = child;
    } else if (f == header::fate::kept) [[unlikely]] {
      kept_.push_back(child);
    }
  }

  deferred_heap& heap_;
  typename world<M>::mutator mutator_;  // first: a stop sees a context that is complete, or none
  typename block_heap<M, true>::allocator allocator_;
  table table_;
  std::uint32_t mine_ = 0;       // this context's number, shifted by 16
  std::size_t large_bytes_ = 0;
  live_counter live_;
  std::int64_t freed_objects_ = 0, freed_bytes_ = 0;  // by the filter that runs
  header* buried_ = nullptr;
  std::vector<header*> kept_;    // found with a count of zero and a stack's reference, on the way down
};

// A place for shared test state: one counted ref.
template <class M, no_options O>
template <class T>
class deferred_heap<M, O>::root {
 public:
  explicit root(deferred_heap&) {}
  void store(context& c, ref<T> r) { c.store(slot_, r); }
  [[nodiscard]] ref<T> load(context& c) { return c.load(slot_); }
  [[nodiscard]] T* get() const {
    header* h = slot_.word.load();
    return h == nullptr ? nullptr : reinterpret_cast<T*>(h + 1);
  }

 private:
  slot<T> slot_;
};

struct deferred {
  static constexpr strategy_info info{"deferred", "counts heap references only; a zero-count table and a scan of the stacks",
                                      "[DB76]"};
  using options = no_options;
  static constexpr std::array tunables{
      number<options>("entries", deferred_heap<native>::default_entries, 16, 1 << 24,
                      "objects in a context's zero-count table at which it reconciles", "the table and its objects stay in a 1 MiB L2"),
      number<options>("kilobytes", deferred_heap<native>::default_kilobytes, 16, 1 << 24,
                      "KiB of objects above 1 KiB that a context makes before it reconciles", "a core's private cache")};
  template <class M, options O>
  using heap = deferred_heap<M, O>;
  using variants = variant_list<options{}>;
};

static_assert(strategy<deferred_heap<native>> && has_shared_slot<deferred_heap<native>> && has_borrow<deferred_heap<native>>);

}  // namespace tally::strategies
