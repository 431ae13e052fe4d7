#include "harness/memory/tasks_native.hpp"

#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/task_arena.h>
#include <oneapi/tbb/task_group.h>
#include <oneapi/tbb/task_scheduler_observer.h>

#include <algorithm>
#include <thread>

#include "harness/base/cpu_set.hpp"

#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>
#endif

namespace tally {

// oneTBB is not instrumented, so ThreadSanitizer sees neither that a task starts after its spawn nor that it ends before the
// wait for it does. before() and after() say so; they are empty in every other build. One mark for all groups: it may hide a
// race between groups, and invents none. What is left are reports on the library's own objects, whose memory it hands from
// thread to thread: tests/tsan.supp names the frames they have, and the body is kept out of those. (Not in an anonymous
// namespace: what is local to a file has no full name in a report.)
struct task_order {
#ifdef __SANITIZE_THREAD__
  static void before() { __tsan_acquire(&mark); }
  static void after() { __tsan_release(&mark); }
  static inline char mark = 0;
#else
  static void before() {}
  static void after() {}
#endif
};

template <class Closure>
struct task_body {
#ifdef __SANITIZE_THREAD__
  Closure* held;
  explicit task_body(const Closure& c) : held(new Closure(c)) {}
  [[gnu::noinline]] void operator()() const { run(held); }  // a frame with a name
  [[gnu::noinline]] static void run(Closure* c) {
    task_order::before();
    c->call(c->bytes);
    delete c;
    task_order::after();
  }
#else
  mutable Closure held;
  explicit task_body(const Closure& c) : held(c) {}
  void operator()() const { held.call(held.bytes); }
#endif
};

struct native_tasks::arena {
  // Its maker's CPUs for every worker that comes in; a system call only when they change.
  class same_cpus : public oneapi::tbb::task_scheduler_observer {
   public:
    explicit same_cpus(oneapi::tbb::task_arena& a) : task_scheduler_observer(a) {
      task_order::after();
      if (wanted_ != cpu_set()) observe(true);
    }
    ~same_cpus() override {
      observe(false);  // waits for those who are inside
      task_order::before();
    }
    void on_scheduler_entry(bool worker) override {
      static thread_local cpu_set mine;
      task_order::before();
      if (worker && mine != wanted_ && wanted_.bind()) mine = wanted_;
      task_order::after();
    }

   private:
    const cpu_set wanted_ = cpu_set::of_this_thread();
  };

  explicit arena(int threads)
      : allowed(oneapi::tbb::global_control::max_allowed_parallelism,
                std::max<std::size_t>(2 * static_cast<std::size_t>(threads), std::thread::hardware_concurrency())),
        of(threads, 1), pinned(of) {}
  oneapi::tbb::global_control allowed;
  oneapi::tbb::task_arena of;
  same_cpus pinned;
};

struct native_tasks::group::state {
  oneapi::tbb::task_group of;
};

native_tasks::native_tasks(int threads) : arena_(new arena(threads)) {}
native_tasks::~native_tasks() = default;

void native_tasks::enter(void (*call)(void*), void* f) {
  task_order::after();
  arena_->of.execute([&] {
    task_order::before();
    call(f);
    task_order::after();
  });
  task_order::before();
}

native_tasks::group::group(native_tasks&) {
  static_assert(sizeof(state) <= sizeof space_ && alignof(state) <= 64);
  new (space_) state;
}
native_tasks::group::state& native_tasks::group::own() { return *std::launder(reinterpret_cast<state*>(space_)); }
native_tasks::group::~group() noexcept { std::destroy_at(&own()); }

void native_tasks::group::launch(const closure& c) {
  task_body<closure> body(c);
  task_order::after();
  own().of.run(body);
}
void native_tasks::group::wait() {
  own().of.wait();
  task_order::before();
}

}  // namespace tally
