// The modelled policy: every access to a named field is a step of a model checker, which decides who runs next and which of the
// values that the memory model allows a load may return. What it calls for each is in words.hpp, memory.hpp and threads.hpp;
// search.hpp runs programs on it, and mutations.hpp makes them wrong.
//
// A program of two or three threads is run over and over, each time with another schedule. Found are: data races on vars (two
// accesses, one a write, that nothing orders), accesses to freed memory, frees that an earlier access is not ordered before,
// double frees, leaks, deadlocks, waits that never end, and whatever the program says with model::require(). The checker is
// Relacy; checker.hpp includes it, for this folder's sources only, and this header is plain C++.
//
// Roots are precise here: M::stack() is a small array of vars per thread, which model::hold keeps refs in (see hold.hpp in the
// tests). A machine stack can't be scanned under a checker that runs threads as fibers with their own compiler's spills.
//
// What it can't do: orders below C++'s (consume, compilers' out-of-thin-air values); staleness is bounded to the three youngest
// values of a word; a search that is not complete proves nothing about what it did not visit. Source: [Relacy08].
#pragma once

#include <cstring>
#include <source_location>
#include <string_view>
#include <vector>

#include "harness/memory/policy.hpp"
#include "harness/model/memory.hpp"
#include "harness/model/mutations.hpp"
#include "harness/model/threads.hpp"
#include "harness/model/words.hpp"

namespace tally {

struct modelled {
  static constexpr std::string_view name = "modelled";
  static constexpr bool measured = false;
  static constexpr bool crowded = true;
  using location = std::source_location;

  template <class T, field_name Name>
  class atomic {
    static_assert(sizeof(T) <= 8 && std::is_trivially_copyable_v<T>);
    using order = std::memory_order;

   public:
    atomic() = default;
    explicit atomic(T v) {
      if (bits(v) != 0) model::begin(handle_, bits(v));
    }
    atomic(const atomic&) = delete;
    atomic& operator=(const atomic&) = delete;
    [[nodiscard]] T load(order o, location at = location::current()) const {
      return value(model::load(handle_, {Name.view(), model::access::load, o, at}));
    }
    void store(T v, order o, location at = location::current()) {
      model::store(handle_, bits(v), {Name.view(), model::access::store, o, at});
    }
    T exchange(T v, order o, location at = location::current()) { return modify(v, model::access::exchange, o, at); }
    T fetch_add(T v, order o, location at = location::current()) { return modify(v, model::access::fetch_add, o, at); }
    T fetch_sub(T v, order o, location at = location::current()) { return modify(v, model::access::fetch_sub, o, at); }
    T fetch_or(T v, order o, location at = location::current()) { return modify(v, model::access::fetch_or, o, at); }
    T fetch_and(T v, order o, location at = location::current()) { return modify(v, model::access::fetch_and, o, at); }
    bool compare_exchange_weak(T& expected, T v, order o, order on_failure, location at = location::current()) {
      return exchange_if(expected, v, true, o, on_failure, at);
    }
    bool compare_exchange_strong(T& expected, T v, order o, order on_failure, location at = location::current()) {
      return exchange_if(expected, v, false, o, on_failure, at);
    }

   private:
    static std::uint64_t bits(T v) {
      std::uint64_t b = 0;
      std::memcpy(&b, &v, sizeof(T));
      return b;
    }
    static T value(std::uint64_t b) {
      T v;
      std::memcpy(&v, &b, sizeof(T));
      return v;
    }
    T modify(T v, model::access what, order o, const location& at) {
      return value(model::modify(handle_, bits(v), sizeof(T), {Name.view(), what, o, at}));
    }
    bool exchange_if(T& expected, T v, bool weak, order o, order on_failure, const location& at) {
      std::uint64_t b = bits(expected);
      const bool done =
          model::compare_exchange(handle_, b, bits(v), weak, {Name.view(), model::access::compare_exchange, o, at, on_failure});
      expected = value(b);
      return done;
    }
    mutable model::handle handle_ = 0;
  };

  template <class T, field_name Name>
  class var {
    static_assert(sizeof(T) <= 8 && std::is_trivially_copyable_v<T>);

   public:
    var() = default;
    explicit var(T v) { store(v); }
    var(const var&) = delete;
    var& operator=(const var&) = delete;
    [[nodiscard]] T load(location at = location::current()) const {
      const std::uint64_t b = model::var_load(handle_, {Name.view(), model::access::load, std::memory_order_relaxed, at});
      T v;
      std::memcpy(&v, &b, sizeof(T));
      return v;
    }
    void store(T v, location at = location::current()) {
      std::uint64_t b = 0;
      std::memcpy(&b, &v, sizeof(T));
      model::var_store(handle_, b, {Name.view(), model::access::store, std::memory_order_relaxed, at});
    }

   private:
    mutable model::handle handle_ = 0;
  };

  class mutex {
   public:
    mutex() = default;
    mutex(const mutex&) = delete;
    mutex& operator=(const mutex&) = delete;
    void lock() { model::lock(handle_); }
    bool try_lock() { return model::try_lock(handle_); }
    void unlock() { model::unlock(handle_); }

   private:
    model::handle handle_ = 0;
  };

  static void* alloc(std::size_t bytes) { return model::alloc(bytes); }
  static void free(void* p) { model::free(p); }
  static std::byte* reserve(std::size_t bytes) { return model::reserve(bytes); }
  static void commit(std::byte* at, std::size_t bytes) { model::commit(at, bytes); }
  static void unreserve(std::byte* at, std::size_t bytes) { model::unreserve(at, bytes); }

  static void pause() {}
  template <class Predicate>
  static void wait_until(Predicate&& done) {
    while (!done()) model::yield();
  }
  template <class Predicate>
  static bool wait_until(Predicate&& done, std::uint64_t deadline) {
    for (;;) {
      if (done()) return true;
      if (now() >= deadline) return done();
      model::yield();
    }
  }
  static std::uint64_t now() { return model::now(); }

  static stack_range stack() { return model::stack(); }
  template <class F>
  static void with_spilled_registers(F&& f) {
    f(stack().low);
  }
  template <class F>
  static void scan(const std::byte* low, const std::byte* high, F&& f) {
    for (const auto* at = low; at < high; at += sizeof(model::handle)) {
      auto& word = *const_cast<model::handle*>(reinterpret_cast<const model::handle*>(at));
      if (word != 0) f(model::var_load(word, {"stack", model::access::load, std::memory_order_relaxed, location::current()}));
    }
  }

  static bool mutant(std::string_view step) { return model::mutant(step); }

  // A ring under one lock.
  template <class T>
  class channel {
   public:
    explicit channel(std::size_t capacity) : items_(capacity + 1) {}
    bool try_push(T item) {
      lock_.lock();
      const std::size_t at = head_.load(), next = (at + 1) % items_.size();
      const bool room = next != tail_.load();
      if (room) {
        items_[at] = item;
        head_.store(next);
      }
      lock_.unlock();
      return room;
    }
    bool try_pop(T& item) {
      lock_.lock();
      const std::size_t at = tail_.load();
      const bool any = at != head_.load();
      if (any) {
        item = items_[at];
        tail_.store((at + 1) % items_.size());
      }
      lock_.unlock();
      return any;
    }

   private:
    mutex lock_;
    std::vector<T> items_;
    var<std::size_t, "channel"> head_, tail_;
  };
};

static_assert(memory_policy<modelled> && reserving<modelled>);

}  // namespace tally
