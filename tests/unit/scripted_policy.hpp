// The native policy with a hook before every atomic access: a test can run another context's steps exactly between two
// accesses of an operation, on one thread, and so visit interleavings that a stress run may never meet.
#pragma once

#include <functional>
#include <string_view>
#include <utility>

#include "harness/memory/native.hpp"

namespace tally {

struct scripted : native {
  static constexpr std::string_view name = "scripted";
  static constexpr bool measured = false;

  // Called with the field's name and "load", "store" or "rmw"; not while it runs itself.
  static inline std::function<void(std::string_view field, std::string_view access)> before;

  template <class T, field_name Name>
  class atomic {
   public:
    constexpr atomic() = default;
    constexpr explicit atomic(T v) : word_(v) {}
    [[nodiscard]] T load(std::memory_order o) const { return hook("load"), word_.load(o); }
    void store(T v, std::memory_order o) { hook("store"), word_.store(v, o); }
    T exchange(T v, std::memory_order o) { return hook("rmw"), word_.exchange(v, o); }
    T fetch_add(T v, std::memory_order o) { return hook("rmw"), word_.fetch_add(v, o); }
    T fetch_sub(T v, std::memory_order o) { return hook("rmw"), word_.fetch_sub(v, o); }
    T fetch_or(T v, std::memory_order o) { return hook("rmw"), word_.fetch_or(v, o); }
    T fetch_and(T v, std::memory_order o) { return hook("rmw"), word_.fetch_and(v, o); }
    bool compare_exchange_weak(T& e, T v, std::memory_order s, std::memory_order f) {
      return hook("rmw"), word_.compare_exchange_weak(e, v, s, f);
    }
    bool compare_exchange_strong(T& e, T v, std::memory_order s, std::memory_order f) {
      return hook("rmw"), word_.compare_exchange_strong(e, v, s, f);
    }

   private:
    static void hook(std::string_view access) {
      if (!before) return;
      auto script = std::exchange(before, nullptr);
      script(Name.view(), access);
      if (!before) before = std::move(script);
    }
    native::atomic<T, Name> word_;
  };
};

static_assert(memory_policy<scripted>);

}  // namespace tally
