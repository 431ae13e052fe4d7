// none: never counts, never frees. The floor under every other strategy, and the template for a new one.
//
// make() bumps a pointer through a chunk of a capped arena; everything else does nothing, or is the bare access to memory.
// An object has no header. Since nothing dies, a racy read of a shared slot needs no protection but the memory order, a borrow
// is always safe and every weak ref can be upgraded. At the cap, make throws heap_exhausted: the engine ends the window there
// and says so; it is no error. What is left of a context's chunk when it detaches is the next one's.
//
// To write a strategy, copy this file, rename it, and replace what you do differently; add_strategy(NAME) in strategies.cmake
// is all the registration there is. A strategy that counts has less to write: see plain.hpp.
// Source: MMTk's NoGC plan; [LBO] for why there must be a floor.
#pragma once

#include "harness/contract/family.hpp"
#include "harness/counting/live.hpp"
#include "harness/heap/arena.hpp"
#include "harness/heap/object.hpp"

namespace tally::strategies {

template <class M, no_options = no_options{}>
class none_heap {
 public:
  using memory = M;
  static constexpr bool instrumented = true;
  static constexpr bool own_heap = true;
  static constexpr oracle_class oracle = oracle_class::never_frees;

  // Handles: one pointer each. A ref and a weak ref are different types, so that a workload can't mix them up; a parcel is a ref
  // wherever nothing is rooted, and workloads may ask.
  template <class T>
  struct ref {
    T* at = nullptr;
    [[nodiscard]] explicit operator bool() const { return at != nullptr; }
    friend bool operator==(ref, ref) = default;
  };
  template <class T>
  struct weak {
    T* at = nullptr;
    [[nodiscard]] explicit operator bool() const { return at != nullptr; }
    friend bool operator==(weak, weak) = default;
  };
  template <class T>
  using parcel = ref<T>;
  template <class T>
  struct slot {
    var<M, T*, "slot"> word;
  };
  template <class T>
  struct weak_slot {
    var<M, T*, "slot"> word;
  };
  template <class T>
  struct shared_slot {
    tally::atomic<M, T*, "slot"> word;
  };
  template <class T>
  struct borrowed {
    T* at;
    [[nodiscard]] T* get() const { return at; }
  };

  class context {
   public:
    explicit context(none_heap& heap) : heap_(heap) { heap_.counters_.attach(live_); }
    ~context() {
      heap_.counters_.detach(live_);
      heap_.arena_.give_back(chunk_);
      heap_.lock_.lock();
      heap_.made_ += made_;
      heap_.lock_.unlock();
    }
    context(const context&) = delete;
    context& operator=(const context&) = delete;

    template <class T, class... Args>
    [[nodiscard]] ref<T> make(extent e, Args&&... args) {
      static_assert(alignof(T) <= 16);
      std::size_t bytes = sizeof(T) + e.bytes;
      if constexpr (requires { typename T::trailing; }) bytes += e.slots * sizeof(slot<typename T::trailing>);
      bytes = (bytes + 15) & ~std::size_t{15};
      if (static_cast<std::size_t>(chunk_.end - chunk_.at) < bytes) [[unlikely]]
        chunk_ = heap_.arena_.take(bytes);
      void* at = chunk_.at;
      chunk_.at += bytes;
      zero_memory<M>(at, bytes);
      T* object = new (at) T(std::forward<Args>(args)...);  // which may throw: then there is no object, and its memory is lost
      live_.made(bytes);
      ++made_;
      return {object};
    }
    template <class T>
    [[nodiscard]] T& get(const ref<T>& r) const {
      return *r.at;
    }
    template <class T>
    [[nodiscard]] ref<T> copy(const ref<T>& r) {
      return r;
    }
    template <class T>
    void drop(ref<T>) {}

    template <class T>
    [[nodiscard]] ref<T> load(slot<T>& s) {
      return {s.word.load()};
    }
    template <class T>
    void store(slot<T>& s, ref<T> r) {
      s.word.store(r.at);
    }
    template <class T>
    [[nodiscard]] ref<T> take(slot<T>& s) {
      const ref<T> r{s.word.load()};
      s.word.store(nullptr);
      return r;
    }
    template <class T>
    [[nodiscard]] T* peek(const slot<T>& s) const {
      return s.word.load();
    }

    // acquire and release: a reader pairs with the writer whose value it finds, so that it sees the object built.
    template <class T>
    [[nodiscard]] ref<T> load(shared_slot<T>& s) {
      return {s.word.load(std::memory_order_acquire)};
    }
    template <class T>
    void store(shared_slot<T>& s, ref<T> r) {
      s.word.store(r.at, std::memory_order_release);
    }
    template <class T>
    [[nodiscard]] ref<T> exchange(shared_slot<T>& s, ref<T> r) {
      return {s.word.exchange(r.at, std::memory_order_acq_rel)};
    }
    template <class T>
    [[nodiscard]] bool compare_exchange(shared_slot<T>& s, const ref<T>& expected, ref<T> desired) {
      T* old = expected.at;
      // relaxed on failure: the value found is not used
      return s.word.compare_exchange_strong(old, desired.at, std::memory_order_acq_rel, std::memory_order_relaxed);
    }
    template <class T>
    [[nodiscard]] borrowed<T> borrow(shared_slot<T>& s) {
      return {s.word.load(std::memory_order_acquire)};
    }

    template <class T>
    [[nodiscard]] weak<T> downgrade(const ref<T>& r) {
      return {r.at};
    }
    template <class T>
    [[nodiscard]] ref<T> upgrade(const weak<T>& w) {
      return {w.at};
    }
    template <class T>
    [[nodiscard]] weak<T> copy(const weak<T>& w) {
      return w;
    }
    template <class T>
    void drop(weak<T>) {}
    template <class T>
    [[nodiscard]] weak<T> load(weak_slot<T>& s) {
      return {s.word.load()};
    }
    template <class T>
    void store(weak_slot<T>& s, weak<T> w) {
      s.word.store(w.at);
    }

    template <class T>
    [[nodiscard]] parcel<T> pack(ref<T> r) {
      return {r.at};
    }
    template <class T>
    [[nodiscard]] ref<T> unpack(parcel<T> p) {
      return {p.at};
    }
    template <class T>
    [[nodiscard]] T& peek(const parcel<T>& p) const {
      return *p.at;
    }
    template <class T>
    [[nodiscard]] auto* trailing_slots(T& object) const {
      return slots_behind<slot<typename T::trailing>>(object);
    }

    template <class T>
    void share(const ref<T>&) {}
    void poll() {}
    template <class F>
    void blocked(F&& f) {
      f();
    }
    void quiesce() {}

   private:
    none_heap& heap_;
    typename arena<M>::piece chunk_;
    live_counter live_;
    std::int64_t made_ = 0;
  };

  template <class T>
  class root {
   public:
    explicit root(none_heap&) {}
    void store(context&, ref<T> r) { ref_ = r; }
    [[nodiscard]] ref<T> load(context&) { return ref_; }
    [[nodiscard]] T* get() const { return ref_.at; }

   private:
    ref<T> ref_;
  };

  explicit none_heap(const heap_config& config)
      : arena_(config.limit_bytes != 0 ? config.limit_bytes : mib(config.tunable("cap_mib", default_cap_mib)),
               mib(config.tunable("ready_mib", default_ready_mib))) {}
  [[nodiscard]] std::int64_t live() const { return counters_.objects(); }
  [[nodiscard]] std::int64_t live_bytes() const { return counters_.bytes(); }
  // What the oracle holds live() against: counted on its own, and complete once every context is detached.
  [[nodiscard]] std::int64_t made() const { return made_; }
  void settle() {}

  static constexpr double default_cap_mib = 2048, default_ready_mib = 256;

 private:
  static std::size_t mib(double n) { return static_cast<std::size_t>(n) << 20; }
  arena<M> arena_;
  live_counters counters_;
  typename M::mutex lock_;
  std::int64_t made_ = 0;
};

struct none {
  static constexpr strategy_info info{"none", "never counts, never frees: bump allocation up to a cap", "MMTk's NoGC, [LBO]"};
  using options = no_options;
  static constexpr std::array tunables{
      number<options>("cap_mib", none_heap<native>::default_cap_mib, 1, 1 << 20,
                      "where the window ends, in MiB, unless --heap says", "some seconds of the fastest workload here"),
      number<options>("ready_mib", none_heap<native>::default_ready_mib, 0, 1 << 20,
                      "MiB that are pre-faulted when the heap is made", "a window of 100 ms touches less")};
  template <class M, options O>
  using heap = none_heap<M, O>;
  using variants = variant_list<options{}>;
};

static_assert(strategy<none_heap<native>> && has_weak<none_heap<native>> && has_borrow<none_heap<native>>);

}  // namespace tally::strategies
