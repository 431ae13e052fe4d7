// Counts with two strategies: an object with a child is shared with a second thread, which copies and drops it.
#include <cstdint>
#include <cstdio>
#include <strategies/biased.hpp>
#include <strategies/rc_arc.hpp>
#include <thread>

namespace {

template <class H>
struct node {
  typename H::template slot<node> child;
  tally::var<typename H::memory, std::uint64_t, "payload"> value;
  explicit node(std::uint64_t v) { value.store(v); }
  void each_slot(auto&& f) { f(child); }
};

template <class H>
bool counts(const char* name) {
  H heap(tally::heap_config{.mutators = 2});
  std::int64_t alive = 0;
  std::uint64_t seen = 0;
  {
    typename H::context c(heap);
    auto parent = tally::make<node<H>>(c, {}, 1);
    c.store(c.get(parent).child, tally::make<node<H>>(c, {}, 41));
    c.share(parent);
    const auto parcel = c.pack(c.copy(parent));
    std::thread other([&heap, &seen, parcel] {
      typename H::context mine(heap);
      auto theirs = mine.unpack(parcel);
      for (int i = 0; i < 1000; ++i) mine.drop(mine.copy(theirs));
      seen = mine.get(theirs).value.load() + mine.peek(mine.get(theirs).child)->value.load();
      mine.drop(theirs);
    });
    for (int i = 0; i < 1000; ++i) c.drop(c.copy(parent));
    c.blocked([&other] { other.join(); });
    alive = heap.live();
    c.drop(parent);
    c.quiesce();
  }
  heap.settle();
  const bool fine = alive == 2 && seen == 42 && heap.live() == 0;
  std::printf("%s: %s\n", name, fine ? "counted" : "lost count");
  return fine;
}

}  // namespace

int main() {
  using namespace tally;
  const bool biased = counts<strategies::biased::heap<native, strategies::biased::options{}>>("biased");
  const bool rc_arc = counts<strategies::rc_arc::heap<native, strategies::rc_arc::options{}>>("rc_arc");
  return biased && rc_arc ? 0 : 1;
}
