// The simulated policy's fork-join tasks: a work-stealing scheduler of our own, one worker a virtual core.
//
// Each worker has a deque: it pushes and takes at one end, others steal at the other (Chase and Lev's; the interleaving is
// sequentially consistent here, so the published orders suffice without proof of ours). Whoever finds nothing waits for one
// word that every spawn moves while somebody waits. Victims are tried in an order that is drawn per worker from a fixed seed:
// the same run steals the same tasks. All words of it are fields "queue". Source: [ChaseLev05].
#pragma once

#include <cstring>
#include <deque>
#include <exception>
#include <functional>
#include <utility>

#include "harness/sim/cores/simulated.hpp"

namespace tally {

class simulated_tasks {
 public:
  class group;

  explicit simulated_tasks(int threads) {
    for (int i = 0; i < threads; ++i) deques_.emplace_back(i);
    for (int i = 1; i < threads; ++i) {
      live_.fetch_add(1, order);
      sim::running->spawn(i, [this] { work(); });
    }
  }
  ~simulated_tasks() {
    over_.store(1, order);
    signal_.fetch_add(1, order);
    simulated::wait_until([this] { return live_.load(order) == 0; });
  }
  simulated_tasks(const simulated_tasks&) = delete;
  simulated_tasks& operator=(const simulated_tasks&) = delete;

  template <class F>
  void run(F&& f) {
    f();
  }

 private:
  static constexpr auto order = std::memory_order_seq_cst;
  struct task {
    std::function<void()> body;
    group* of;
  };

  class deque {
   public:
    explicit deque(int worker) : random(0x7a5c, static_cast<std::uint64_t>(worker)) { grow(64); }
    deque(const deque&) = delete;
    deque& operator=(const deque&) = delete;
    void push(task* t) {
      const std::int64_t b = bottom_.load(order);
      if (b - top_.load(order) >= size_) grow(2 * size_);
      cells_[b % size_].store(t);
      bottom_.store(b + 1, order);
    }
    task* take() {
      const std::int64_t b = bottom_.load(order) - 1;
      bottom_.store(b, order);
      std::int64_t t = top_.load(order);
      if (t > b) {
        bottom_.store(b + 1, order);
        return nullptr;
      }
      task* found = cells_[b % size_].load();
      if (t < b) return found;
      if (!top_.compare_exchange_strong(t, t + 1, order, order)) found = nullptr;
      bottom_.store(b + 1, order);
      return found;
    }
    task* steal() {
      std::int64_t t = top_.load(order);
      if (t >= bottom_.load(order)) return nullptr;
      // An older array keeps what it held.
      task* found = cells_[t % size_].load();
      return top_.compare_exchange_strong(t, t + 1, order, order) ? found : nullptr;
    }
    random_source random;

   private:
    using cell = var<simulated, task*, "queue">;
    // The old array stays until the end of the run: a thief may be about to read it.
    void grow(std::int64_t size) {
      auto* fresh = static_cast<cell*>(simulated::alloc(static_cast<std::size_t>(size) * sizeof(cell)));
      for (std::int64_t i = 0; i < size; ++i) new (fresh + i) cell;
      for (std::int64_t i = size_ == 0 ? 0 : top_.load(order); size_ != 0 && i < bottom_.load(order); ++i) {
        fresh[i % size].store(cells_[i % size_].load());
      }
      cells_ = fresh;
      size_ = size;
    }
    cell* cells_ = nullptr;
    std::int64_t size_ = 0;
    alignas(64) atomic<simulated, std::int64_t, "queue"> top_;
    alignas(64) atomic<simulated, std::int64_t, "queue"> bottom_;
  };

  deque& mine() { return deques_[static_cast<std::size_t>(sim::running->core())]; }

  void put(task* t) {
    mine().push(t);
    if (waiting_.load(order) != 0) signal_.fetch_add(1, order);
  }
  task* find() {
    deque& own = mine();
    if (task* t = own.take()) return t;
    const std::size_t n = deques_.size();
    const std::size_t from = own.random.below(static_cast<std::uint32_t>(n));
    for (std::size_t i = 0; i < n; ++i) {
      deque& victim = deques_[(from + i) % n];
      if (&victim == &own) continue;
      if (task* t = victim.steal()) return t;
    }
    return nullptr;
  }
  // Runs tasks until done() says so; waits when there are none. What done() reads must be followed by a signal.
  template <class Done>
  void help(Done&& done) {
    while (!done()) {
      if (task* t = find()) {
        perform(t);
        continue;
      }
      waiting_.fetch_add(1, order);
      const std::uint64_t before = signal_.load(order);
      task* t = done() ? nullptr : find();
      if (t == nullptr) simulated::wait_until([&] { return done() || signal_.load(order) != before; });
      waiting_.fetch_sub(1, order);
      if (t != nullptr) perform(t);
    }
  }
  void perform(task*);
  void work() {
    help([this] { return over_.load(order) != 0; });
    live_.fetch_sub(1, order);
  }

  std::deque<deque> deques_;
  alignas(64) atomic<simulated, std::uint64_t, "queue"> signal_;
  atomic<simulated, std::uint32_t, "queue"> waiting_, over_, live_;
};

class simulated_tasks::group {
 public:
  explicit group(simulated_tasks& pool) : pool_(pool) {}
  group(const group&) = delete;
  group& operator=(const group&) = delete;

  template <class F>
  void spawn(F f) {
    pending_.fetch_add(1, order);
    pool_.put(new task{std::function<void()>(std::move(f)), this});
  }
  void wait() {
    pool_.help([this] { return pending_.load(order) == 0; });
    failed_.store(0, order);
    if (thrown_) std::rethrow_exception(std::exchange(thrown_, nullptr));
  }

 private:
  friend class simulated_tasks;
  simulated_tasks& pool_;
  atomic<simulated, std::uint32_t, "queue"> pending_, failed_;
  std::exception_ptr thrown_;
};

inline void simulated_tasks::perform(task* t) {
  group& g = *t->of;
  if (g.failed_.load(order) == 0) {
    try {
      t->body();
    } catch (...) {
      if (g.failed_.exchange(1, order) == 0) g.thrown_ = std::current_exception();
    }
  }
  delete t;
  g.pending_.fetch_sub(1, order);  // g may be gone now; whoever waits for it watches this word
}

}  // namespace tally
