// The virtual multicore: fibers on virtual cores, whose every access to a named field is an event of the memory system and a
// place where another core may run.
//
// One operating-system thread runs all of it. A core's clock says at which cycle it is; under the schedule `timed` the fiber
// with the smallest clock moves, so that events happen in the order of virtual time. Between two accesses nothing can be
// seen from outside, and a switch is possible before every one of them; it happens only when another fiber's clock is
// smaller. The other schedules force an order instead: they bound what a different timing could do (schedule.hpp).
//
// Waiting. A predicate that wait_until() is given is evaluated like any other code, its accesses count. If it is false the
// fiber is parked with the lines that the predicate read, and is ready again when another core writes one of them: that is a
// core that spins on its own copy until the copy is invalidated. After `spins` vain looks it is taken to have gone to sleep,
// and only a write that changes something wakes it. A predicate that reads nothing of the simulated machine (the end of the
// run) is looked at again when the engine says that something has happened. When nobody is ready and nobody waits for a
// time, the run is a deadlock, and says who waits for what.
//
// Values are changed after the access returned, by the policy's own code; no other fiber runs in between.
#pragma once

#include <boost/context/fiber.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "harness/base/random.hpp"
#include "harness/memory/handoffs.hpp"
#include "harness/sim/caches/growing_array.hpp"
#include "harness/sim/caches/memory_system.hpp"
#include "harness/sim/cores/schedule.hpp"
#include "harness/sim/cores/space.hpp"

namespace tally::sim {

class multicore {
 public:
  multicore(space&, memory_system&, const schedule&, std::uint64_t seed);
  ~multicore();
  multicore(const multicore&) = delete;
  multicore& operator=(const multicore&) = delete;

  // From outside: runs `first` as a fiber of core 0 until it has ended, or the run has failed.
  void run(std::function<void()> first);
  // "": it ended as it should.
  [[nodiscard]] const std::string& failure() const { return failure_; }

  // From a fiber: another one, ready now; and waiting until all but this one have ended.
  void spawn(int core, std::function<void()> body);
  void join();
  // From a fiber: the run can't go on. Does not return.
  [[noreturn]] void fail(std::string why);

  // The heart: before every access to a named field. In multicore_access.hpp, for the places that call it. Returns word_of(at).
  std::size_t access(const void* at, unsigned size, std::uint16_t field, access_kind kind);
  // A range of bytes: one access a line.
  void access_range(const void* at, std::size_t bytes, std::uint16_t field, access_kind kind);

  // So many cycles of work that is not memory. Under `timed` cores that are earlier then run first, as before an access.
  void work(std::uint64_t n) {
    clock_ += n;
    if (pending_ != nullptr) settle_pending();
    if (timed_ && clock_ > limit_) give_way();
  }
  // A hint in a short wait: lets others go first.
  void pause();
  [[nodiscard]] std::uint64_t now() const { return clock_; }

  // True: the predicate was; false: the deadline came first.
  template <class Predicate>
  bool wait_until(Predicate&& done, std::uint64_t deadline) {
    for (int vain = 0;; ++vain) {
      begin_look();
      const bool is = done();
      if (end_look(is, vain, deadline)) return is;
    }
  }
  // Something that predicates may depend on, and that is no access, has changed.
  void wake_all();
  // Called when a predicate that reads nothing was false, before its fiber is parked: may call wake_all().
  std::function<void()> on_idle_look;

  // Accesses go through the memory system, or only through the schedule (building up and taking down).
  void set_counting(bool on) { counting_ = on; }
  [[nodiscard]] int core() const { return current_->core; }
  [[nodiscard]] stack_range stack() const { return space_.stack(current_->index); }
  [[nodiscard]] space& memory() { return space_; }
  [[nodiscard]] memory_system& caches() { return caches_; }

  // Memory of the guest's: see new.cpp.
  [[nodiscard]] bool guest() const { return guest_; }
  void set_guest(bool on) { guest_ = on; }

  void note_path(std::uint16_t path) { ++paths_[path]; }
  void note_periodic(std::uint16_t path) { ++paths_[path], ++periodic_; }
  void note_failed_cas(std::uint16_t field) { ++failed_cas_[field]; }
  // What the observed policy counts natively, counted here with a memory that forgets nothing: read-modify-writes of an atomic
  // that find it written by another core since this one wrote it. Words of the machine's, locks and channels included.
  void note_rmw(std::size_t word, std::uint16_t field) {
    handoff_counts& c = handoffs_[field];
    ++c.rmws;
    note_write(word, [&](std::uint64_t before) {
      if ((before & current_->writer_bit) == 0) return;
      ++c.known;
      c.handoffs += (before & last_writer) != current_->writer ? 1 : 0;
    });
  }
  void note_store(std::size_t word) {
    note_write(word, [](std::uint64_t) {});
  }
  // The number of a word of 4 bytes in the simulated memory; no_word outside of it.
  [[nodiscard]] std::size_t word_of(const void* at) {
    const std::uintptr_t offset = space_.offset(at);
    return offset >= space::slot_bytes ? no_word : word_in(line_of(offset), offset);
  }
  [[nodiscard]] const handoff_counts& handoffs(std::size_t field) const { return handoffs_.at(field); }
  [[nodiscard]] std::uint64_t path(std::size_t i) const { return paths_.at(i); }
  [[nodiscard]] std::uint64_t failed_cas(std::size_t field) const { return failed_cas_.at(field); }
  void clear_counts() {
    caches_.reset_counters();
    std::ranges::fill(paths_, 0);
    std::ranges::fill(failed_cas_, 0);
    std::ranges::fill(handoffs_, handoff_counts{});
  }

  // Of the whole run, whatever was cleared.
  [[nodiscard]] std::uint64_t switches() const { return switches_; }
  [[nodiscard]] std::uint64_t periodic() const { return periodic_; }
  [[nodiscard]] std::uint64_t pages_touched() const { return pages_numbered_; }

 private:
  static constexpr unsigned index_bits = 8;
  static constexpr std::uint64_t never = ~std::uint64_t{0};
  static constexpr int spins = 64;  // vain looks until a waiter sleeps, as in the native policy
  static constexpr std::size_t most_watched = 12;
  static constexpr std::size_t words_a_line = line_bytes / 4, no_word = ~std::size_t{0};
  static constexpr std::uint64_t last_writer = 255;  // of a word: its number plus one. Above it a bit for each of 56 writers;
                                                     // with more, those of the same remainder share one
  enum class state : std::uint8_t { ready, waiting, ended };

  // A context that may be dropped in the middle of its work: what is on its stack is never unwound.
  struct kept_context {
    union {
      boost::context::fiber value;
    };
    kept_context() { forget(); }
    ~kept_context() {}
    kept_context(const kept_context&) = delete;
    kept_context& operator=(const kept_context&) = delete;
    void forget() { new (&value) boost::context::fiber(); }
  };
  struct exception_state {  // the C++ runtime's, of a thread: a fiber needs its own
    void* caught = nullptr;
    unsigned uncaught = 0;
  };

  struct fiber {
    kept_context context;
    std::function<void()> body;
    std::uint64_t clock = 0;  // while it does not run
    std::uint64_t deadline = never;
    int core = 0, index = 0;
    std::uint64_t writer = 0, writer_bit = 0;  // in writers_
    state is = state::ready;
    bool looking = false;   // evaluates a predicate
    bool sleeps = false;    // only changes wake it
    bool touched = false;   // a watched line was written, or all were woken, while its predicate was evaluated
    bool overflow = false;  // the predicate reads more lines than can be watched
    std::uint8_t watched_count = 0;
    std::array<std::uint32_t, most_watched> watched{};
    std::uint16_t last_field = 0;  // of the predicate's last access
    exception_state exceptions{};
  };

  static std::uint64_t bit_of(std::uint32_t line) { return std::uint64_t{1} << (line * 0x9e3779b1U >> 26); }

  std::uint32_t line_of(std::uintptr_t offset) {
    const std::size_t page = offset / space::page_bytes;
    if (page >= page_numbers_.size() || page_numbers_[page] == 0) [[unlikely]]
      number_page(page);
    return page_numbers_[page] * (space::page_bytes / line_bytes) +
           static_cast<std::uint32_t>(offset / line_bytes % (space::page_bytes / line_bytes));
  }
  void number_page(std::size_t page);
  static std::size_t word_in(std::uint32_t line, std::uintptr_t offset) {
    return std::size_t{line} * words_a_line + offset % line_bytes / 4;
  }
  template <class F>
  void note_write(std::size_t word, F&& found) {
    if (word >= writers_.size()) [[unlikely]] {
      if (word == no_word) return;
      grow_writers(word + 1);
    }
    std::uint64_t& w = writers_[word];
    found(w);
    w = (w & ~last_writer) | current_->writer_bit | current_->writer;
  }
  void grow_writers(std::size_t least);

  void reach(const line_access& a);
  void give_way();          // another fiber's turn has come
  void give_way_here();     // the same, inlined; this and what it calls is in multicore_access.hpp
  void give_way_in_turn();  // not under `timed`
  [[nodiscard]] std::uint64_t draw_limit();
  void park(std::uint64_t deadline);  // until somebody makes this one ready
  void make_ready(fiber&, std::uint64_t clock);
  fiber* choose();  // takes the next one out of the ready; null: nobody can go on
  void switch_to(fiber&);
  void set_limit();
  [[noreturn]] void end_current();
  [[noreturn]] void back_to_host();
  [[noreturn]] void stray(std::uint16_t field);
  [[noreturn]] void deadlock();

  void begin_look();
  bool end_look(bool is, int vain, std::uint64_t deadline);
  void note_look(std::uint32_t line, std::uint16_t field);
  void await_write(const void* at, unsigned size, std::uint32_t line);
  void settle_pending();
  void rebuild_watched();

  // timed: the ready fibers but the current one, and those that wait for a time: a binary heap of clock and index.
  void push_key(std::uint64_t clock, const fiber&);
  fiber& pop_key();
  void remove_key(const fiber&);

  // Hot.
  std::uint64_t clock_ = 0;        // of the current fiber
  std::uint64_t turn_ = 0;         // its accesses since it was switched to; not under `timed`
  std::uint64_t limit_ = never;    // beyond it the current fiber gives way
  const void* pending_ = nullptr;  // a watched line is being written
  fiber* current_ = nullptr;
  std::uint64_t watched_ = 0;  // a filter over all watched lines
  bool counting_ = false, guest_ = false, looking_ = false;
  const bool timed_;
  space& space_;
  memory_system& caches_;
  growing_array<std::uint32_t> page_numbers_;

  schedule schedule_;
  random_source random_;
  std::vector<std::unique_ptr<fiber>> fibers_;
  std::vector<std::uint64_t> heap_;
  fiber* previous_ = nullptr;  // who switched to the current one
  kept_context host_;
  exception_state* exceptions_ = nullptr;
  std::uint32_t pages_numbered_ = 0;
  std::uint64_t periodic_ = 0;
  int waiting_for_time_ = 0;  // not under `timed`
  std::uint64_t latest_ = 0;  // the greatest clock seen; not under `timed`
  std::uint64_t switches_ = 0;
  std::uint64_t pending_value_ = 0;
  std::uint32_t pending_line_ = 0;
  unsigned pending_size_ = 0;
  std::vector<std::uint64_t> paths_, failed_cas_;
  std::vector<handoff_counts> handoffs_;  // by field
  growing_array<std::uint64_t> writers_;  // by line and word of 4 bytes: who wrote it last, and who ever did
  std::string failure_;
};

// The machine that this thread runs, if any: what the policy's accesses go to.
inline constinit thread_local multicore* running = nullptr;

}  // namespace tally::sim
