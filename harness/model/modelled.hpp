// The modelled policy: every access to a named field is a step of a model checker, which decides who runs next and which of the
// values that the memory model allows a load may return.
//
// A program of two or three threads is run over and over, each time with another schedule. Found are: data races on vars (two
// accesses, one a write, that nothing orders), accesses to freed memory, frees that an earlier access is not ordered before,
// double frees, leaks, deadlocks, waits that never end, and whatever the program says with model::require(). The checker is
// Relacy; it is seen by modelled.cpp only, macros and all, and this header is plain C++.
//
// A modelled word holds nothing but a handle, and zero is a good one: so zeroed memory is a word of value 0, as it is natively,
// and no word needs a destructor. A handle knows its own address, hence words that are overwritten, moved or freed are found out.
//
// Roots are precise here: M::stack() is a small array of vars per thread, which model::hold keeps refs in (see hold.hpp in the
// tests). A machine stack can't be scanned under a checker that runs threads as fibers with their own compiler's spills.
//
// For proof that the checks can fail, one access at a time can be made wrong at run time (mutation below): no rebuild, and nothing
// in the measured build. Strategies mark decisions with tally::mutant (policy.hpp), which is constant false everywhere else.
//
// What it can't do: orders below C++'s (consume, compilers' out-of-thin-air values); staleness is bounded to the three youngest
// values of a word; a search that is not complete proves nothing about what it did not visit. Source: [Relacy08].
#pragma once

#include <cstring>
#include <functional>
#include <memory>
#include <source_location>
#include <string>
#include <string_view>
#include <vector>

#include "harness/memory/policy.hpp"

namespace tally::model {

enum class access : std::uint8_t { load, store, exchange, fetch_add, fetch_sub, fetch_or, fetch_and, compare_exchange };

// One access as it is written in the source.
struct site {
  std::string_view field;
  access what = access::load;
  std::memory_order order = std::memory_order_relaxed;
  std::source_location at;
  std::memory_order on_failure = std::memory_order_relaxed;  // of a compare_exchange
};

using handle = std::uintptr_t;  // of a word; 0: untouched, its value is 0

// `bytes`: of the word. Values are zero-extended.
std::uint64_t load(handle&, const site&);
void store(handle&, std::uint64_t, const site&);
std::uint64_t modify(handle&, std::uint64_t operand, unsigned bytes, const site&);
bool compare_exchange(handle&, std::uint64_t& expected, std::uint64_t desired, bool weak, const site&);
void begin(handle&, std::uint64_t value);  // a word that starts with another value than 0
std::uint64_t var_load(handle&, const site&);
void var_store(handle&, std::uint64_t, const site&);
void lock(handle&);
bool try_lock(handle&);
void unlock(handle&);

void* alloc(std::size_t bytes);
void free(void* p);
std::byte* reserve(std::size_t bytes);
void commit(std::byte* at, std::size_t bytes);
void unreserve(std::byte* at, std::size_t bytes);

void yield();
std::uint64_t now();
stack_range stack();
bool mutant(std::string_view step);

// For programs under the checker.

void require(bool holds, const char* what);
// Which of the stacks the calling code uses: -1, that of the thread it runs on. For a set-up that prepares several threads' contexts.
void act_as(int thread);
// A place on that stack, for one word; dropped in the opposite order.
handle& push_word();
void pop_word();

struct program {
  virtual ~program() = default;
  virtual void thread(int number) = 0;  // all of them at once
  virtual void end() {}                 // after all of them
};

enum class search { random, bounded, full };

struct plan {
  search kind = search::random;
  int threads = 2;
  std::uint64_t schedules = 1000;  // at most; a full or bounded search may end before
  int switches = 3;                // bounded: threads lose the processor against their will so often, at most
  std::uint64_t seed = 1;
};

struct outcome {
  bool complete = false;  // full and bounded: every schedule has been visited
  std::uint64_t schedules = 0;
  std::string failure;    // empty: none
  std::string history;    // what led to it, if asked for
};

[[nodiscard]] outcome check(const plan&, const std::function<std::unique_ptr<program>()>& make, bool with_history = true);

// Mutations: one access, or one marked step, that is done wrongly.

enum class change : std::uint8_t {
  weaken,          // the access has the order `to`
  weaken_failure,  // the same for the order of a compare_exchange that fails
  skip,            // a store is not made; a read-modify-write only reads
  delay,           // a store is made after the thread's next write to a shared word, or unlock
  tear,            // a read-modify-write is a load and a store
  step,            // tally::mutant of this name is true
};

struct mutation {
  change what = change::step;
  site where;                                             // of an access
  std::memory_order to = std::memory_order_relaxed;
  std::string name;                                       // that people read and lists refer to; of a step, the step's
  [[nodiscard]] bool same_as(const mutation& o) const;    // whatever the name
};

// All mutations that a run of these schedules could be changed by, nameless but for steps.
[[nodiscard]] std::vector<mutation> mutations_of(const plan&, const std::function<std::unique_ptr<program>()>& make);
// Names them by file, function, field and access, so that a name survives the lines above it.
void name_all(std::vector<mutation>&);
// In force until called again; null: none.
void mutate(const mutation*);

}  // namespace tally::model

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
      const bool done = model::compare_exchange(handle_, b, bits(v), weak,
                                                {Name.view(), model::access::compare_exchange, o, at, on_failure});
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
