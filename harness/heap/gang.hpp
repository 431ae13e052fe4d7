// A few threads that do one thing together: the workers of a parallel collector.
//
// They are threads of their own, parked in the kernel between uses, and not tasks of the library that runs the mutators' tasks:
// a collector that waits inside such a library could be given a mutator's task, which would touch objects while the world is
// stopped. The caller is worker 0, so a gang of one is a plain call. Threads start at the first use, on any processor that the
// gang's maker may run on: the mutator that happens to start them is pinned to one, and would pin them to its own. Threads that
// can't be had (no memory, no room for another process) are done without: the gang is smaller, and asks again at its next use.
//
// On a policy whose threads are not real (M::measured is false) a gang is always of one.
#pragma once

#include <pthread.h>

#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "harness/base/cpu_set.hpp"
#include "harness/memory/policy.hpp"

namespace tally {

template <class M>
class gang {
 public:
  explicit gang(int workers) : size_(M::measured && workers > 1 ? workers : 1), cpus_(cpu_set::of_this_thread()) {
    threads_.reserve(static_cast<std::size_t>(size_ - 1));
  }
  ~gang() {
    {
      const std::lock_guard hold(lock_);
      over_ = true;
    }
    wake_.notify_all();
    for (auto& t : threads_) t.join();
  }
  gang(const gang&) = delete;
  gang& operator=(const gang&) = delete;

  // At most so many workers.
  [[nodiscard]] int size() const { return size_; }

  // Starts the threads that are missing; returns how many workers there are, the caller included.
  int start() {
    const std::lock_guard hold(lock_);
    try {
      while (static_cast<int>(threads_.size()) < size_ - 1) {
        threads_.emplace_back([this, i = static_cast<int>(threads_.size()) + 1, seen = round_] { work(i, seen); });
      }
    } catch (const std::exception&) {  // std::system_error or std::bad_alloc
    }
    return static_cast<int>(threads_.size()) + 1;
  }

  // Calls f(i) for each worker that was started, 0 on the calling thread, at the same time, and returns when all have returned.
  template <class F>
  void run(F&& f) {
    if (!threads_.empty()) {
      const std::lock_guard hold(lock_);
      call_ = [](void* what, int i) { (*static_cast<std::remove_reference_t<F>*>(what))(i); };
      what_ = &f;
      ++round_;
      busy_ = static_cast<int>(threads_.size());
      wake_.notify_all();
    }
    f(0);
    if (!threads_.empty()) {
      std::unique_lock hold(lock_);
      done_.wait(hold, [this] { return busy_ == 0; });
    }
  }

 private:
  // `seen`: the rounds before it was started.
  void work(int i, std::uint64_t seen) {
    cpus_.bind();
    std::unique_lock hold(lock_);
    for (;;) {
      wake_.wait(hold, [&] { return over_ || round_ != seen; });
      if (over_) return;
      seen = round_;
      hold.unlock();
      call_(what_, i);
      hold.lock();
      if (--busy_ == 0) done_.notify_one();
    }
  }

  const int size_;
  const cpu_set cpus_;
  std::mutex lock_;
  std::condition_variable wake_, done_;
  std::vector<std::thread> threads_;
  void (*call_)(void*, int) = nullptr;
  void* what_ = nullptr;
  std::uint64_t round_ = 0;
  int busy_ = 0;
  bool over_ = false;
};

}  // namespace tally
