// The native policy: the machine as it is. `atomic` is std::atomic, `var` is a plain word, and neither costs an instruction
// more than that (tests/codegen holds the generated code against hand-written functions).
#pragma once

#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <time.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <mutex>
#include <new>
#include <thread>

#include "harness/memory/channel_native.hpp"
#include "harness/memory/leak_roots.hpp"
#include "harness/memory/policy.hpp"
#include "harness/memory/tasks_native.hpp"

namespace tally {

struct native {
  static constexpr std::string_view name = "native";
  static constexpr bool measured = true;

  template <class T, field_name>
  class atomic {
   public:
    constexpr atomic() = default;
    constexpr explicit atomic(T v) : word_(v) {}
    [[nodiscard]] T load(std::memory_order o) const { return word_.load(o); }
    void store(T v, std::memory_order o) { word_.store(v, o); }
    T exchange(T v, std::memory_order o) { return word_.exchange(v, o); }
    T fetch_add(T v, std::memory_order o) { return word_.fetch_add(v, o); }
    T fetch_sub(T v, std::memory_order o) { return word_.fetch_sub(v, o); }
    T fetch_or(T v, std::memory_order o) { return word_.fetch_or(v, o); }
    T fetch_and(T v, std::memory_order o) { return word_.fetch_and(v, o); }
    bool compare_exchange_weak(T& expected, T v, std::memory_order success, std::memory_order failure) {
      return word_.compare_exchange_weak(expected, v, success, failure);
    }
    bool compare_exchange_strong(T& expected, T v, std::memory_order success, std::memory_order failure) {
      return word_.compare_exchange_strong(expected, v, success, failure);
    }

   private:
    std::atomic<T> word_{};
  };

  template <class T, field_name>
  class var {
   public:
    constexpr var() = default;
    constexpr explicit var(T v) : word_(v) {}
    [[nodiscard]] T load() const { return word_; }
    void store(T v) { word_ = v; }

   private:
    T word_{};
  };

  using mutex = std::mutex;
  using tasks = native_tasks;

  static void* alloc(std::size_t bytes) {
    void* p = std::malloc(bytes);  // glibc, mimalloc and jemalloc align to 16
    if (p == nullptr) [[unlikely]]
      throw std::bad_alloc();
    return p;
  }
  static void free(void* p) { std::free(p); }
  // What a block of alloc() takes, in bytes: as many as were asked for, or some more. mimalloc and jemalloc answer for theirs.
  static std::size_t block_bytes(void* p) { return ::malloc_usable_size(p); }

  // Address space without memory, and memory for a part of it: see reserving in policy.hpp.
  static std::byte* reserve(std::size_t bytes) {
    void* p = mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) throw std::bad_alloc();
    leak_roots::add(p, bytes);
    return static_cast<std::byte*>(p);
  }
  static void commit(std::byte* at, std::size_t bytes) {
    if (mprotect(at, bytes, PROT_READ | PROT_WRITE) != 0) throw std::bad_alloc();
  }
  static void unreserve(std::byte* at, std::size_t bytes) {
    leak_roots::remove(at, bytes);
    munmap(at, bytes);
  }

  template <delay D>
  static void note_delay() {
    noted_delays.add(D);
  }

  static void pause() {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("isb");
#else
    asm volatile("" ::: "memory");
#endif
  }

  // Waits in three steps: about a microsecond of spinning (the other side is running); then, for as long as most stops of the
  // world last, spinning with yields in between (it is running for longer, or wants this core); then sleeps of 50 us (it is
  // blocked).
  template <class Predicate>
  static void wait_until(Predicate&& done) {
    wait_until(done, ~std::uint64_t{0});
  }
  template <class Predicate>
  static bool wait_until(Predicate&& done, std::uint64_t deadline_ns) {
    for (int i = 0; i < 64; ++i) {
      if (done()) return true;
      pause();
    }
    return wait_longer([](void* p) { return static_cast<bool>((*static_cast<std::remove_reference_t<Predicate>*>(p))()); },
                       const_cast<void*>(static_cast<const void*>(&done)), deadline_ns);
  }

  static std::uint64_t now() { return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count()); }

  // Until a time, and not for one: std::this_thread::sleep_for goes on with what is left after a signal, to which the kernel adds
  // its slack of 50 us. Where a collector stops the thread more often than that, such a sleep never ends.
  static void sleep(std::uint64_t ns) {
    const std::uint64_t end = now() + ns;
    const timespec until{static_cast<std::time_t>(end / 1'000'000'000), static_cast<long>(end % 1'000'000'000)};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr) == EINTR) {}
  }

  // Throws std::bad_alloc: the library needs memory to find out. A stack that is not known would not be scanned.
  static stack_range stack() {
    static thread_local const stack_range mine = [] {
      pthread_attr_t attr;
      void* low = nullptr;
      std::size_t bytes = 0;
      if (pthread_getattr_np(pthread_self(), &attr) != 0) throw std::bad_alloc();
      pthread_attr_getstack(&attr, &low, &bytes);
      pthread_attr_destroy(&attr);
      const auto* start = static_cast<const std::byte*>(low);
      return stack_range{start, start + bytes};
    }();
    return mine;
  }

  // __builtin_unwind_init makes the compiler save every callee-saved register in this frame; a setjmp buffer would not do,
  // since glibc mangles rbp in it. f runs in frames below, so the address of a local of scan_from() is below the saves.
  template <class F>
  [[gnu::noinline]] static void with_spilled_registers(F&& f) {
    __builtin_unwind_init();
    scan_from(f);
    asm volatile("" ::: "memory");  // keeps this frame alive: no tail call
  }

  // Reads [low, high) word by word as memory that may hold anything. Not instrumented by sanitizers: a conservative scan reads
  // AddressSanitizer's red zones on purpose, and locals of a blocked thread's callers that its wait writes to (a flag, a
  // count; never a ref).
  template <class F>
  [[gnu::no_sanitize_address, gnu::no_sanitize_thread]] static void scan(const std::byte* low, const std::byte* high, F&& f) {
    for (const auto* at = low; at < high; at += sizeof(std::uintptr_t)) {
      f(*reinterpret_cast<const volatile std::uintptr_t*>(at));
    }
  }

  template <class T>
  using channel = native_channel<T>;

 private:
  static constexpr std::uint64_t spins_ns = 500'000;

  // One for all predicates, and out of line: who gets here has waited for a microsecond.
  [[gnu::noinline]] static bool wait_longer(bool (*done)(void*), void* predicate, std::uint64_t deadline_ns) {
    const std::uint64_t spins_until = now() + spins_ns;
    for (;;) {
      if (done(predicate)) return true;
      const std::uint64_t t = now();
      if (t >= deadline_ns) return done(predicate);
      if (t < spins_until) {
        sched_yield();
        for (int i = 0; i < 16; ++i) {
          if (done(predicate)) return true;  // it may have taken a lock or an item: true is said once
          pause();
        }
      } else {
        sleep(50'000);
      }
    }
  }

  template <class F>
  [[gnu::noinline]] static void scan_from(F& f) {
    const auto* here = static_cast<const std::byte*>(__builtin_frame_address(0));
    f(here);
    asm volatile("" ::: "memory");
  }
};

static_assert(memory_policy<native> && reserving<native>);

}  // namespace tally
