// A small memory policy that writes down every access to a named field: proof that a strategy's source runs on another world
// than the machine, and a way to say in a test which accesses an operation makes. One thread at a time.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "harness/memory/native.hpp"

namespace tally {

struct access_counts {
  int loads = 0, stores = 0, rmws = 0;
  friend bool operator==(const access_counts&, const access_counts&) = default;
};
inline void PrintTo(const access_counts& a, std::ostream* os) {
  *os << "{loads " << a.loads << ", stores " << a.stores << ", rmws " << a.rmws << "}";
}

struct recording {
  static constexpr std::string_view name = "recording";
  static constexpr bool measured = false;

  static inline std::map<std::string, access_counts, std::less<>> seen;
  static inline int allocations = 0, frees = 0;
  static void clear() {
    seen.clear();
    allocations = frees = 0;
  }

  template <class T, field_name Name>
  class atomic {
   public:
    constexpr atomic() = default;
    constexpr explicit atomic(T v) : word_(v) {}
    [[nodiscard]] T load(std::memory_order o) const { return ++at().loads, word_.load(o); }
    void store(T v, std::memory_order o) { ++at().stores, word_.store(v, o); }
    T exchange(T v, std::memory_order o) { return ++at().rmws, word_.exchange(v, o); }
    T fetch_add(T v, std::memory_order o) { return ++at().rmws, word_.fetch_add(v, o); }
    T fetch_sub(T v, std::memory_order o) { return ++at().rmws, word_.fetch_sub(v, o); }
    T fetch_or(T v, std::memory_order o) { return ++at().rmws, word_.fetch_or(v, o); }
    T fetch_and(T v, std::memory_order o) { return ++at().rmws, word_.fetch_and(v, o); }
    bool compare_exchange_weak(T& e, T v, std::memory_order s, std::memory_order f) {
      return ++at().rmws, word_.compare_exchange_weak(e, v, s, f);
    }
    bool compare_exchange_strong(T& e, T v, std::memory_order s, std::memory_order f) {
      return ++at().rmws, word_.compare_exchange_strong(e, v, s, f);
    }

   private:
    static access_counts& at() { return seen[std::string(Name.view())]; }
    native::atomic<T, Name> word_;
  };

  template <class T, field_name Name>
  class var {
   public:
    constexpr var() = default;
    constexpr explicit var(T v) : word_(v) {}
    [[nodiscard]] T load() const { return ++at().loads, word_; }
    void store(T v) { ++at().stores, word_ = v; }

   private:
    static access_counts& at() { return seen[std::string(Name.view())]; }
    T word_{};
  };

  using mutex = native::mutex;
  template <class T>
  using channel = native::channel<T>;
  static void* alloc(std::size_t bytes) { return ++allocations, native::alloc(bytes); }
  static void free(void* p) { ++frees, native::free(p); }
  static void pause() { native::pause(); }
  template <class P>
  static void wait_until(P&& p) {
    native::wait_until(p);
  }
  template <class P>
  static bool wait_until(P&& p, std::uint64_t deadline) {
    return native::wait_until(p, deadline);
  }
  static std::uint64_t now() { return native::now(); }
  static stack_range stack() { return native::stack(); }
  template <class F>
  static void with_spilled_registers(F&& f) {
    native::with_spilled_registers(f);
  }
  template <class F>
  static void scan(const std::byte* low, const std::byte* high, F&& f) {
    native::scan(low, high, f);
  }
};

static_assert(memory_policy<recording>);

}  // namespace tally
