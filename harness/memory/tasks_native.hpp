// The native policy's tasks: an arena of oneTBB's, which only tasks_native.cpp sees.
//
// oneTBB shares its worker threads among all arenas of the process and never starts more than it is allowed to, which is by
// default the number of cores: so each pool raises the limit to what its own arena and a collector's marking arena need at
// the same time (the mutators that a collector has stopped keep their threads). Workers inherit the CPUs of whoever
// happened to start them; here a worker that enters takes on those of the thread that made the pool, which is the row's
// set.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>

namespace tally {

class native_tasks {
 public:
  explicit native_tasks(int threads);
  ~native_tasks();
  native_tasks(const native_tasks&) = delete;
  native_tasks& operator=(const native_tasks&) = delete;

  class group {
   public:
    explicit group(native_tasks&);
    ~group() noexcept;  // oneTBB's may throw: a group that was never waited for is a defect of its user
    group(const group&) = delete;
    group& operator=(const group&) = delete;
    template <class F>
    void spawn(F f) {
      static_assert(sizeof(F) <= sizeof(closure::bytes) && alignof(F) <= alignof(closure) && std::is_trivially_copyable_v<F> &&
                        std::is_trivially_destructible_v<F>,
                    "a task holds parcels and plain data, a few words of them");
      closure c{.call = [](std::byte* at) { (*std::launder(reinterpret_cast<F*>(at)))(); }};
      new (c.bytes) F(f);
      launch(c);
    }
    void wait();

   private:
    struct closure {
      void (*call)(std::byte* bytes);
      alignas(16) std::byte bytes[64]{};
    };
    struct state;
    [[gnu::noinline]] void launch(const closure& c);
    [[nodiscard]] state& own();
    alignas(64) std::byte space_[256];  // of a state: a group is made for every fork, and allocates nothing of its own
  };

  template <class F>
  void run(F&& f) {
    enter([](void* at) { (*static_cast<std::remove_reference_t<F>*>(at))(); }, &f);
  }

 private:
  struct arena;
  void enter(void (*call)(void*), void* f);
  std::unique_ptr<arena> arena_;
};

}  // namespace tally
