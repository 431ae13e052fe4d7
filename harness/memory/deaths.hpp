// When objects died, and when they were freed: what the stamped policy (memory/stamped.hpp) keeps of both.
//
// An object dies when its last reference is dropped, which only a workload knows; it is freed when its strategy gets round to it.
// Each thread has a record of its own and writes to no other, so that recording moves no line between threads that run. How long an
// object took is counted by who frees it, or, where it is freed in a stop, in the record of the thread that dropped it, which is
// stopped then.
//
// A record counts the deaths of its thread's window and those of them that were freed before its window closed; the rest are
// censored: it is not known how long they took, only that it is longer than what was left of the window.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "harness/base/histogram.hpp"

namespace tally {

// Of one object, in one word, so that objects grow by little.
class death {
 public:
  death() = default;  // it is alive
  death(std::uint64_t now, bool in_window, std::size_t bytes)
      : word_(now << time_shift | (in_window ? window_bit : 0) | std::clamp<std::uint64_t>((bytes + 7) / 8, 1, most_units)) {}
  [[nodiscard]] bool known() const { return word_ != 0; }
  [[nodiscard]] bool in_window() const { return (word_ & window_bit) != 0; }
  // In multiples of 8; 8 MiB at most.
  [[nodiscard]] std::size_t bytes() const { return (word_ & most_units) * 8; }
  // How long ago, in ns: the clock's low 43 bits, which come round after two hours.
  [[nodiscard]] std::uint64_t until(std::uint64_t now) const { return (now - (word_ >> time_shift)) << time_shift >> time_shift; }

 private:
  static constexpr int time_shift = 21;
  static constexpr std::uint64_t window_bit = std::uint64_t{1} << 20, most_units = window_bit - 1;
  std::uint64_t word_ = 0;
};

// Objects that one thread dropped and a heap has yet to free in a stop. The thread adds; a collector removes while it is stopped,
// anywhere: by a signal, perhaps, and in the middle of add().
class awaited_deaths {
 public:
  awaited_deaths() = default;
  ~awaited_deaths() { clear(); }
  awaited_deaths(const awaited_deaths&) = delete;
  awaited_deaths& operator=(const awaited_deaths&) = delete;

  void add(void* object, death died) {
    chunk* c = first_.load(std::memory_order_relaxed);  // relaxed: only this thread changes it, and its count
    if (c == nullptr || c->count.load(std::memory_order_relaxed) == chunk::size) c = extend();
    const std::size_t n = c->count.load(std::memory_order_relaxed);
    c->entries[n] = {object, died};
    c->count.store(n + 1, std::memory_order_release);  // pairs with the acquire in remove_if(), which sees whole entries
  }
  // Those of which gone(object, died) is true.
  template <class F>
  void remove_if(F&& gone) {
    chunk* const filling = first_.load(std::memory_order_acquire);  // pairs with the release in extend()
    for (chunk *c = filling, *before = nullptr; c != nullptr;) {
      chunk* const next = c->next;
      const std::size_t n = c->count.load(std::memory_order_acquire);
      for (std::size_t i = 0; i < n; ++i) {
        entry& e = c->entries[i];
        if (e.object == nullptr || !gone(e.object, e.died)) continue;
        e.object = nullptr;
        ++c->removed;
      }
      // The thread may be about to add to the first.
      if (c != filling && c->removed == chunk::size) {
        before->next = next;
        set_aside(*c);
      } else {
        before = c;
      }
      c = next;
    }
  }
  // While nobody adds or removes.
  void clear();

 private:
  struct entry {
    void* object = nullptr;
    death died;
  };
  struct chunk {
    static constexpr std::size_t size = 4000;  // some 64 KB
    std::atomic<std::size_t> count{0};
    std::size_t removed = 0;
    chunk* next = nullptr;
    std::array<entry, size> entries;
  };

  chunk* extend();
  void set_aside(chunk& c) {
    c.count.store(0, std::memory_order_relaxed);  // relaxed: nobody sees the chunk before the release below
    c.removed = 0;
    c.next = spare_.load(std::memory_order_relaxed);
    spare_.store(&c, std::memory_order_release);  // pairs with the acquire in extend()
  }

  std::atomic<chunk*> first_{nullptr};  // the others are full
  std::atomic<chunk*> spare_{nullptr};
};

struct objects_and_bytes {
  std::int64_t objects = 0, bytes = 0;
};

// One thread's.
class death_record {
 public:
  // The calling thread's; it outlives the thread.
  static death_record& mine();

  // The thread's window.
  void open() { open_.store(true, std::memory_order_relaxed); }  // relaxed: who else reads it stopped the thread
  void close() { open_.store(false, std::memory_order_relaxed); }

  // An object of so many bytes dies at `now`, dropped by this thread.
  [[nodiscard]] death dies(std::uint64_t now, std::size_t bytes) {
    const bool in_window = open_.load(std::memory_order_relaxed);
    const death d(now, in_window, bytes);
    died_in_window_ += in_window ? 1 : 0;
    died_.add(d);
    return d;
  }
  void awaits(void* object, death died) { awaited_.add(object, died); }
  // By this thread; or in a stop of it, for it.
  void freed(death died, std::uint64_t now) {
    freed_.add(died);
    if (died.in_window() && open_.load(std::memory_order_relaxed)) delays_.record(died.until(now));
  }

 private:
  friend class death_book;
  class lease;
  // Written by one thread at a time. relaxed: a sampler reads while it runs.
  struct sums {
    void add(death d) {
      objects.store(objects.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
      bytes.store(bytes.load(std::memory_order_relaxed) + static_cast<std::int64_t>(d.bytes()), std::memory_order_relaxed);
    }
    void clear() {
      objects.store(0, std::memory_order_relaxed);
      bytes.store(0, std::memory_order_relaxed);
    }
    std::atomic<std::int64_t> objects{0}, bytes{0};
  };
  death_record() { delays_.allocate(); }  // a collector that records has stopped threads inside of malloc, perhaps

  std::atomic<bool> taken_{true};  // a thread has it
  death_record* next_ = nullptr;
  std::atomic<bool> open_{false};
  std::uint64_t died_in_window_ = 0;
  sums died_, freed_;
  histogram delays_;  // of what died in a window and was freed before its thread's closed
  awaited_deaths awaited_;
};

// What a window saw of its deaths.
struct window_deaths {
  std::uint64_t objects = 0;  // that died in it
  histogram delays;           // ns from the last drop to the free, of those that were freed in it
  [[nodiscard]] std::uint64_t censored() const { return objects - delays.total(); }
};

// All records of the process. One window is measured at a time.
class death_book {
 public:
  // Forgets everything. While no thread records, and before the heap of the next window is made.
  static void begin();
  // Dead and not yet freed, ramps included. From any thread; while others record, an estimate.
  [[nodiscard]] static objects_and_bytes held_back();
  // After the lanes.
  [[nodiscard]] static window_deaths of_window();
  // In a stop: of what is awaited, that of which lives(object) is false is freed at `now`. Takes no lock and no memory.
  template <class F>
  static void stopped(std::uint64_t now, F&& lives) {
    for (death_record* r = first(); r != nullptr; r = r->next_) {
      r->awaited_.remove_if([&](void* object, death died) {
        if (lives(object)) return false;
        r->freed(died, now);
        return true;
      });
    }
  }

 private:
  friend class death_record;
  static death_record* first() { return first_.load(std::memory_order_acquire); }  // pairs with the release in obtain()
  static death_record& obtain();
  static inline std::atomic<death_record*> first_{nullptr};  // records are used again and never freed
};

}  // namespace tally
