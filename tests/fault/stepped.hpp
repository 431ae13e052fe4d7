// A memory policy whose threads take turns: one runs at a time, and a script says when it is whose turn.
//
// Every atomic access, every attempt to take a lock and every look of a wait is a step. Threads are real (stacks, thread-locals
// and destructors are those of the measured build), but only who has the turn moves; the others sit in the kernel. The script
// says before which step which thread loses its turn to the next; a thread that waits passes it on, and so does one that ends.
// So a schedule is a few numbers, and the same numbers give the same run. Orders weaker than seq_cst are the model checker's.
#pragma once

#include <array>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <mutex>
#include <string_view>
#include <thread>
#include <vector>

#include "harness/memory/native.hpp"

namespace tally::fault {

class turns {
 public:
  // Thread `who` loses its turn before its step number `step`, once; the others then run until each has ended or waits.
  struct loss {
    int who = -1;
    long step = 0;
  };

  // Runs bodies[i] on thread i until all have ended; thread 0 begins. Ends the process when that takes too many steps: somebody
  // waits for what never comes.
  void run(const std::vector<std::function<void()>>& bodies, std::vector<loss> losses) {
    losses_ = std::move(losses);
    ended_.assign(bodies.size(), false);
    steps_.assign(bodies.size(), 0);
    turn_ = 0;
    total_ = 0;
    current() = this;
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < bodies.size(); ++i) {
      threads.emplace_back([this, i, &bodies] {
        mine() = static_cast<int>(i);
        {
          std::unique_lock hold(lock_);
          await(hold);
        }
        bodies[i]();
        const std::lock_guard hold(lock_);
        ended_[i] = true;
        mine() = -1;
        pass_on(static_cast<int>(i));
      });
    }
    for (auto& t : threads) t.join();
    current() = nullptr;
  }
  [[nodiscard]] long steps(int who) const { return steps_.at(static_cast<std::size_t>(who)); }

  // Before every step of a thread that takes part.
  static void step() {
    if (mine() >= 0) current()->take_step();
  }
  // A look of a wait was in vain: another's turn.
  static void wait() {
    if (mine() >= 0) {
      current()->give_up_turn();
    } else {
      std::this_thread::yield();
    }
  }

 private:
  static constexpr long most_steps = 1'000'000;  // a run has some thousand

  static turns*& current() {
    static turns* one = nullptr;
    return one;
  }
  static int& mine() {
    static thread_local int me = -1;
    return me;
  }
  void take_step() {
    std::unique_lock hold(lock_);
    const int me = mine();
    count();
    const long now = ++steps_[static_cast<std::size_t>(me)];
    for (const loss& l : losses_) {
      if (l.who == me && l.step == now) {
        pass_on(me);
        return await(hold);
      }
    }
  }
  void give_up_turn() {
    std::unique_lock hold(lock_);
    count();
    pass_on(mine());
    await(hold);
  }
  void count() {
    if (++total_ < most_steps) return;
    std::fprintf(stderr, "nobody can go on, when");
    for (const loss& l : losses_) std::fprintf(stderr, " thread %d loses its turn before step %ld", l.who, l.step);
    std::fprintf(stderr, "\n");
    std::_Exit(1);
  }
  void pass_on(int from) {
    const int n = static_cast<int>(ended_.size());
    for (int i = 1; i <= n; ++i) {
      const int next = (from + i) % n;
      if (ended_[static_cast<std::size_t>(next)]) continue;
      turn_ = next;
      its_turn_.at(static_cast<std::size_t>(next)).notify_one();
      return;
    }
  }
  void await(std::unique_lock<std::mutex>& hold) {
    its_turn_.at(static_cast<std::size_t>(mine())).wait(hold, [this] { return turn_ == mine(); });
  }

  std::mutex lock_;
  std::array<std::condition_variable, 8> its_turn_;
  std::vector<loss> losses_;
  std::vector<bool> ended_;
  std::vector<long> steps_;
  int turn_ = 0;
  long total_ = 0;
};

}  // namespace tally::fault

namespace tally {

struct stepped : native {
  static constexpr std::string_view name = "stepped";
  static constexpr bool measured = false;
  static constexpr bool crowded = true;  // buckets and chunks as small as they get

  // The protocol step that is done wrongly, if any, and whether it came to that.
  static inline std::string_view wrong_step;
  static inline bool did_wrong = false;
  static bool mutant(std::string_view step) {
    if (step != wrong_step) return false;
    did_wrong = true;
    return true;
  }

  template <class T, field_name Name>
  class atomic {
   public:
    constexpr atomic() = default;
    constexpr explicit atomic(T v) : word_(v) {}
    [[nodiscard]] T load(std::memory_order o) const { return fault::turns::step(), word_.load(o); }
    void store(T v, std::memory_order o) { fault::turns::step(), word_.store(v, o); }
    T exchange(T v, std::memory_order o) { return fault::turns::step(), word_.exchange(v, o); }
    T fetch_add(T v, std::memory_order o) { return fault::turns::step(), word_.fetch_add(v, o); }
    T fetch_sub(T v, std::memory_order o) { return fault::turns::step(), word_.fetch_sub(v, o); }
    T fetch_or(T v, std::memory_order o) { return fault::turns::step(), word_.fetch_or(v, o); }
    T fetch_and(T v, std::memory_order o) { return fault::turns::step(), word_.fetch_and(v, o); }
    bool compare_exchange_weak(T& e, T v, std::memory_order s, std::memory_order f) {
      return compare_exchange_strong(e, v, s, f);
    }
    bool compare_exchange_strong(T& e, T v, std::memory_order s, std::memory_order f) {
      return fault::turns::step(), word_.compare_exchange_strong(e, v, s, f);
    }

   private:
    native::atomic<T, Name> word_;
  };

  template <class Predicate>
  static void wait_until(Predicate&& done) {
    while (!done()) fault::turns::wait();
  }
  // Without a clock: a deadline comes after some looks.
  template <class Predicate>
  static bool wait_until(Predicate&& done, std::uint64_t) {
    for (int look = 0; look < 3; ++look) {
      if (done()) return true;
      fault::turns::wait();
    }
    return done();
  }
  static std::uint64_t now() { return 0; }
  static void pause() { fault::turns::wait(); }

  class mutex {
   public:
    void lock() {
      fault::turns::step();
      while (!lock_.try_lock()) fault::turns::wait();
    }
    bool try_lock() {
      fault::turns::step();
      return lock_.try_lock();
    }
    void unlock() { lock_.unlock(); }

   private:
    std::mutex lock_;
  };
};

static_assert(memory_policy<stepped> && reserving<stepped>);

}  // namespace tally
