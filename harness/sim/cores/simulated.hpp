// The simulated policy: the virtual multicore (harness/sim/cores/multicore.hpp) instead of the machine.
//
// A field is its value and an announcement: every access to it is first an event of the simulated memory system, attributed to
// the field's name and to the core whose fiber makes it, and then a plain access, since no other fiber can run in between.
// Memory orders mean nothing here: the interleaving is sequentially consistent. A failed compare-exchange is an RMW that takes
// the line, and counted by the name of its field.
//
// Outside of a run (the plan asks a workload what it thinks of its parameters) fields are plain words, and memory is native.
// What is not modelled is in docs/simulator.md; of this file: memory that the allocator reads and writes for itself.
#pragma once

#include <algorithm>
#include <bit>
#include <new>

#include "harness/memory/native.hpp"
#include "harness/sim/cores/field_names.hpp"
#include "harness/sim/cores/multicore.hpp"

namespace tally {

class simulated_tasks;

namespace sim {

// One call a place: what an access costs in the code of a strategy.
void announce(const void* at, unsigned size, std::uint16_t field, access_kind kind);
// The same for an atomic that is written: by a store, and by a read-modify-write that can't fail.
void announce_store(const void* at, unsigned size, std::uint16_t field);
void announce_rmw(const void* at, unsigned size, std::uint16_t field);
// An atomic was written by a compare-exchange, after its access; one failed; one was made. See multicore.
void note_rmw(const void* at, std::uint16_t field);
void note_failed_cas(std::uint16_t field);
void note_store(const void* at);
// Memory of the run that is going on, or the process's.
void* allocate(std::size_t bytes);
void release(void* p);
std::byte* reserve(std::size_t bytes);
void unreserve(std::byte* at, std::size_t bytes);

}  // namespace sim

struct simulated {
  static constexpr std::string_view name = "simulated";
  static constexpr bool measured = false;

  template <class T, field_name Name>
  class atomic {
   public:
    constexpr atomic() { begin(); }
    constexpr explicit atomic(T v) : word_(v) { begin(); }
    [[nodiscard]] T load(std::memory_order) const {
      announce(sim::access_kind::load);
      return word_;
    }
    void store(T v, std::memory_order) {
      sim::announce_store(&word_, sizeof(T), sim::field_number<Name>);
      word_ = v;
    }
    T exchange(T v, std::memory_order) {
      return modify([v](T) { return v; });
    }
    T fetch_add(T v, std::memory_order) {
      return modify([v](T w) { return static_cast<T>(w + v); });
    }
    T fetch_sub(T v, std::memory_order) {
      return modify([v](T w) { return static_cast<T>(w - v); });
    }
    T fetch_or(T v, std::memory_order) {
      return modify([v](T w) { return static_cast<T>(w | v); });
    }
    T fetch_and(T v, std::memory_order) {
      return modify([v](T w) { return static_cast<T>(w & v); });
    }
    bool compare_exchange_weak(T& expected, T v, std::memory_order success, std::memory_order failure) {
      return compare_exchange_strong(expected, v, success, failure);
    }
    bool compare_exchange_strong(T& expected, T v, std::memory_order, std::memory_order) {
      announce(sim::access_kind::rmw);
      if (word_ == expected) {
        word_ = v;
        sim::note_rmw(&word_, sim::field_number<Name>);
        return true;
      }
      expected = word_;
      sim::note_failed_cas(sim::field_number<Name>);
      return false;
    }

   private:
    constexpr void begin() const {
      if (!std::is_constant_evaluated()) sim::note_store(&word_);
    }
    void announce(sim::access_kind k) const { sim::announce(&word_, sizeof(T), sim::field_number<Name>, k); }
    template <class F>
    T modify(F f) {
      sim::announce_rmw(&word_, sizeof(T), sim::field_number<Name>);
      const T old = word_;
      word_ = f(old);
      return old;
    }
    T word_{};
  };

  template <class T, field_name Name>
  class var {
   public:
    constexpr var() = default;
    constexpr explicit var(T v) : word_(v) {}
    [[nodiscard]] T load() const {
      sim::announce(&word_, sizeof(T), sim::field_number<Name>, sim::access_kind::load);
      return word_;
    }
    void store(T v) {
      sim::announce(&word_, sizeof(T), sim::field_number<Name>, sim::access_kind::store);
      word_ = v;
    }

   private:
    T word_{};
  };

  static void* alloc(std::size_t bytes) { return sim::allocate(bytes); }
  static void free(void* p) { sim::release(p); }

  // See reserving in policy.hpp. Pages come when they are touched, and are zero: there is nothing to commit.
  static std::byte* reserve(std::size_t bytes) { return sim::reserve(bytes); }
  static void commit(std::byte* at, std::size_t bytes) {
    if (sim::running == nullptr) native::commit(at, bytes);
  }
  static void unreserve(std::byte* at, std::size_t bytes) { sim::unreserve(at, bytes); }

  // Memory that is zeroed before it is used: a store a line, "zeroing".
  static void zeroed(void* at, std::size_t bytes) {
    if (sim::running != nullptr) sim::running->access_range(at, bytes, sim::field_number<"zeroing">, sim::access_kind::store);
  }

  template <field_name Path>
  static void note_path() {
    if (sim::running != nullptr) sim::running->note_path(sim::path_number<Path>);
  }
  template <field_name Path>
  static void note_periodic() {
    if (sim::running != nullptr) sim::running->note_periodic(sim::path_number<Path>);
  }

  static void pause() {
    if (sim::running != nullptr) sim::running->pause();
  }
  template <class Predicate>
  static void wait_until(Predicate&& done) {
    wait_until(done, ~std::uint64_t{0});
  }
  // `deadline` in now()'s unit.
  template <class Predicate>
  static bool wait_until(Predicate&& done, std::uint64_t deadline) {
    if (sim::running == nullptr) return native::wait_until(done, deadline);
    return sim::running->wait_until(done, deadline);
  }
  // Cycles of the core that the caller is on.
  static std::uint64_t now() { return sim::running == nullptr ? 0 : sim::running->now(); }

  static stack_range stack() { return sim::running == nullptr ? native::stack() : sim::running->stack(); }
  // Saving registers writes the top of the stack; with it, the frames that changed since the last time are with this core.
  template <class F>
  static void with_spilled_registers(F&& f) {
    native::with_spilled_registers([&](const std::byte* sp) {
      sim::announce(sp, 8, sim::field_number<"stack">, sim::access_kind::store);
      f(sp);
    });
  }
  template <class F>
  static void scan(const std::byte* low, const std::byte* high, F&& f) {
    native::scan(low, high, [&, at = low](std::uintptr_t word) mutable {
      sim::announce(at, sizeof word, sim::field_number<"stack">, sim::access_kind::load);
      at += sizeof word;
      f(word);
    });
  }

  // One word, as pthread's: a compare-exchange takes it, an exchange gives it back. Who finds it taken waits.
  class mutex {
   public:
    void lock() {
      if (!try_lock()) wait_until([this] { return word_.load(std::memory_order_relaxed) == 0 && try_lock(); });
    }
    bool try_lock() {
      std::uint32_t free = 0;
      return word_.compare_exchange_strong(free, 1, std::memory_order_acquire, std::memory_order_relaxed);
    }
    void unlock() { word_.exchange(0, std::memory_order_release); }

   private:
    atomic<std::uint32_t, "lock"> word_;
  };

  // A bounded FIFO for many producers and consumers: a ring of cells with sequence numbers [Vyukov10].
  template <class T>
  class channel {
   public:
    explicit channel(std::size_t capacity)
        : size_(std::bit_ceil(std::max<std::size_t>(capacity, 1))), least_(size_ - std::max<std::size_t>(capacity, 1)),
          cells_(static_cast<cell*>(alloc(size_ * sizeof(cell)))) {
      for (std::size_t i = 0; i < size_; ++i) new (cells_ + i) cell(i);
    }
    ~channel() { free(cells_); }
    channel(const channel&) = delete;
    channel& operator=(const channel&) = delete;

    bool try_push(T item) {
      std::uint64_t at = head_.load(std::memory_order_relaxed);
      for (;;) {
        // A capacity that is no power of two leaves cells unused.
        if (least_ != 0 && at - tail_.load(std::memory_order_acquire) >= size_ - least_) return false;
        cell& c = cells_[at % size_];
        const std::uint64_t turn = c.turn.load(std::memory_order_acquire);
        if (turn == at) {
          if (!head_.compare_exchange_weak(at, at + 1, std::memory_order_relaxed, std::memory_order_relaxed)) continue;
          c.item.store(item);
          c.turn.store(at + 1, std::memory_order_release);
          return true;
        }
        if (turn < at) return false;
        at = head_.load(std::memory_order_relaxed);
      }
    }
    bool try_pop(T& item) {
      std::uint64_t at = tail_.load(std::memory_order_relaxed);
      for (;;) {
        cell& c = cells_[at % size_];
        const std::uint64_t turn = c.turn.load(std::memory_order_acquire);
        if (turn == at + 1) {
          if (!tail_.compare_exchange_weak(at, at + 1, std::memory_order_relaxed, std::memory_order_relaxed)) continue;
          item = c.item.load();
          c.turn.store(at + size_, std::memory_order_release);
          return true;
        }
        if (turn < at + 1) return false;
        at = tail_.load(std::memory_order_relaxed);
      }
    }

   private:
    struct cell {
      explicit cell(std::uint64_t t) : turn(t) {}
      atomic<std::uint64_t, "queue"> turn;  // whose turn it is: a push's number, or that plus one for the pop
      var<T, "queue"> item;
    };
    const std::size_t size_, least_;
    cell* cells_;
    alignas(64) atomic<std::uint64_t, "queue"> head_;
    alignas(64) atomic<std::uint64_t, "queue"> tail_;
  };

  using tasks = simulated_tasks;
};

static_assert(memory_policy<simulated> && reserving<simulated>);

}  // namespace tally
