// Fork-join tasks: what a workload asks of a memory policy that has them, and how it waits for them.
//
//   M::tasks pool(threads)            an arena in which at most `threads` threads work, the one that calls run() included
//   pool.run(f)                       calls f() here as one of the arena's threads; returns when f does
//   M::tasks::group g(pool)           a set of tasks; made and used inside run() or a task
//   g.spawn(f)                        f() runs once, on some thread of the arena, at any time from now on. f is copied: it
//                                     holds parcels and plain data, never refs
//   g.wait()                          until all that was spawned has ended, tasks that tasks spawned into g included. Runs
//                                     tasks of the arena meanwhile, also ones of other groups. Throws what a task threw; the
//                                     others that had not started are then never run
//
// A task that touches objects makes a context of its own for as long as it runs (H::context c(heap)), since it can't know
// which thread it is on. A thread that waits may thus have several contexts on its stack, all but the innermost in a blocked
// region: that is why waiting goes through run_in and wait_in. The number of contexts is bounded by tasks, not by threads.
#pragma once

#include <concepts>
#include <exception>

namespace tally {

template <class M>
concept has_tasks = requires(typename M::tasks& pool, typename M::tasks::group& g) {
  requires std::constructible_from<typename M::tasks, int>;
  requires std::constructible_from<typename M::tasks::group, typename M::tasks&>;
  pool.run([] {});
  g.spawn([] {});
  g.wait();
};

// f() in a blocked region of c. What it throws is thrown again outside: a strategy's blocked() need not be unwound.
template <class Context, class F>
void blocked_with_exceptions(Context& c, F&& f) {
  std::exception_ptr thrown;
  c.blocked([&] {
    try {
      f();
    } catch (...) {
      thrown = std::current_exception();
    }
  });
  if (thrown) std::rethrow_exception(thrown);
}

// Waits for a group from inside a task.
template <class Context, class Group>
void wait_in(Context& c, Group& g) {
  blocked_with_exceptions(c, [&] { g.wait(); });
}

// From outside: enters the arena, calls f(group), waits for the group.
template <class Context, class Tasks, class F>
void run_in(Context& c, Tasks& pool, F&& f) {
  blocked_with_exceptions(c, [&] {
    pool.run([&] {
      typename Tasks::group g(pool);
      f(g);
      g.wait();
    });
  });
}

}  // namespace tally
