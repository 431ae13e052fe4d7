// The laws and the reference model under rule=incremental, with increments all the time: a rule is a setting, so that the suites of
// all combinations run under the default one.
#include "strategies/gil.hpp"
#include "strategies/plain.hpp"
#include "tests/conform/conform.hpp"

namespace tally::conform {
namespace {

template <class Heap>
class in_increments : public Heap {
 public:
  // A growing chain is looked at again and again, which is quadratic.
  static constexpr std::size_t max_chain = 1'000'000;
  explicit in_increments(const heap_config& c) : Heap(by_rule(c)) { this->cycles().set_thresholds({100, 10, 0}); }

 private:
  static heap_config by_rule(heap_config c) {
    static constexpr std::pair<std::string_view, double> rule{"rule", 3};
    c.tunables = &rule;
    c.tunable_count = 1;
    return c;
  }
};

using heaps = ::testing::Types<in_increments<strategies::plain_heap<native, {.cycles = cycle_kind::generational}>>,
                               in_increments<strategies::gil_heap<native, {.cycles = cycle_kind::generational}>>>;
INSTANTIATE_TYPED_TEST_SUITE_P(incremental, Laws, heaps);
INSTANTIATE_TYPED_TEST_SUITE_P(incremental, Model, heaps);

}  // namespace
}  // namespace tally::conform

// A law is a test of its header's, which --file would not find.
int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
