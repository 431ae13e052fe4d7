// bdwgc: the Boehm-Demers-Weiser collector, used as it is.
//
// A second tracing collector, by others, behind the same contract: what our own baseline is judged against. It is set up as a
// user who knows it would: each thread registered, small objects in batches as its authors advise for many of them
// (GC_generic_malloc_many, which is GC_malloc_many for a kind of objects that one names), objects without slots not scanned,
// interior pointers only on stacks (which saves the extra byte an object that it otherwise adds), no libraries' data as roots,
// no finalisers, and with a limit the heap at full size from the start, so that it collects when the limit is reached and not
// by its growth rule. An object has no header: a ref is the address of its cell, where the payload starts. With alloc=plain
// each object is a call of GC_malloc or GC_malloc_atomic, which have lists of each thread as well, and has a word before it.
// Collections stop the world. With pause_ms they are incremental and generational: it aims at pauses of so many ms, or at none
// (generational_only), finds what was written by the pages' protection, and does not keep to a limit. That can't be turned off
// again in a process.
//
// There is one collector in a process: the number of markers is the first heap's; a later heap's limit can be higher than an
// earlier one's, or lower by as much as the heap has not grown yet, and never lower than what is mapped. settle() counts the
// objects of this heap that the collector can reach. It tells them by their kind, which the heap has to itself while it lives
// (at most six heaps can live at once), with alloc=plain by a number in their header. A stray word may keep some alive, so the
// oracle is `bounded`; what it holds of an earlier heap is not counted. The first heap must be made on the main thread (its
// stack is what GC_INIT takes the caller's to be).
//
// A weak ref is a malloc'ed word with the object's disguised address, registered as a disappearing link; a weak slot is such a
// link itself, which the library forgets with the object that it is in. Both are read under the library's lock, as it asks
// for, so every weak operation takes that one lock.
//
// What it can't do: run on a policy whose words are not the native ones. Progress: blocking. Source: [Boehm88].
#pragma once

#include <algorithm>
#include <new>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <type_traits>

#include "harness/contract/family.hpp"
#include "harness/contract/held.hpp"
#include "harness/contract/promptness.hpp"
#include "harness/heap/parcel_cells.hpp"
#include "harness/heap/tracing.hpp"
#include "strategies/bdwgc_library.hpp"

namespace tally::strategies {

enum class bdwgc_alloc { many, plain };

struct bdwgc_options {
  bdwgc_alloc alloc = bdwgc_alloc::many;
};

template <class M, bdwgc_options O = bdwgc_options{}>
class bdwgc_heap {
 public:
  using memory = M;
  using source = std::conditional_t<O.alloc == bdwgc_alloc::many, bdwgc_lists, bdwgc_calls<M>>;
  using header = typename source::header;
  using cells = parcel_cells<bdwgc_scanned>;
  static constexpr bool process_global = true;
  static constexpr bool limits_heap = true;
  static constexpr bool frees_in_stops = true;
  static constexpr std::string_view thread_bound = "the library knows a thread until the first of its contexts leaves";
  static constexpr bool own_heap = true;
  static constexpr oracle_class oracle = oracle_class::bounded;

  template <class T>
  using ref = traced_ref<header, T>;
  template <class T>
  using slot = traced_slot<M, header, T>;
  template <class T>
  using shared_slot = traced_shared_slot<M, header, T>;
  template <class T>
  struct parcel {
    typename cells::cell* at = nullptr;
    [[nodiscard]] explicit operator bool() const { return at != nullptr; }
    friend bool operator==(parcel, parcel) = default;
  };
  template <class T>
  struct weak {
    void** at = nullptr;  // a link: disguised, or null once the object is dead
    [[nodiscard]] explicit operator bool() const { return at != nullptr; }
    friend bool operator==(weak, weak) = default;
  };
  template <class T>
  struct weak_slot {
    void* link = nullptr;         // the library writes it, too: hence no var
    var<M, bool, "slot"> filled;  // there is a weak ref, dead or alive
  };
  class context;
  template <class T>
  class root;

  static constexpr double generational_only = 999999;  // GC_TIME_UNLIMITED

  explicit bdwgc_heap(const heap_config& c) : owner_(bdwgc_start(c.gc_workers)) {
    const bdwgc_thread known;                                      // to become incremental takes a collection
    if constexpr (records_deaths<M> && std::is_empty_v<header>) {  // an object is at its cell's start
      bdwgc_lists::when_marked([] { note_stop<M>([](void* object) { return GC_is_marked(object) != 0; }); });
    }
    if (const auto pause = static_cast<unsigned long>(c.tunable("pause_ms", 0)); pause != 0) {
      GC_set_time_limit(pause);
      GC_enable_incremental();
    }
    GC_set_max_heap_size(c.limit_bytes);  // 0: none
    const std::size_t has = GC_get_heap_size();
    if (c.limit_bytes > has) GC_expand_hp(c.limit_bytes - has);
    GC_set_dont_expand(c.limit_bytes != 0 ? 1 : 0);  // collect first when nothing is free
  }
  ~bdwgc_heap() {
    cells_.reset();
    try {
      alone([this] { owner_.end(); });  // with a collection, so that the next heap starts with this one's memory
    } catch (const std::bad_alloc&) {   // then it doesn't
      owner_.lose();
    }
  }
  bdwgc_heap(const bdwgc_heap&) = delete;
  bdwgc_heap& operator=(const bdwgc_heap&) = delete;

  // After settle(), what the collector can reach; while contexts run, from the bytes that are not free, garbage included.
  [[nodiscard]] std::int64_t live() const {
    if (exact_.load(std::memory_order_relaxed)) return objects_;
    return live_bytes() * std::max<std::int64_t>(objects_, 1) / std::max<std::int64_t>(bytes_, 32);
  }
  [[nodiscard]] std::int64_t live_bytes() const {
    if (exact_.load(std::memory_order_relaxed)) return bytes_;
    return static_cast<std::int64_t>(GC_get_heap_size() - GC_get_free_bytes());
  }
  // The library's own tables are not in it.
  [[nodiscard]] held_memory held() const {
    held_memory all;
    all.told = true;
    all.taken = static_cast<std::int64_t>(GC_get_heap_size());
    all.of(held_cause::headroom) = static_cast<std::int64_t>(GC_get_free_bytes());
    return all;
  }
  // How many objects too many live() may find: each stray word that looks like a ref holds what hangs off it.
  [[nodiscard]] std::int64_t slack() const { return 1024; }
  void settle() {
    alone([this] {
      GC_gcollect();
      objects_ = bytes_ = 0;
      bdwgc_each_reached([this](void* object, int kind, std::size_t bytes) {
        if (!owner_.has(object, kind)) return;
        ++objects_;
        bytes_ += static_cast<std::int64_t>(bytes);
      });
    });
    exact_.store(true, std::memory_order_relaxed);
  }

  // For the record of a run: which build, and how it was set up.
  [[nodiscard]] static std::string settings() {
    const unsigned v = GC_get_version();
    return "libgc " + std::to_string(v >> 16) + "." + std::to_string(v >> 8 & 0xff) + "." + std::to_string(v & 0xff) +
           ", markers " + std::to_string(GC_get_parallel() + 1) + ", small objects from " +
           (O.alloc == bdwgc_alloc::many ? "GC_generic_malloc_many" : "GC_malloc") + ", incremental " +
           (GC_is_incremental_mode() != 0 ? "on, pauses of " + std::to_string(GC_get_time_limit()) + " ms" : "off") +
           ", interior pointers from " + (GC_get_all_interior_pointers() != 0 ? "anywhere" : "stacks only") +
           ", no finalisers, free-space divisor " + std::to_string(GC_get_free_space_divisor());
  }

 private:
  // Runs f on a new thread that is known to the collector: its stack has no ref on it, as the caller's may. The stack may be
  // the memory of an ended thread's, refs and all, and frames have holes; so it is cleared first. Throws std::bad_alloc when a
  // thread can't be had.
  template <class F>
  static void alone(F&& f) {
    std::thread other;
    bool done = false;
    try {
      other = std::thread([&] {
        clear_stack();
        try {
          const bdwgc_thread known;
          f();
          done = true;
        } catch (const std::bad_alloc&) {}
      });
    } catch (const std::system_error&) {
      throw std::bad_alloc();
    }
    other.join();
    if (!done) throw std::bad_alloc();
  }
  [[gnu::noinline]] static void clear_stack() {
    std::byte below[64 * 1024];
    __builtin_memset(below, 0, sizeof below);
    asm volatile("" : : "r"(below) : "memory");
  }

  typename source::owner owner_;
  std::optional<cells> cells_{std::in_place};
  // Of the last settle(); exact until a context is attached.
  std::int64_t objects_ = 0, bytes_ = 0;
  typename M::template atomic<bool, "exact"> exact_{true};
};

template <class M, bdwgc_options O>
class bdwgc_heap<M, O>::context : public tracing_context<M, typename bdwgc_heap<M, O>::header> {
  using base = tracing_context<M, header>;

 public:
  explicit context(bdwgc_heap& h) : heap_(h), source_(h.owner_), pool_(h.cells_->attach()) {
    h.exact_.store(false, std::memory_order_relaxed);  // relaxed: chooses between an estimate and a count
  }
  ~context() { heap_.cells_->detach(pool_); }
  context(const context&) = delete;
  context& operator=(const context&) = delete;

  using base::copy;
  using base::drop;
  using base::load;
  using base::peek;
  using base::store;

  template <class T, class... Args>
  [[nodiscard]] ref<T> make(extent e, Args&&... args) {
    const std::size_t bytes = base::template bytes_of<T>(e);
    header* h = source_.take(can_have_slots<T>(), bytes);
    if (h == nullptr) [[unlikely]]
      throw heap_exhausted();
    new (behind(h)) T(std::forward<Args>(args)...);
    return {h};
  }

  template <class T>
  [[nodiscard]] parcel<T> pack(ref<T> r) {
    return {pool_.fill(r.at)};
  }
  template <class T>
  [[nodiscard]] ref<T> unpack(parcel<T> p) {
    return {static_cast<header*>(pool_.empty(p.at))};
  }
  template <class T>
  [[nodiscard]] T& peek(const parcel<T>& p) const {
    return *base::template payload<T>(static_cast<header*>(p.at->object.load()));
  }

  template <class T>
  [[nodiscard]] weak<T> downgrade(const ref<T>& r) {
    return {new_link(r.at)};
  }
  template <class T>
  [[nodiscard]] ref<T> upgrade(const weak<T>& w) {
    return {target(w.at)};
  }
  template <class T>
  [[nodiscard]] weak<T> copy(const weak<T>& w) {
    return {new_link(target(w.at))};
  }
  template <class T>
  void drop(weak<T> w) {
    GC_unregister_disappearing_link(w.at);
    M::free(w.at);
  }
  template <class T>
  [[nodiscard]] weak<T> load(weak_slot<T>& s) {
    return s.filled.load() ? weak<T>{new_link(target(&s.link))} : weak<T>{};
  }
  template <class T>
  void store(weak_slot<T>& s, weak<T> w) {
    GC_unregister_disappearing_link(&s.link);
    s.filled.store(static_cast<bool>(w));
    s.link = nullptr;
    if (!w) return;
    // The registration moves from the weak ref's word to the slot: that needs no memory.
    header* object = target(w.at);
    if (object != nullptr) {
      s.link = *w.at;
      GC_move_disappearing_link(w.at, &s.link);
    }
    keep(object);
    M::free(w.at);
  }

  void poll() {}  // threads are stopped by signals
  void quiesce() {}
  void collect() { GC_gcollect(); }
  // Nothing: threads are stopped by signals wherever they are. GC_do_blocking would spare a waiting thread the signal, but a
  // wait may run a task on the same thread under a context of its own, and that one's refs the library would not see.
  template <class F>
  void blocked(F&& f) {
    f();
  }

 private:
  // The object that a link refers to, or null. Under the library's lock: without, a collection could decide that the object is
  // dead between our reading the link and our holding a ref.
  static header* target(void** link) {
    return static_cast<header*>(GC_call_with_alloc_lock(
        [](void* place) -> void* {
          void* const hidden = *static_cast<void**>(place);
          return hidden == nullptr ? nullptr : GC_REVEAL_POINTER(hidden);
        },
        link));
  }
  // Nobody knows of `link` yet, or it was unregistered. The caller's ref keeps `object` to the end: the library may collect
  // when it registers a link, and looks only at words that are still used.
  static void point(void** link, header* object) {
    *link = object == nullptr ? nullptr : reinterpret_cast<void*>(GC_HIDE_POINTER(object));
    if (object != nullptr && GC_general_register_disappearing_link(link, object) == GC_NO_MEMORY) throw heap_exhausted();
    keep(object);
  }
  static void** new_link(header* object) {
    auto** link = static_cast<void**>(M::alloc(sizeof(void*)));
    try {
      point(link, object);
    } catch (const std::bad_alloc&) {
      M::free(link);
      throw;
    }
    return link;
  }

  // Whether a T can have slots. It is asked of zeros, before there is a T; a constant once it is inlined.
  template <class T>
  [[nodiscard, gnu::always_inline]] static bool can_have_slots() {
    alignas(T) static constinit std::byte zeros[sizeof(T)]{};
    return has_slots(*std::launder(reinterpret_cast<T*>(zeros)));
  }

  bdwgc_thread known_;
  bdwgc_heap& heap_;
  source source_;
  typename cells::pool& pool_;
};

// A place for shared test state: a word of scanned memory.
template <class M, bdwgc_options O>
template <class T>
class bdwgc_heap<M, O>::root {
 public:
  explicit root(bdwgc_heap&) {
    const bdwgc_thread known;  // allocation may collect
    place_ = new (bdwgc_scanned::alloc(sizeof(var<M, header*, "root">))) var<M, header*, "root">;
  }
  ~root() { bdwgc_scanned::free(place_); }
  root(const root&) = delete;
  root& operator=(const root&) = delete;
  void store(context&, ref<T> r) { place_->store(r.at); }
  [[nodiscard]] ref<T> load(context&) { return {place_->load()}; }
  [[nodiscard]] T* get() const {
    header* h = place_->load();
    return h == nullptr ? nullptr : std::launder(static_cast<T*>(behind(h)));
  }

 private:
  var<M, header*, "root">* place_;
};

struct bdwgc {
  static constexpr strategy_info info{"bdwgc", "the Boehm-Demers-Weiser collector, as it is", "[Boehm88]"};
  using options = bdwgc_options;
  static constexpr std::array tunables{
      choice<&options::alloc, options>("alloc", {"many", "plain"},
                                       "small objects: many (from lists, without header) or plain (GC_malloc, with one)",
                                       "our runs of tree_churn; what the library's authors advise"),
      number<options>(
          "pause_ms", 0, 0, bdwgc_heap<native>::generational_only,
          "0: collections stop the world; else incremental and generational, with pauses of about so many ms (999999: "
          "generational only)",
          "the library's default")};
  template <class M, options O>
  using heap = bdwgc_heap<M, O>;
  using variants = variant_list<options{}, options{.alloc = bdwgc_alloc::plain}>;
};

static_assert(strategy<bdwgc_heap<native>> && has_shared_slot<bdwgc_heap<native>> && has_borrow<bdwgc_heap<native>> &&
              collects_cycles<bdwgc_heap<native>> && has_weak<bdwgc_heap<native>>);

}  // namespace tally::strategies
