// The choice of schedules: random ones, and all of them in turn; for search.cpp.
//
// Relacy's own random choice is a generator whose low bits, the ones that choose between two threads, repeat after 2^17 draws: a
// million of its schedules are 131,072 different ones. Ours draws from 64 bits, and half of the schedules prefer to stay on a
// thread, which reaches deeper than fair coins do.
#pragma once

#include "harness/model/checker.hpp"
#include "harness/model/search.hpp"

namespace tally::model::checker {

inline const plan* planned = nullptr;

struct generator {
  std::uint64_t x = 0;
  std::uint32_t operator()() {  // splitmix64
    std::uint64_t z = (x += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return static_cast<std::uint32_t>(z >> 33);
  }
  // Below `limit`. Mostly 2 or 3, threads or values, by which the compiler need not divide.
  std::uint32_t below(std::uint32_t limit) {
    const std::uint32_t drawn = (*this)();
    return limit == 2 ? drawn % 2 : limit == 3 ? drawn % 3 : drawn % limit;
  }
};

template <rl::thread_id_t Threads>
class random_search : public rl::scheduler<random_search<Threads>, rl::scheduler_thread_info, Threads> {
  using base = rl::scheduler<random_search<Threads>, rl::scheduler_thread_info, Threads>;

 public:
  struct task_t {};
  random_search(rl::test_params& p, typename base::shared_context_t& c, rl::thread_id_t dynamic) : base(p, c, dynamic) {}

  rl::thread_id_t iteration_begin_impl() {
    draw_.x = planned->seed * 0xd1342543de82ef95 + this->iter_ * 0x2545f4914f6cdd1d;
    static constexpr std::uint32_t stays[] = {0, 0, 12, 15};  // of 16: how likely a thread goes on
    stay_ = stays[this->iter_ % 4];
    return this->running_threads[draw_.below(static_cast<unsigned>(this->running_threads_count))];
  }
  bool iteration_end_impl() { return this->iter_ >= this->params_.iteration_count; }
  rl::thread_id_t schedule_impl(rl::unpark_reason& reason, unsigned yields) {
    reason = rl::unpark_reason_normal;
    const auto n = static_cast<unsigned>(this->running_threads_count);
    const rl::thread_id_t me = this->thread_->index_;
    s.waits_at[static_cast<std::size_t>(me)] = yields != 0 ? s.writes + 1 : 0;
    if (yields == 0 && this->thread_->state_ == rl::thread_state_running && (draw_() & 15) < stay_) return me;
    // Who waits is not worth waking before somebody has written something.
    rl::thread_id_t to = this->running_threads[draw_.below(n)];
    for (unsigned i = 0; i < n && s.waits_at[static_cast<std::size_t>(to)] == s.writes + 1; ++i) {
      to = this->running_threads[draw_.below(n)];
    }
    return to;
  }
  unsigned rand_impl(unsigned limit, rl::sched_type) { return draw_.below(limit); }
  rl::iteration_t iteration_count_impl() { return this->params_.iteration_count; }
  void get_state_impl(std::ostream&) {}
  void set_state_impl(std::istream&) {}
  void on_thread_block(rl::thread_id_t, bool) {}
  void thread_finished_impl() {}
  void purge_blocked_threads() {}

 private:
  generator draw_;
  std::uint32_t stay_ = 0;
};

// Every schedule, or every one with so many unforced switches; up to the number planned.
template <rl::thread_id_t Threads>
class tree_search
    : public rl::tree_search_scheduler<tree_search<Threads>, rl::tree_search_scheduler_thread_info<Threads>, Threads> {
  using base = rl::tree_search_scheduler<tree_search<Threads>, rl::tree_search_scheduler_thread_info<Threads>, Threads>;

 public:
  using thread_info_t = typename base::thread_info_t;
  tree_search(rl::test_params& p, typename base::shared_context_t& c, rl::thread_id_t dynamic) : base(p, c, dynamic) {}
  rl::thread_id_t iteration_begin_impl() {
    left_ = planned->switches;
    return base::iteration_begin_impl();
  }
  bool iteration_end() {
    if (base::iteration_end()) return complete = true;
    return this->iter_ >= planned->schedules;
  }
  bool can_switch(thread_info_t&) { return planned->kind == search::full || left_ > 0; }
  void on_switch(thread_info_t& t) {
    if (t.state_ == rl::thread_state_running) --left_;
  }
  double iteration_count_approx() { return 1; }
  static inline bool complete = false;

 private:
  int left_ = 0;
};

}  // namespace tally::model::checker
