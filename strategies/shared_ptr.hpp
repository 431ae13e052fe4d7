// shared_ptr: the standard library's std::shared_ptr, weak_ptr and atomic<shared_ptr>, used as they are.
//
// What a C++ program gets without thinking: two words a reference, one allocation for the control block and the object
// (allocate_shared with an allocator that zeroes, and that adds what a trailing extent needs), counts that libstdc++ keeps
// plain until the process has had a second thread. A ref holds the two words of a shared_ptr that was moved into it and is
// moved out again when the ref is consumed; copy, drop and passing by value compile to no more than they do for shared_ptr
// variables (tests/codegen).
//
// What it can't do: cycles; chains of more than max_chain objects, since a destructor that drops the next one recurses; be
// instrumented: its counts are in the library, and so it runs on the native policy only.
//
// The live count is kept by the object's destructor, which has no context: hence the thread_local.
// Source: the C++ standard; [Boehm04].
#pragma once

#include <memory>

#include "harness/contract/family.hpp"
#include "harness/counting/live.hpp"
#include "harness/heap/object.hpp"

namespace tally::strategies {

template <class M, no_options = no_options{}>
class shared_ptr_heap {
  static_assert(M::measured, "the library's counts are on no memory policy");

  // The two words of a P. Relocating a P by its words is what moving it and destroying the empty rest amounts to in every
  // implementation, but not a promise of the standard's. A P is only ever a P and the words are only ever words: the bits go
  // from one to the other by memcpy. (A P made in the place of the words is shorter to write, and wrong even where the words
  // are may_alias: g++ loses that attribute when it copies a struct member by member, and omits what it takes for a copy
  // that nobody reads.) The words are of two types so that g++ doesn't join them to a vector: one that is read behind two
  // stores of a word each has to wait for both, at every call that takes a ref by value.
  template <class P>
  class moved {
    // A P that nobody ends.
    union kept {
      explicit kept(const moved& m) {
        __builtin_memcpy(static_cast<void*>(this), &m.first_, sizeof(m.first_));
        __builtin_memcpy(reinterpret_cast<std::byte*>(this) + sizeof(m.first_), &m.second_, sizeof(m.second_));
      }
      explicit kept(P&& p) : it(std::move(p)) {}
      explicit kept(const P& p) : it(p) {}
      ~kept() {}
      [[nodiscard]] P& operator*() { return it; }
      [[nodiscard]] P* operator->() { return &it; }
      P it;
    };

   public:
    moved() = default;
    explicit moved(P&& p) : moved(kept(std::move(p))) {}
    explicit moved(const P& p) : moved(kept(p)) {}
    [[nodiscard]] kept as() const { return kept(*this); }     // to look at
    [[nodiscard]] P out() const { return std::move(*as()); }  // to end

   private:
    static_assert(sizeof(P) == sizeof(void*) + sizeof(std::uintptr_t) && alignof(P) == alignof(void*));
    explicit moved(const kept& k) : first_(word<void*>(k, 0)), second_(word<std::uintptr_t>(k, sizeof(void*))) {}
    template <class W>
    static W word(const kept& k, std::size_t at) {
      W w;
      __builtin_memcpy(&w, reinterpret_cast<const std::byte*>(&k) + at, sizeof(w));
      return w;
    }
    void* first_ = nullptr;  // a null P is two zeros (tests/unit/shared_ptr.cpp)
    std::uintptr_t second_ = 0;
  };

 public:
  using memory = M;
  static constexpr oracle_class oracle = oracle_class::exact;
  static constexpr std::size_t max_chain = 100'000;
  static constexpr std::string_view thread_bound = "a destructor counts for the thread's last context";
  // libstdc++'s control block (checked in tests/unit/shared_ptr.cpp).
  struct header {
    void* vtable;
    std::uint32_t uses, weaks;
  };

  template <class T>
  struct ref : moved<std::shared_ptr<T>> {
    using moved<std::shared_ptr<T>>::moved;
    [[nodiscard]] explicit operator bool() const { return *this->as() != nullptr; }
    friend bool operator==(const ref& a, const ref& b) { return *a.as() == *b.as(); }
  };
  template <class T>
  using parcel = ref<T>;
  template <class T>
  struct weak : moved<std::weak_ptr<T>> {
    using moved<std::weak_ptr<T>>::moved;
    // As for the other strategies: is there a weak ref at all, dead or alive.
    [[nodiscard]] explicit operator bool() const {
      return this->as()->owner_before(std::weak_ptr<T>{}) || std::weak_ptr<T>{}.owner_before(*this->as());
    }
  };
  template <class T>
  struct slot {
    std::shared_ptr<T> word;
  };
  template <class T>
  struct weak_slot {
    std::weak_ptr<T> word;
  };
  template <class T>
  struct shared_slot {
    std::atomic<std::shared_ptr<T>> word;
  };

  class context {
   public:
    explicit context(shared_ptr_heap& heap) : heap_(heap), outer_(current()) {
      heap_.counters_.attach(live_);
      current() = this;
    }
    ~context() {
      if (current() == this) current() = outer_;
      heap_.counters_.detach(live_);
    }
    context(const context&) = delete;
    context& operator=(const context&) = delete;
    [[nodiscard]] std::uint64_t freed_word() const { return live_.freed_word(); }

    template <class T, class... Args>
    [[nodiscard]] ref<T> make(extent e, Args&&... args) {
      if (e.slots == 0 && e.bytes == 0) {
        auto p = std::allocate_shared<cell<T>>(zeroing<cell<T>>{}, std::forward<Args>(args)...);
        live_.made(cell<T>::size());
        T* object = &p->object;
        return ref<T>(std::shared_ptr<T>(std::move(p), object));
      }
      auto p = std::allocate_shared<cell_with_tail<T>>(zeroing_with_tail<cell_with_tail<T>>{cell_with_tail<T>::tail(e)}, e,
                                                       std::forward<Args>(args)...);
      live_.made(cell_with_tail<T>::size(e));
      T* object = &p->object;
      return ref<T>(std::shared_ptr<T>(std::move(p), object));
    }
    template <class T>
    [[nodiscard]] T& get(const ref<T>& r) const {
      return **r.as();
    }
    template <class T>
    [[nodiscard]] ref<T> copy(const ref<T>& r) {
      return ref<T>(std::as_const(*r.as()));
    }
    template <class T>
    void drop(const ref<T>& r) {
      std::destroy_at(&*r.as());
    }

    template <class T>
    [[nodiscard]] ref<T> load(slot<T>& s) {
      return ref<T>(std::as_const(s.word));
    }
    template <class T>
    void store(slot<T>& s, ref<T> r) {
      s.word = r.out();
    }
    template <class T>
    [[nodiscard]] ref<T> take(slot<T>& s) {
      return ref<T>(std::move(s.word));
    }
    template <class T>
    [[nodiscard]] T* peek(const slot<T>& s) const {
      return s.word.get();
    }

    // acquire and release: a reader pairs with the writer whose value it finds.
    template <class T>
    [[nodiscard]] ref<T> load(shared_slot<T>& s) {
      return ref<T>(s.word.load(std::memory_order_acquire));
    }
    template <class T>
    void store(shared_slot<T>& s, ref<T> r) {
      s.word.store(r.out(), std::memory_order_release);
    }
    template <class T>
    [[nodiscard]] ref<T> exchange(shared_slot<T>& s, ref<T> r) {
      return ref<T>(s.word.exchange(r.out(), std::memory_order_acq_rel));
    }
    template <class T>
    [[nodiscard]] bool compare_exchange(shared_slot<T>& s, const ref<T>& expected, ref<T> desired) {
      std::shared_ptr<T> old = *expected.as();  // the interface writes to it on failure, and takes a desired of its own
      if (!s.word.compare_exchange_strong(old, *desired.as(), std::memory_order_acq_rel, std::memory_order_relaxed)) return false;
      drop(desired);
      return true;
    }

    template <class T>
    [[nodiscard]] weak<T> downgrade(const ref<T>& r) {
      return weak<T>(std::weak_ptr<T>(*r.as()));
    }
    template <class T>
    [[nodiscard]] ref<T> upgrade(const weak<T>& w) {
      return ref<T>(w.as()->lock());
    }
    template <class T>
    [[nodiscard]] weak<T> copy(const weak<T>& w) {
      return weak<T>(std::as_const(*w.as()));
    }
    template <class T>
    void drop(const weak<T>& w) {
      std::destroy_at(&*w.as());
    }
    template <class T>
    [[nodiscard]] weak<T> load(weak_slot<T>& s) {
      return weak<T>(std::as_const(s.word));
    }
    template <class T>
    void store(weak_slot<T>& s, weak<T> w) {
      s.word = w.out();
    }

    template <class T>
    [[nodiscard]] parcel<T> pack(ref<T> r) {
      return r;
    }
    template <class T>
    [[nodiscard]] ref<T> unpack(parcel<T> p) {
      return p;
    }
    template <class T>
    [[nodiscard]] T& peek(const parcel<T>& p) const {
      return **p.as();
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
    friend class shared_ptr_heap;
    static context*& current() {
      static thread_local context* mine = nullptr;
      return mine;
    }
    shared_ptr_heap& heap_;
    context* outer_;  // a thread that attaches twice gets the first one back
    live_counter live_;
  };

  template <class T>
  class root {
   public:
    explicit root(shared_ptr_heap&) {}
    void store(context&, ref<T> r) { ref_ = r.out(); }
    [[nodiscard]] ref<T> load(context&) { return ref<T>(std::as_const(ref_)); }
    [[nodiscard]] T* get() const { return ref_.get(); }

   private:
    std::shared_ptr<T> ref_;
  };

  explicit shared_ptr_heap(const heap_config&) {}
  [[nodiscard]] std::int64_t live() const { return counters_.objects(); }
  [[nodiscard]] std::int64_t live_bytes() const { return counters_.bytes(); }
  void settle() {}

 private:
  static void freed(std::size_t bytes) { context::current()->live_.freed(bytes); }

  template <class T>
  struct cell {
    template <class... Args>
    explicit cell(Args&&... args) : object(std::forward<Args>(args)...) {}
    ~cell() { freed(size()); }
    static constexpr std::size_t size() { return sizeof(header) + sizeof(cell); }
    T object;
  };
  // With trailing slots and bytes behind it, which only this object knows of.
  template <class T>
  struct cell_with_tail {
    template <class... Args>
    explicit cell_with_tail(extent e, Args&&... args) : extra(e), object(std::forward<Args>(args)...) {
      if constexpr (requires { typename T::trailing; }) {
        std::uninitialized_value_construct_n(slots_behind<slot<typename T::trailing>>(object), extra.slots);
      }
    }
    ~cell_with_tail() {
      if constexpr (requires { typename T::trailing; }) {
        std::destroy_n(slots_behind<slot<typename T::trailing>>(object), extra.slots);
      }
      freed(size(extra));
    }
    static std::size_t tail(extent e) {
      std::size_t bytes = e.bytes;
      if constexpr (requires { typename T::trailing; }) bytes += e.slots * sizeof(slot<typename T::trailing>);
      return bytes;
    }
    static std::size_t size(extent e) {
      return live_counter::rounded(sizeof(header) + sizeof(std::size_t) + sizeof(cell_with_tail) + tail(e));
    }
    extent extra;
    T object;
  };
  // Memory for one control block with its object, zero but for what the library writes first. (Were it zeroed from its first
  // byte, g++ would make one calloc of it, which is far dearer than malloc in glibc: it bypasses the thread's cache.)
  [[nodiscard]] static void* zeroed(std::size_t bytes) {
    auto* block = static_cast<std::byte*>(M::alloc(bytes));
    __builtin_memset(block + sizeof(header), 0, bytes - sizeof(header));
    return block;
  }
  template <class U>
  struct zeroing {
    using value_type = U;
    zeroing() = default;
    template <class V>
    zeroing(const zeroing<V>&) {}
    [[nodiscard]] U* allocate(std::size_t n) { return static_cast<U*>(zeroed(n * sizeof(U))); }
    void deallocate(U* p, std::size_t) { M::free(p); }
    friend bool operator==(zeroing, zeroing) { return true; }
  };
  template <class U>
  struct zeroing_with_tail {
    using value_type = U;
    std::size_t tail;
    explicit zeroing_with_tail(std::size_t bytes) : tail(bytes) {}
    template <class V>
    zeroing_with_tail(const zeroing_with_tail<V>& o) : tail(o.tail) {}
    [[nodiscard]] U* allocate(std::size_t n) { return static_cast<U*>(zeroed(n * sizeof(U) + tail)); }
    void deallocate(U* p, std::size_t) { M::free(p); }
    friend bool operator==(zeroing_with_tail a, zeroing_with_tail b) { return a.tail == b.tail; }
  };

  live_counters counters_;
};

struct shared_ptr {
  static constexpr strategy_info info{"shared_ptr", "std::shared_ptr, weak_ptr and atomic<shared_ptr>, as they are", "[Boehm04]"};
  using options = no_options;
  static constexpr std::array<tunable<options>, 0> tunables{};
  template <class M, options O>
  using heap = shared_ptr_heap<M, O>;
  using variants = variant_list<options{}>;
};

static_assert(strategy<shared_ptr_heap<native>> && has_weak<shared_ptr_heap<native>> && has_shared_slot<shared_ptr_heap<native>>);
static_assert(std::is_trivially_copyable_v<shared_ptr_heap<native>::ref<int>>);

}  // namespace tally::strategies
