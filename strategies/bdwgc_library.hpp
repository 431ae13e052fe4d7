// What the bdwgc strategy needs of the library: its declarations, its start, memory that it scans, a thread's registration, a
// count of what it reaches, and two ways to take objects from it.
#pragma once

#ifndef GC_THREADS
#define GC_THREADS  // the library's own switch: declarations for threaded programs
#endif
#ifndef GC_NO_THREAD_REDIRECTS
#define GC_NO_THREAD_REDIRECTS  // threads are registered by their contexts, not by renaming pthread_create
#endif
#include <gc/gc.h>
#include <gc/gc_inline.h>
#include <gc/gc_mark.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <new>

#include "harness/contract/strategy.hpp"
#include "harness/heap/object.hpp"
#include "harness/memory/native.hpp"

namespace tally::strategies {

struct bdwgc_started {};  // what bdwgc_start returns

// Memory that the collector scans and never frees.
struct bdwgc_scanned : native {
  static void* alloc(std::size_t bytes) {
    void* p = GC_malloc_uncollectable(bytes);
    if (p == nullptr) throw heap_exhausted();
    return p;
  }
  static void free(void* p) { GC_free(p); }
};

// While one lives, the calling thread is known to the collector. Throws std::bad_alloc.
class bdwgc_thread {
 public:
  bdwgc_thread() {
    GC_stack_base base{};
    if (GC_get_stack_base(&base) != GC_SUCCESS) throw std::bad_alloc();  // it needs memory to find out
    mine_ = GC_register_my_thread(&base) == GC_SUCCESS;                  // otherwise it was known before
  }
  ~bdwgc_thread() {
    if (mine_) GC_unregister_my_thread();
  }
  bdwgc_thread(const bdwgc_thread&) = delete;
  bdwgc_thread& operator=(const bdwgc_thread&) = delete;

 private:
  bool mine_ = false;
};

// f(object, its kind, the size of its cell) for all that the last collection reached. With the library's lock held: f allocates
// nothing.
template <class F>
void bdwgc_each_reached(F f) {
  GC_call_with_alloc_lock(
      [](void* given) -> void* {
        GC_enumerate_reachable_objects_inner(
            [](void* object, std::size_t bytes, void* g) {
              (*static_cast<F*>(g))(object, GC_get_kind_and_size(object, nullptr), bytes);
            },
            given);
        return nullptr;
      },
      &f);
}

// The library keeps blocks, free lists and marks for each kind of objects. A heap has two kinds for itself while it lives, of
// objects that are scanned and of objects without slots, and so needs no word in an object to know its own. The library has
// place for few kinds and never drops one: a heap that ends hands its two on. What stray words still hold of an earlier heap's
// objects is held for as long as the next heap lives, so that such a cell is never one of its own.
class bdwgc_kinds {
 public:
  // Throws heap_exhausted, too, where as many heaps live as there are kinds for.
  explicit bdwgc_kinds(bdwgc_started) : bdwgc_kinds(taken()) { find_strays(); }
  // Where objects were made, after end() or lose().
  ~bdwgc_kinds() {
    forget_strays();
    if (!lost_) hand_on();
  }
  bdwgc_kinds(const bdwgc_kinds&) = delete;
  bdwgc_kinds& operator=(const bdwgc_kinds&) = delete;

  [[nodiscard]] unsigned of(bool slots) const { return slots ? mine_.scanned : mine_.slotless; }
  [[nodiscard]] bool has(void* object, int kind) const {
    return is_mine(kind) && !std::binary_search(strays_, strays_ + stray_count_, object);
  }

  // On a thread that is known and has no ref on its stack: what the next heap finds is what stray words hold.
  void end() {
    forget_strays();
    GC_gcollect();
  }
  // That can't be had: these kinds are not used again.
  void lose() { lost_ = true; }

 private:
  struct pair {
    unsigned scanned, slotless;
  };
  explicit bdwgc_kinds(pair p) : mine_(p) {}
  static constexpr std::size_t most = 6;  // the library's 16 (MAXOBJKINDS, which its headers keep for themselves) less its own 4

  [[nodiscard]] static pair taken() {
    const std::lock_guard hold(lock_);
    if (idle_count_ != 0) return idle_[--idle_count_];
    if (made_ == most) throw heap_exhausted();
    const bdwgc_thread known;  // a table of lists may need a collection
    ++made_;
    // As the library's own kinds, but that cells without slots are zeroed, too.
    const unsigned scanned = GC_new_kind(GC_new_free_list(), GC_DS_LENGTH, 1, 1);
    return {scanned, GC_new_kind(GC_new_free_list(), GC_DS_LENGTH, 0, 1)};
  }
  void hand_on() {
    const std::lock_guard hold(lock_);
    idle_[idle_count_++] = mine_;
  }
  [[nodiscard]] bool is_mine(int kind) const {
    return kind == static_cast<int>(mine_.scanned) || kind == static_cast<int>(mine_.slotless);
  }
  // Nobody makes objects of these kinds yet, so there can only be fewer of them the second time.
  void find_strays() {
    std::size_t found = 0;
    bdwgc_each_reached([&](void*, int kind, std::size_t) { found += is_mine(kind) ? 1 : 0; });
    if (found == 0) return;
    const bdwgc_thread known;
    strays_ = static_cast<void**>(bdwgc_scanned::alloc(found * sizeof(void*)));
    bdwgc_each_reached([&](void* object, int kind, std::size_t) {
      if (is_mine(kind)) strays_[stray_count_++] = object;
    });
    std::sort(strays_, strays_ + stray_count_);
  }
  void forget_strays() {
    if (strays_ != nullptr) bdwgc_scanned::free(strays_);
    strays_ = nullptr;
    stray_count_ = 0;
  }

  static inline native::mutex lock_;
  static inline std::array<pair, most> idle_{};
  static inline std::size_t idle_count_ = 0, made_ = 0;
  const pair mine_;
  void** strays_ = nullptr;  // sorted, in memory that the collector scans
  std::size_t stray_count_ = 0;
  bool lost_ = false;
};

// A context's lists of free cells, for each of its heap's kinds one for each size in granules. GC_generic_malloc_many takes the
// library's lock and fills a list with zeroed cells, a block's worth at most, linked through their first words; from then on a
// cell is taken without a call. Lists are not scanned: when the world has stopped, all that is on one gets its mark, as the
// library does it for lists of its own. A list that is given up is garbage like any other.
class bdwgc_lists {
 public:
  using owner = bdwgc_kinds;
  struct alignas(GC_GRANULE_BYTES) header {};  // none: an object is at its cell's start

  explicit bdwgc_lists(const bdwgc_kinds& kinds) : kinds_{kinds.of(false), kinds.of(true)} {
    locked([](bdwgc_lists& me) {
      me.next_ = all_;
      if (all_ != nullptr) all_->before_ = &me.next_;
      all_ = &me;
      me.before_ = &all_;
    });
  }
  ~bdwgc_lists() {
    for (auto& of_kind : heads_) {
      for (void*& head : of_kind) {
        while (head != nullptr) static_cast<void>(pop(head));  // one by one: a stray word then holds one of them at most
      }
    }
    locked([](bdwgc_lists& me) {
      *me.before_ = me.next_;
      if (me.next_ != nullptr) me.next_->before_ = me.before_;
    });
  }
  bdwgc_lists(const bdwgc_lists&) = delete;
  bdwgc_lists& operator=(const bdwgc_lists&) = delete;

  // A zeroed cell, or null when there is no memory. `bytes` is a constant in most callers: the choice of the list folds.
  [[nodiscard, gnu::always_inline]] header* take(bool slots, std::size_t bytes) {
    const std::size_t granules = (bytes + GC_GRANULE_BYTES - 1) / GC_GRANULE_BYTES;
    if (granules >= GC_TINY_FREELISTS) return static_cast<header*>(GC_generic_malloc(bytes, static_cast<int>(kinds_[slots])));
    void*& head = heads_[slots][granules];
    if (head == nullptr && !refill(slots, granules)) [[unlikely]]
      return nullptr;
    return static_cast<header*>(pop(head));
  }

  // f is called at the end of each marking, with the library's lock held and the world stopped.
  static void when_marked(void (*f)()) { marked_ = f; }

  // With the library's lock held.
  static void at_event(GC_EventType event) {
    if (event == GC_EVENT_MARK_END && marked_ != nullptr) marked_();
    if (event != GC_EVENT_POST_STOP_WORLD) return;
    for (bdwgc_lists* lists = all_; lists != nullptr; lists = lists->next_) {
      for (auto& of_kind : lists->heads_) {
        for (void* cell : of_kind) {
          for (; cell != nullptr; cell = GC_NEXT(cell)) GC_set_mark_bit(cell);
        }
      }
    }
  }

 private:
  [[nodiscard, gnu::always_inline]] static void* pop(void*& head) {
    void* cell = head;
    head = GC_NEXT(cell);
    // The compiler moves nothing across: a thread is stopped anywhere, and from its head a list must be whole.
    asm("" : "+r"(cell) : "m"(head));
    GC_NEXT(cell) = nullptr;
    return cell;
  }
  // The library itself puts the list in its place, before it releases its lock: no collection comes in between.
  [[nodiscard, gnu::noinline]] bool refill(bool slots, std::size_t granules) {
    void*& head = heads_[slots][granules];
    GC_generic_malloc_many(granules * GC_GRANULE_BYTES, static_cast<int>(kinds_[slots]), &head);
    // The former gives up at the heap's limit sooner than this.
    if (head == nullptr) head = GC_generic_malloc(granules * GC_GRANULE_BYTES, static_cast<int>(kinds_[slots]));
    return head != nullptr;
  }
  template <class F>
  void locked(F) {
    GC_call_with_alloc_lock([](void* me) -> void* { return F{}(*static_cast<bdwgc_lists*>(me)), nullptr; }, this);
  }

  void* heads_[2][GC_TINY_FREELISTS]{};
  const unsigned kinds_[2];
  bdwgc_lists* next_ = nullptr;
  bdwgc_lists** before_ = nullptr;
  static inline bdwgc_lists* all_ = nullptr;
  static inline void (*marked_)() = nullptr;
};

// The library's own kinds and a call for each object. All heaps share these kinds, and the library has objects of them as well:
// a header says whose an object is.
template <class M>
class bdwgc_calls {
 public:
  using header = object_word<M>;  // the type number's place holds the heap's

  // A number that no other heap of this process has, unless there are very many.
  class owner {
   public:
    explicit owner(bdwgc_started) : number_(next()) {}
    [[nodiscard]] bool has(void* object, int kind) const {
      return (kind == GC_I_NORMAL || kind == GC_I_PTRFREE) && static_cast<header*>(object)->type() == number_;
    }
    void end() { GC_gcollect(); }
    void lose() {}

   private:
    friend class bdwgc_calls;
    static std::uint16_t next() {
      static typename M::template atomic<std::uint32_t, "heaps"> made;
      // relaxed: only has to differ. Never 0 (a pointer's high bits) nor what object_word calls freed.
      return static_cast<std::uint16_t>(1 + made.fetch_add(1, std::memory_order_relaxed) % 0xfff0);
    }
    const std::uint16_t number_;
  };

  explicit bdwgc_calls(const owner& o) : number_(o.number_) {}
  [[nodiscard, gnu::always_inline]] header* take(bool slots, std::size_t bytes) {
    void* cell = slots ? GC_malloc(bytes) : GC_malloc_atomic(bytes);
    if (cell == nullptr) [[unlikely]]
      return nullptr;
    if (!slots) __builtin_memset(cell, 0, bytes);
    auto* h = new (cell) header;
    h->init(number_, bytes);
    return h;
  }

 private:
  const std::uint16_t number_;
};

// Sets the collector up, once a process, whichever heap is the first.
inline bdwgc_started bdwgc_start(int markers) {
  static const bool started = [markers] {
    GC_set_all_interior_pointers(0);
    GC_set_no_dls(1);
    GC_set_handle_fork(0);
    GC_set_max_retries(2);  // without, it gives up at its limit before it has collected
    GC_set_markers_count(static_cast<unsigned>(std::max(markers, 1)));
    GC_set_warn_proc(GC_ignore_warn_proc);  // it would print at its limit, which we report ourselves
    GC_INIT();
    GC_allow_register_threads();
    GC_set_on_collection_event(&bdwgc_lists::at_event);
    GC_unregister_my_thread();  // the main thread too is known only while it has a context
    return true;
  }();
  static_cast<void>(started);
  return {};
}

}  // namespace tally::strategies
