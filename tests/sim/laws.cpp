// The contract's laws on the virtual multicore: the same tests, with fibers for threads. The whole suite is one guest program, so
// that everything it allocates is in the simulated memory; accesses go through the schedule and not through the caches, which
// change no value.
#include "strategies/atomic.hpp"
#include "strategies/biased.hpp"
#include "strategies/deferred.hpp"
#include "strategies/mark_sweep.hpp"
#include "tests/conform/support.hpp"
#include "tests/sim/program.hpp"

namespace tally::conform {

class fiber_thread {
 public:
  template <class F>
  explicit fiber_thread(F f) : over_(new atomic<simulated, int, "joined">(0)) {
    static int next = 0;
    sim::running->spawn(next++ % 4, [f, over = over_] {
      f();
      over->store(1, std::memory_order_release);
    });
  }
  void join() {
    simulated::wait_until([this] { return over_->load(std::memory_order_acquire) != 0; });
  }

 private:
  atomic<simulated, int, "joined">* over_;
};

template <>
struct thread_of<simulated> {
  using type = fiber_thread;
};

}  // namespace tally::conform

#include "tests/conform/laws.hpp"

namespace tally::conform {

using heaps = ::testing::Types<
    strategies::atomic_heap<simulated>, strategies::atomic_heap<simulated, strategies::atomic_options{.slot = slot_kind::epoch}>,
    strategies::biased_heap<simulated>, strategies::deferred_heap<simulated>, strategies::mark_sweep_heap<simulated>>;
INSTANTIATE_TYPED_TEST_SUITE_P(Simulated, Laws, heaps);

}  // namespace tally::conform

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  int failed = 1;
  tally::sim::test_program suite(4);
  suite.run([&](tally::sim::multicore& m) {
    m.set_counting(false);
    failed = RUN_ALL_TESTS();
    // What the suite holds is in memory that ends with it.
    std::fflush(stdout);
    if (!suite.failure().empty()) std::fprintf(stderr, "%s\n", suite.failure().c_str());
    std::_Exit(failed);
  });
  std::fprintf(stderr, "%s\n", suite.failure().c_str());
  return 1;
}
