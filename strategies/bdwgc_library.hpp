// What the bdwgc strategy needs of the library: its declarations, its start, memory that it scans, a thread's registration, and
// lists of small objects.
#pragma once

#ifndef GC_THREADS
#define GC_THREADS  // the library's own switch: declarations for threaded programs
#endif
#ifndef GC_NO_THREAD_REDIRECTS
#define GC_NO_THREAD_REDIRECTS  // threads are registered by their contexts, not by renaming pthread_create
#endif
#include <gc/gc.h>
#include <gc/gc_mark.h>
#include <gc/gc_tiny_fl.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <new>

#include "harness/contract/strategy.hpp"
#include "harness/memory/native.hpp"

namespace tally::strategies {

// Sets the collector up, once a process, whichever heap is the first.
inline void bdwgc_start(int markers) {
  static const bool started = [markers] {
    GC_set_all_interior_pointers(0);
    GC_set_no_dls(1);
    GC_set_handle_fork(0);
    GC_set_max_retries(2);  // without, it gives up at its limit before it has collected
    GC_set_markers_count(static_cast<unsigned>(std::max(markers, 1)));
    GC_set_warn_proc(GC_ignore_warn_proc);  // it would print at its limit, which we report ourselves
    GC_INIT();
    GC_allow_register_threads();
    GC_unregister_my_thread();  // the main thread too is known only while it has a context
    return true;
  }();
  static_cast<void>(started);
}

// A number for a heap that no other of this process has, of whichever variant, unless there are very many.
template <class M>
std::uint16_t bdwgc_number() {
  static typename M::template atomic<std::uint32_t, "heaps"> made;
  // relaxed: only has to differ. Never 0 (a pointer's high bits) nor what object_word calls freed.
  return static_cast<std::uint16_t>(1 + made.fetch_add(1, std::memory_order_relaxed) % 0xfff0);
}

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

// A context's lists of free objects, one for each size in granules. GC_malloc_many takes the library's lock and returns zeroed
// objects of one size, a block's worth at most, linked through their first words; from then on an object is taken without a call.
// The heads are in scanned memory, so that a collection finds what is on a list. A thread that is stopped in take() has in a
// register what is neither on the list nor on the stack. A list that is given up is garbage like any other.
//
// For objects that are scanned only: of others a collection would find the head, and not follow its link.
class bdwgc_lists {
 public:
  bdwgc_lists() : heads_(static_cast<void**>(bdwgc_scanned::alloc(GC_TINY_FREELISTS * sizeof(void*)))) {}  // zeroed
  ~bdwgc_lists() { bdwgc_scanned::free(heads_); }
  bdwgc_lists(const bdwgc_lists&) = delete;
  bdwgc_lists& operator=(const bdwgc_lists&) = delete;

  // A zeroed object, or null when there is no memory. `bytes` is a constant in most callers: the choice of the list folds.
  [[nodiscard, gnu::always_inline]] void* take(std::size_t bytes) {
    const std::size_t granules = (bytes + GC_GRANULE_BYTES - 1) / GC_GRANULE_BYTES;
    if (granules >= GC_TINY_FREELISTS) return GC_malloc(bytes);
    void* object = heads_[granules];
    if (object == nullptr) [[unlikely]] {
      object = GC_malloc_many(granules * GC_GRANULE_BYTES);
      if (object == nullptr) return GC_malloc(bytes);  // it tries harder at the heap's limit
    }
    heads_[granules] = GC_NEXT(object);
    GC_NEXT(object) = nullptr;
    return object;
  }

 private:
  void** const heads_;
};

}  // namespace tally::strategies
