// The native policy's tasks: an arena of oneTBB's.
//
// oneTBB shares its worker threads among all arenas of the process and never starts more than it is allowed to, which is by
// default the number of cores: so each pool raises the limit to what its own arena and a collector's marking arena need at
// the same time (the mutators that a collector has stopped keep their threads). Workers inherit the CPUs of whoever
// happened to start them; here a worker that enters takes on those of the thread that made the pool, which is the row's
// set.
#pragma once

#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/task_arena.h>
#include <oneapi/tbb/task_group.h>
#include <oneapi/tbb/task_scheduler_observer.h>
#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <thread>
#include <utility>

#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>
#endif

namespace tally {

// oneTBB is not instrumented, so ThreadSanitizer sees neither that a task starts after its spawn nor that it ends before the
// wait for it does. before() and after() say so; they are empty in every other build. One mark for all groups: it may hide a
// race between groups, and invents none. What is left are reports on the library's own task objects, whose memory it hands
// from thread to thread: tests/tsan.supp names the frames they have on top, and the body is kept out of those.
struct task_order {
#ifdef __SANITIZE_THREAD__
  static void before() { __tsan_acquire(&mark); }
  static void after() { __tsan_release(&mark); }
  static inline char mark = 0;

  template <class F>
  struct body {
    F* held;
    explicit body(F f) : held(new F(std::move(f))) {}
    void operator()() const { run(held); }
    [[gnu::noinline]] static void run(F* f) {
      before();
      (*f)();
      delete f;
      after();
    }
  };
#else
  static void before() {}
  static void after() {}
  template <class F>
  using body = F;
#endif
};

class native_tasks {
 public:
  explicit native_tasks(int threads)
      : allowed_(oneapi::tbb::global_control::max_allowed_parallelism,
                 std::max<std::size_t>(2 * static_cast<std::size_t>(threads), std::thread::hardware_concurrency())),
        arena_(threads, 1), pinned_(arena_) {}
  native_tasks(const native_tasks&) = delete;
  native_tasks& operator=(const native_tasks&) = delete;

  class group {
   public:
    explicit group(native_tasks&) {}
    ~group() noexcept = default;  // oneTBB's may throw: a group that was never waited for is a defect of its user
    template <class F>
    void spawn(F f) {
      task_order::body<F> body(std::move(f));
      task_order::after();
      launch(std::move(body));
    }
    void wait() {
      group_.wait();
      task_order::before();
    }

   private:
    template <class F>
    [[gnu::noinline]] void launch(F f) {
      group_.run(std::move(f));
    }
    oneapi::tbb::task_group group_;
  };

  template <class F>
  void run(F&& f) {
    task_order::after();
    arena_.execute([&] {
      task_order::before();
      f();
      task_order::after();
    });
    task_order::before();
  }

 private:
  // Its maker's CPUs for every worker that comes in; a system call only when they change.
  class same_cpus : public oneapi::tbb::task_scheduler_observer {
   public:
    explicit same_cpus(oneapi::tbb::task_arena& a) : task_scheduler_observer(a) {
      CPU_ZERO(&wanted_);
      if (pthread_getaffinity_np(pthread_self(), sizeof wanted_, &wanted_) == 0) observe(true);
    }
    ~same_cpus() override { observe(false); }
    void on_scheduler_entry(bool worker) override {
      static thread_local cpu_set_t mine{};
      if (!worker || CPU_EQUAL(&mine, &wanted_)) return;
      if (pthread_setaffinity_np(pthread_self(), sizeof wanted_, &wanted_) == 0) mine = wanted_;
    }

   private:
    cpu_set_t wanted_;
  };

  oneapi::tbb::global_control allowed_;
  oneapi::tbb::task_arena arena_;
  same_cpus pinned_;
};

}  // namespace tally
