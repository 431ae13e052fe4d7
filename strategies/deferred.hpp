// deferred: deferred reference counting. References from the heap are counted, references from stacks are not, and counting
// waits for a stop.
//
// copy and drop are nothing; get is a plain read, load a read and a mask. A store looks at one bit of what was there: if it is
// set, the place and its old value are logged, and the bit is clear from then on. Only places of old objects have it set, so
// that building new objects costs what it does without counting. When a context has made `kilobytes` of objects, or its log
// holds `entries`, it reconciles: stops the world, scans the stacks conservatively, and brings the counts up to date with all
// logs. An object is dead when no counted place, root, parcel or stack refers to it. Young ones (made since the last stop) that
// died are never touched: their cells are free because nobody marked them; that is what makes this family fast where most
// objects die young. Old ones are freed at zero, with all that only they kept alive. The counts are in deferred_counts.hpp,
// the log in deferred_log.hpp, what happens in a stop in deferred_stops.hpp and deferred_reconcile.hpp, who is stopped when in
// harness/heap/world.hpp.
//
// Deutsch and Bobrow's table of zero counts is two things here: the blocks that young objects are in, and a list of what stacks
// referred to at the last stop. What is on neither and has no count is dead.
//
// Since objects die only at safepoints, a racy read of a shared slot is one acquire load: the object can't go away before the
// reader's next safepoint, where its stack is scanned. That is the scheme's own protection (slot=scan); a lock bit or epochs
// would add work to every access and protect nothing that is not protected. A borrow is the same load.
// A parcel is a counted reference, not a rooted cell: it costs two log entries, and nothing at a stop that finds it packed.
//
// A weak ref is a cell outside the heap that holds its object's address and is not counted (harness/heap/weak_cells.hpp). An
// upgrade is a plain read of it: between two stops no object dies and no cell is cleared, so what is read is null or alive, and
// the ref is on the reader's stack when the next stop looks. There is no moment between: a stop begins when every thread is at
// a safepoint, and an upgrade is none. The stop clears the cells of what died in it before it frees anything.
//
// Cycles of young objects die like the rest of them. Old ones are looked for when what is old has grown by `growth`, at the
// heap's limit, in collect() and in settle(). With heap_config::limit_bytes that much is committed at most, tables included;
// the logs and the cells of weak refs are beside it.
//
// What it can't do: free promptly (an object lives until the next reconcile, and one that a stale stack word seems to refer to
// longer). A pause is proportional to what survives its first stop, the old garbage and the logs, which the threads that stopped
// at safepoints share, and to all stacks and all weak refs, which one looks at. The bounds grow with the last two, so that the
// cost per object stays constant. An object's each_slot() must visit all of its places from its first safepoint on.
// Sources: [DB76], [Ulterior03], [LevanoniPetrank06], [LXR22]; conservative stacks as in [Shahriyar14].
#pragma once

#include <algorithm>
#include <mutex>
#include <vector>

#include "harness/contract/collector.hpp"
#include "harness/contract/family.hpp"
#include "harness/contract/held.hpp"
#include "harness/counting/counting.hpp"
#include "harness/heap/world.hpp"
#include "strategies/deferred_reconcile.hpp"

namespace tally::strategies {

template <class M, no_options = no_options{}>
class deferred_heap {
 public:
  using memory = M;
  using header = deferred_header<M>;
  using log = deferred_log<M>;
  static constexpr bool instrumented = true;
  static constexpr bool limits_heap = true, frees_in_stops = true;
  static constexpr std::string_view thread_bound = "a stop waits for all other contexts, and the thread would have to stop them";
  static constexpr bool own_heap = true;
  static constexpr oracle_class oracle = oracle_class::exact;
  // Not where threads are not real: there a test says so when it wants them.
  static constexpr double default_helpers = M::measured ? 63 : 0;
  static constexpr double default_entries = 8192, default_kilobytes = 512, default_growth = 2, default_least_mib = 32;

  class context;
  template <class T>
  using ref = counted_ref<header, T>;
  template <class T>
  using parcel = counted_ref<header, T>;
  template <class T>
  struct slot : deferred_slot<M> {};
  template <class T>
  struct shared_slot : deferred_shared_slot<M> {};
  template <class T>
  using weak = weak_cell_ref<M, T>;
  template <class T>
  using weak_slot = deferred_weak_slot<M, T>;
  template <class T>
  class root;

  explicit deferred_heap(const heap_config& c)
      : entries_(static_cast<std::size_t>(c.tunable("entries", default_entries))),
        young_bytes_(static_cast<std::size_t>(c.tunable("kilobytes", default_kilobytes)) * 1024),
        growth_(c.tunable("growth", default_growth)),
        least_(static_cast<std::int64_t>(c.tunable("least_mib", default_least_mib) * (1 << 20))),
        helpers_(static_cast<std::size_t>(c.tunable("helpers", default_helpers))), look_for_cycles_(least_),
        blocks_(c.limit_bytes), reconciler_(blocks_), left_(entries_) {}
  deferred_heap(const deferred_heap&) = delete;
  deferred_heap& operator=(const deferred_heap&) = delete;

  // What was old at the last stop and what allocators claimed since: exact with no context attached, too high while they run.
  [[nodiscard]] std::int64_t live() const { return objects_.load(std::memory_order_relaxed) + blocks_.claimed().first; }
  [[nodiscard]] std::int64_t live_bytes() const { return bytes_.load(std::memory_order_relaxed) + blocks_.claimed().second; }
  // With no stack to scan, one stop's work frees all that nothing counted refers to.
  void settle() { reconcile_stopped(true); }
  [[nodiscard]] collector_totals& totals() { return totals_; }  // full: those that looked for cycles; generation 0: others
  [[nodiscard]] std::size_t committed_bytes() const { return blocks_.committed(); }
  [[nodiscard]] held_memory held() const;
  [[nodiscard]] std::uint64_t reconciles() const { return reconciles_.load(std::memory_order_relaxed); }  // stops for them
  [[nodiscard]] std::size_t weak_cells_in_use() { return reconciler_.weak().in_use(); }  // with no context attached

 private:
  // Bounds: how many words may be looked at in a stop for one entry, how many bytes made for one word.
  static constexpr std::size_t words_per_entry = 4, bytes_per_word = 8;
  static constexpr std::size_t words_per_weak_ref = sizeof(typename weak_cells<M>::cell) / sizeof(std::uintptr_t);

  // In a stop, or with no context attached. A reconciliation is all or nothing: half of it leaves counts that are wrong.
  void reconcile_stopped(bool cycles);
  void reconcile_all(bool cycles);

  // Who has come has the log and the blocks of its own context, the stopper all others.
  void share_out(const std::vector<typename world<M>::mutator*>& helpers);
  void reconcile_share(std::size_t number);
  template <class F>
  void for_each_log(std::size_t share, F&& f);

  const std::size_t entries_, young_bytes_;  // of one context
  const double growth_;
  const std::int64_t least_;
  const std::size_t helpers_;
  std::int64_t look_for_cycles_;  // when there are more bytes of old objects than this
  world<M> world_;
  block_heap<M> blocks_;
  deferred_reconciler<M> reconciler_;  // within a stop
  mutable typename M::mutex lock_;     // guards the following; held for a few instructions by running threads
  std::vector<context*> contexts_;
  log left_;  // what detached contexts left
  std::vector<header*> left_mortal_;
  tally::atomic<M, std::int64_t, "reconciles"> objects_, bytes_;
  tally::atomic<M, std::uint64_t, "reconciles"> reconciles_;
  collector_totals totals_;
};

template <class M, no_options O>
class deferred_heap<M, O>::context
    : public weak_operations<typename deferred_heap<M, O>::context, M, deferred_header<M>, deferred_heap<M, O>::template ref> {
  using weaks = weak_operations<context, M, header, deferred_heap::template ref>;
  friend weaks;
  using kind = typename log::kind;
  using place = deferred_place<M>;

 public:
  explicit context(deferred_heap& heap)
      : heap_(heap), mutator_(heap.world_), allocator_(heap.blocks_), log_(heap.entries_), young_bytes_(heap.young_bytes_),
        weak_(heap.reconciler_.weak()) {
    const std::lock_guard hold(heap_.lock_);
    heap_.contexts_.push_back(this);
  }
  // What is not reconciled is left to the heap.
  ~context() {
    const std::lock_guard hold(heap_.lock_);
    try {
      if (!mutant<M, "deferred: who leaves takes the log along">()) log_.move_to(heap_.left_);
      heap_.left_mortal_.insert(heap_.left_mortal_.end(), mortal_.begin(), mortal_.end());
    } catch (const std::bad_alloc&) {
      no_way_on("deferred: out of memory for what a context leaves when it detaches");
    }
    std::erase(heap_.contexts_, this);
  }
  context(const context&) = delete;
  context& operator=(const context&) = delete;

  // Always inlined: a constant extent makes the cell's class a constant, and the allocation a compare and an add.
  template <class T, class... Args>
  [[nodiscard, gnu::always_inline]] ref<T> make(extent e, Args&&... args) {
    static_assert(alignof(T) <= alignof(header), "cells are aligned to 8");
    std::size_t bytes = sizeof(header) + sizeof(T) + e.bytes;
    if constexpr (requires { typename T::trailing; }) bytes += e.slots * sizeof(slot<typename T::trailing>);
    if constexpr (!std::is_trivially_destructible_v<T>) {
      if (mortal_.size() == mortal_.capacity()) mortal_.reserve(2 * mortal_.size() + 16);  // before there is something to lose
    }
    void* cell = allocator_.try_allocate(bytes);
    if (cell == nullptr) [[unlikely]]
      cell = allocate_slowly(bytes);
    auto* h = new (cell) header;
    h->word.init(type_number<typename deferred_reconciler<M>::worker, T>, bytes);
    if constexpr (std::is_trivially_destructible_v<T>) {
      new (h + 1) T(std::forward<Args>(args)...);
    } else {
      try {
        new (h + 1) T(std::forward<Args>(args)...);
      } catch (...) {
        // A word on the stack may refer to the cell for long: whoever frees it then must not end a T that never was.
        h->word.init(type_number<typename deferred_reconciler<M>::worker, unmade<T>>, h->word.bytes());
        throw;
      }
      mortal_.push_back(h);
    }
    return {h};
  }

  template <class T>
  [[nodiscard]] T& get(const ref<T>& r) const {
    return *payload<T>(r.at);
  }
  using weaks::copy, weaks::drop;
  template <class T>
  [[nodiscard]] ref<T> copy(const ref<T>& r) {
    return r;
  }
  template <class T>
  void drop(ref<T>) {}

  template <class T>
  [[nodiscard]] ref<T> load(const slot<T>& s) {
    return {place::object(s.word.load())};
  }
  template <class T>
  [[gnu::always_inline]] void store(slot<T>& s, ref<T> r) {
    const std::uintptr_t old = s.word.load();
    if ((old & place::log_bit) != 0) [[unlikely]] {
      log_.make_room(entries_of_a_place);
      log_place(kind::place, &s, old);
    }
    s.word.store(place::holding(r.at));
  }
  template <class T>
  [[nodiscard]] ref<T> take(slot<T>& s) {
    const ref<T> r = load(s);
    store(s, {});
    return r;
  }
  template <class T>
  [[nodiscard]] T* peek(const slot<T>& s) const {
    return payload_or_null<T>(place::object(s.word.load()));
  }

  // acquire: pairs with the release in store(), exchange() and compare_exchange(), so that the object is seen as its publisher
  // left it.
  template <class T>
  [[nodiscard]] ref<T> load(shared_slot<T>& s) {
    return {place::object(s.word.load(std::memory_order_acquire))};
  }
  // Of threads that race on a place, one removes the log bit, and that one logs. acquire: pairs with the releases; the old
  // object is returned.
  template <class T>
  [[nodiscard]] ref<T> exchange(shared_slot<T>& s, ref<T> r) {
    log_.make_room(entries_of_a_place);
    const std::uintptr_t old = s.word.exchange(place::holding(r.at), std::memory_order_acq_rel);
    if ((old & place::log_bit) != 0) [[unlikely]]
      log_place(kind::shared_place, &s, old);
    return {place::object(old)};
  }
  // A log bit that is clear stays so until the next stop: then nothing has to be read and replaced in one step.
  // relaxed: only the bit is looked at. release: pairs with the acquire in load().
  template <class T>
  void store(shared_slot<T>& s, ref<T> r) {
    if ((s.word.load(std::memory_order_relaxed) & place::log_bit) != 0) [[unlikely]] {
      (void)exchange(s, r);
    } else {
      s.word.store(place::holding(r.at), std::memory_order_release);
    }
  }
  // release: pairs with the acquire in load(). acquire: pairs with the release of who put `expected` there. The caller holds that
  // object: no ABA. relaxed on failure: nothing is read through it.
  template <class T>
  [[nodiscard]] bool compare_exchange(shared_slot<T>& s, const ref<T>& expected, ref<T> desired) {
    log_.make_room(entries_of_a_place);
    std::uintptr_t old = s.word.load(std::memory_order_relaxed);
    do {
      if (place::object(old) != expected.at) return false;
    } while (
        !s.word.compare_exchange_weak(old, place::holding(desired.at), std::memory_order_acq_rel, std::memory_order_relaxed));
    if ((old & place::log_bit) != 0) [[unlikely]]
      log_place(kind::shared_place, &s, old);
    return true;
  }
  // Valid to the next safepoint, which scans the stack that the guard is on.
  template <class T>
  struct guard {
    T* object = nullptr;
    [[nodiscard]] T* get() const { return object; }
  };
  template <class T>
  [[nodiscard]] guard<T> borrow(shared_slot<T>& s) {
    return {payload_or_null<T>(load(s).at)};
  }

  template <class T>
  [[nodiscard]] parcel<T> pack(ref<T> r) {
    log_.make_room(1);
    log_object(kind::more, r.at);
    return r;
  }
  template <class T>
  [[nodiscard]] ref<T> unpack(parcel<T> p) {
    log_.make_room(1);
    log_object(kind::fewer, p.at);
    return p;
  }
  template <class T>
  [[nodiscard]] T& peek(const parcel<T>& p) const {
    return get(p);
  }
  template <class T>
  [[nodiscard]] weak<T> load(weak_slot<T>& s) {
    auto* c = s.held();
    return c == nullptr ? weak<T>{} : copy(weak<T>{c});
  }
  template <class T>
  void store(weak_slot<T>& s, weak<T> w) {
    if (auto* was = s.replace(w.at)) weak_cells<M>::drop(weak_, was);
  }

  template <class T>
  [[nodiscard]] auto* trailing_slots(T& object) const {
    return slots_behind<slot<typename T::trailing>>(object);
  }

  template <class T>
  void share(const ref<T>&) {}
  void poll() {
    if (mutator_.asked()) [[unlikely]]
      at_safepoint();
  }
  template <class F>
  void blocked(F&& f) {
    mutator_.blocked(std::forward<F>(f));
  }
  void quiesce() { stop(heap_.reconciles(), false); }
  void collect() { stop(heap_.reconciles(), true); }

 private:
  typename weak_cells<M>::pool& weak_pool() { return weak_; }
  friend class deferred_heap;
  // In the place of a T whose constructor threw: its slots, and no destructor.
  template <class T>
  struct unmade {
    void each_slot(auto&& f) { reinterpret_cast<T*>(this)->each_slot(f); }
  };
  static constexpr std::ptrdiff_t entries_of_a_place = 2;

  template <class T>
  static T* payload(header* h) {
    return std::launder(reinterpret_cast<T*>(h + 1));
  }
  template <class T>
  static T* payload_or_null(header* h) {
    return h == nullptr ? nullptr : payload<T>(h);
  }
  [[gnu::noinline]] void log_place(kind k, const void* at, std::uintptr_t old) {
    if (const header* h = place::object(old)) log_object(kind::fewer, h);
    log_object(k, at);
  }
  void log_object(kind k, const void* at) {
    note_path<M, "deferred">();
    if (log_.push(k, at)) [[unlikely]]
      mutator_.ask();
  }

  [[gnu::noinline]] void at_safepoint();
  // A run of cells is used up: the place to stop if that is wanted, and to reconcile if enough was made.
  [[gnu::noinline]] void* allocate_slowly(std::size_t bytes);
  // Reconciles, unless another thread has done it since there were `before` reconciles and cycles are not wanted.
  [[gnu::noinline]] void stop(std::uint64_t before, bool cycles);

  deferred_heap& heap_;
  typename world<M>::mutator mutator_;  // first: a stop sees a context that is complete, or none
  typename block_heap<M>::allocator allocator_;
  log log_;
  std::size_t young_bytes_;      // to make before the next stop
  std::vector<header*> mortal_;  // young objects with a destructor
  typename weak_cells<M>::lease weak_;
  std::size_t share_ = 0;  // in a stop: the number of the worker that reads its log
};

struct deferred {
  static constexpr strategy_info info{"deferred", "counts heap references only, in stops; scans stacks; the young die uncounted",
                                      "[DB76] [Ulterior03]"};
  using options = no_options;
  using defaults = deferred_heap<native>;
  static constexpr std::array tunables{
      number<options>("entries", defaults::default_entries, 16, 1 << 24, "entries in a context's log at which it reconciles",
                      "ours: 64 KiB of log beside the young objects"),
      number<options>("kilobytes", defaults::default_kilobytes, 16, 1 << 24,
                      "KiB of objects that a context makes before it reconciles",
                      "our sweep on tree_churn (docs/methodology.md): half of a core's private cache"),
      number<options>("growth", defaults::default_growth, 1.1, 64,
                      "looks for cycles when the bytes of old objects are this many times those of the last time",
                      "as mark_sweep"),
      number<options>("least_mib", defaults::default_least_mib, 1, 65536,
                      "no search for cycles below this many MiB of old objects", "as mark_sweep"),
      number<options>("helpers", defaults::default_helpers, 0, 1023,
                      "threads stopped at safepoints that work on a reconciliation with the one that began it, at most",
                      "ours: no limit")};
  template <class M, options O>
  using heap = deferred_heap<M, O>;
  using variants = variant_list<options{}>;
};

}  // namespace tally::strategies

#include "strategies/deferred_root.hpp"
#include "strategies/deferred_stops.hpp"

namespace tally::strategies {
static_assert(strategy<deferred_heap<native>> && has_shared_slot<deferred_heap<native>> && has_borrow<deferred_heap<native>> &&
              has_weak<deferred_heap<native>> && collects_cycles<deferred_heap<native>>);
}  // namespace tally::strategies
