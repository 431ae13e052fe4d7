// mark_sweep: the tracing baseline. Nothing is counted; when memory runs out, what can't be reached is found.
//
// A ref is a bare word, and copying, dropping, loading and storing it are plain moves: the whole cost of this strategy is in
// make and in collections. A collection stops the world at safepoints, takes every word on every stack for a root if it points
// into an object (the heap tells exactly), adds the registered roots and the parcels, marks with `gc_workers` threads, those that
// stopped at safepoints if they are as many, and sweeps bitmaps; the holes are found and zeroed by the threads that allocate into
// them.
//
// With heap_config::limit_bytes, a collection starts when that much is committed, tables included, and make throws when one
// has left nothing. Without it, when the heap is `growth` times what lived after the last one, and at least `least_mib`.
//
// What it can't do: run destructors (types must be trivially destructible), move objects, collect while mutators run. A ref
// that was dropped may keep its object until its stack word is overwritten; with no context attached nothing does.
// Progress: make is blocking (collections); everything else is wait-free. Sources: [McCarthy60], [Boehm88], [Immix], [Oilpan].
#pragma once

#include "harness/contract/collector.hpp"
#include "harness/contract/family.hpp"
#include "harness/contract/held.hpp"
#include "harness/contract/promptness.hpp"
#include "harness/heap/block_heap_mark.hpp"
#include "harness/heap/tracing.hpp"
#include "harness/heap/weak_cells.hpp"
#include "harness/heap/world.hpp"

namespace tally::strategies {

template <class M, no_options = no_options{}>
class mark_sweep_heap {
 public:
  using memory = M;
  using header = object_word<M>;
  using blocks = block_heap<M>;
  using marker = block_marker<M>;
  using weak_cell = typename weak_cells<M>::cell;
  static constexpr bool instrumented = true;
  static constexpr bool limits_heap = true;
  static constexpr bool frees_in_stops = true;
  static constexpr std::string_view thread_bound = "a stop waits for all other contexts, and the thread would have to stop them";
  static constexpr bool own_heap = true;
  static constexpr oracle_class oracle = oracle_class::exact;

  template <class T>
  using ref = traced_ref<header, T>;
  template <class T>
  using slot = traced_slot<M, header, T>;
  template <class T>
  using shared_slot = traced_shared_slot<M, header, T>;
  template <class T>
  struct parcel {
    typename parcel_cells<M>::cell* at = nullptr;
    [[nodiscard]] explicit operator bool() const { return at != nullptr; }
    friend bool operator==(parcel, parcel) = default;
  };
  template <class T>
  using weak = weak_cell_ref<M, T>;
  template <class T>
  struct weak_slot {
    var<M, weak_cell*, "slot"> word;
    void trace(typename marker::worker&) {
      if (weak_cell* c = word.load()) weak_cells<M>::see(*c);
    }
  };
  class context;
  template <class T>
  class root;

  explicit mark_sweep_heap(const heap_config& c)
      : growth_(c.tunable("growth", 2)), least_(static_cast<std::size_t>(c.tunable("least_mib", 32) * (1 << 20))),
        blocks_(c.limit_bytes),
        marker_(blocks_, c.gc_workers, static_cast<std::size_t>(c.tunable("mark_stack_kib", 4096) * 1024)),
        limited_(c.limit_bytes != 0), weak_pool_(weak_.attach()) {
    if (!limited_) blocks_.set_threshold(least_);
  }
  mark_sweep_heap(const mark_sweep_heap&) = delete;
  mark_sweep_heap& operator=(const mark_sweep_heap&) = delete;

  // What was marked last and what allocators claimed since: exact after settle(), too high while contexts run.
  [[nodiscard]] std::int64_t live() const { return marked_objects_.load(std::memory_order_relaxed) + blocks_.claimed().first; }
  [[nodiscard]] std::int64_t live_bytes() const {
    return marked_bytes_.load(std::memory_order_relaxed) + blocks_.claimed().second;
  }
  // What died since the last collection is known to nobody: it is in `undecided` with what lives. Weak refs' cells are not in it.
  [[nodiscard]] held_memory held() const {
    held_memory all;
    all.told = true;
    all.taken = static_cast<std::int64_t>(blocks_.committed());
    all.of(held_cause::undecided) = blocks_.claimed().second;
    all.of(held_cause::headroom) = std::max<std::int64_t>(all.taken - live_bytes(), 0);
    return all;
  }
  void settle() { collect_stopped(); }
  [[nodiscard]] collector_totals& totals() { return totals_; }
  [[nodiscard]] std::size_t committed_bytes() const { return blocks_.committed(); }
  [[nodiscard]] std::uint64_t collections() const { return collections_.load(std::memory_order_relaxed); }
  // With no context attached: rounds in which the last collection's mark stacks were too small; weak refs that exist.
  [[nodiscard]] int mark_overflows() const { return overflows_; }
  [[nodiscard]] std::size_t weak_cells_in_use() { return weak_.in_use(); }

 private:
  // In a stop, or with no context attached.
  void collect_stopped() {
    note_periodic<M, "collection">();
    note_delay<M, delay::collection>();
    const timed_stop<M, mark_sweep_heap> stop(*this);
    const auto found = marker_.mark(
        [this](typename marker::worker& w) {
          world_.for_each_stack_word([&](std::uintptr_t word) { w.grey(blocks_.resolve(word)); });
          world_.for_each_root([&](void* object) { w.grey(static_cast<header*>(object)); });
          if (mutant<M, "mark_sweep: parcels are no roots">()) return;
          parcels_.for_each([&](void* object) { w.grey(static_cast<header*>(object)); });
        },
        world_.helpers());
    weak_.clear_dead(weak_pool_, weak_cells<M>::sight::once,
                     [this](void* object) { return marker_.marked(static_cast<header*>(object)); });
    note_stop<M>([this](void* object) { return marker_.marked(static_cast<header*>(object) - 1); });
    blocks_.sweep();
    overflows_ = found.overflows;
    // relaxed: estimates for a sampler; mutators have the stop
    marked_objects_.store(found.objects, std::memory_order_relaxed);
    marked_bytes_.store(found.bytes, std::memory_order_relaxed);
    collections_.store(collections() + 1, std::memory_order_relaxed);
    if (!limited_) blocks_.set_threshold(std::max(least_, static_cast<std::size_t>(growth_ * static_cast<double>(found.bytes))));
    stop.end(totals_, collector_totals::full, static_cast<std::uint64_t>(found.objects));
  }

  double growth_;
  std::size_t least_;
  blocks blocks_;
  marker marker_;
  bool limited_;
  int overflows_ = 0;
  collector_totals totals_;
  world<M> world_;
  parcel_cells<M> parcels_;
  weak_cells<M> weak_;
  typename weak_cells<M>::pool& weak_pool_;  // what a collection gives cells back through
  tally::atomic<M, std::int64_t, "collections"> marked_objects_, marked_bytes_;
  tally::atomic<M, std::uint64_t, "collections"> collections_;
};

template <class M, no_options O>
class mark_sweep_heap<M, O>::context
    : public tracing_context<M, object_word<M>>,
      public weak_operations<typename mark_sweep_heap<M, O>::context, M, object_word<M>, mark_sweep_heap<M, O>::template ref> {
  using base = tracing_context<M, object_word<M>>;
  using weaks = weak_operations<context, M, object_word<M>, mark_sweep_heap::template ref>;
  friend weaks;

 public:
  explicit context(mark_sweep_heap& h)
      : heap_(h), mutator_(h.world_), allocator_(h.blocks_), parcels_(h.parcels_), weak_(h.weak_) {}
  context(const context&) = delete;
  context& operator=(const context&) = delete;

  template <class T, class... Args>
  [[nodiscard]] ref<T> make(extent e, Args&&... args) {
    const std::size_t bytes = base::template bytes_of<T>(e);
    void* cell = allocator_.try_allocate(bytes);
    if (cell == nullptr) [[unlikely]]
      cell = allocate_slowly(bytes);
    auto* h = new (cell) header;
    h->init(type_number<typename marker::worker, T>, bytes);
    new (h + 1) T(std::forward<Args>(args)...);
    return {h};
  }

  using base::copy, base::drop, base::load, base::peek, base::store;
  using weaks::copy, weaks::drop;

  template <class T>
  [[nodiscard]] parcel<T> pack(ref<T> r) {
    return {parcels_->fill(r.at)};
  }
  template <class T>
  [[nodiscard]] ref<T> unpack(parcel<T> p) {
    return {static_cast<header*>(parcels_->empty(p.at))};
  }
  template <class T>
  [[nodiscard]] T& peek(const parcel<T>& p) const {
    return *base::template payload<T>(static_cast<header*>(p.at->object.load()));
  }

  template <class T>
  [[nodiscard]] weak<T> load(weak_slot<T>& s) {
    weak_cell* c = s.word.load();
    return c == nullptr ? weak<T>{} : copy(weak<T>{c});
  }
  template <class T>
  void store(weak_slot<T>& s, weak<T> w) {
    weak_cell* old = s.word.load();
    if (w) weak_cells<M>::place(*w.at);
    s.word.store(w.at);
    if (old != nullptr) weak_cells<M>::drop(weak_, old);
  }

  void poll() {
    if (mutator_.asked()) [[unlikely]]
      mutator_.attend();
  }
  void quiesce() { poll(); }
  template <class F>
  void blocked(F&& f) {
    mutator_.blocked(f);
  }
  void collect() {
    heap_.world_.stop(mutator_, [this] { heap_.collect_stopped(); });
  }

 private:
  typename weak_cells<M>::pool& weak_pool() { return weak_; }
  // A run is used up: the place to stop if that is wanted, and to collect if there is nothing left.
  [[gnu::noinline]] void* allocate_slowly(std::size_t bytes) {
    poll();
    for (int vain = 0;;) {
      const std::uint64_t before = heap_.collections();
      void* cell = allocator_.allocate(bytes);
      if (cell != nullptr) return cell;
      bool mine = false;
      heap_.world_.stop(mutator_, [&] {
        mine = heap_.collections() == before;  // else another thread has collected while this one waited
        if (mine) heap_.collect_stopped();
        // No cell is taken here: the next stop may begin before this thread has made it an object, and sweeps it.
        if (mutant<M, "mark_sweep: cells are taken inside the stop">()) cell = allocator_.allocate(bytes);
      });
      if (cell == nullptr) cell = allocator_.allocate(bytes);
      if (cell != nullptr) return cell;
      if (mine) grow(bytes, ++vain);
    }
  }
  // After the `vain`-th collection that left no room. At the limit the others may have taken what a collection freed before this
  // thread was back, so that one in vain says little.
  void grow(std::size_t bytes, int vain) {
    constexpr int full = 8;
    if (heap_.blocks_.raise_threshold(2 * bytes + heap_.least_) || vain < full) return;
    throw heap_exhausted();
  }

  mark_sweep_heap& heap_;
  typename world<M>::mutator mutator_;
  typename blocks::allocator allocator_;
  typename parcel_cells<M>::lease parcels_;
  typename weak_cells<M>::lease weak_;
};

// A place for shared test state: a word that collections start from.
template <class M, no_options O>
template <class T>
class mark_sweep_heap<M, O>::root {
 public:
  explicit root(mark_sweep_heap& h) : heap_(h) { heap_.world_.add(place_); }
  ~root() { heap_.world_.remove(place_); }
  root(const root&) = delete;
  root& operator=(const root&) = delete;
  void store(context&, ref<T> r) { place_.object.store(r.at); }
  [[nodiscard]] ref<T> load(context&) { return {static_cast<header*>(place_.object.load())}; }
  [[nodiscard]] T* get() const {
    auto* h = static_cast<header*>(place_.object.load());
    return h == nullptr ? nullptr : std::launder(reinterpret_cast<T*>(h + 1));
  }

 private:
  mark_sweep_heap& heap_;
  root_place<M> place_;
};

struct mark_sweep {
  static constexpr strategy_info info{"mark_sweep", "tracing: stop the world, mark from conservative stacks, sweep bitmaps",
                                      "[McCarthy60] [Boehm88] [Immix]"};
  using options = no_options;
  static constexpr std::array tunables{
      number<options>("growth", 2, 1.1, 64, "without a limit: heap size at which to collect, over what lived after the last",
                      "mmtk's and Go's default (GOGC=100)"),
      number<options>("least_mib", 32, 1, 65536, "without a limit: no collection below this heap size, in MiB", "ours"),
      number<options>("mark_stack_kib", 4096, 1, 1 << 20, "memory of the mark stacks; marking is slower, not wrong, with less",
                      "ours")};
  template <class M, options O>
  using heap = mark_sweep_heap<M, O>;
  using variants = variant_list<options{}>;
};

static_assert(strategy<mark_sweep_heap<native>> && has_shared_slot<mark_sweep_heap<native>> &&
              has_borrow<mark_sweep_heap<native>> && has_weak<mark_sweep_heap<native>> &&
              collects_cycles<mark_sweep_heap<native>>);

}  // namespace tally::strategies
