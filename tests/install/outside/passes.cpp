// Objects go from thread to thread through a channel, which the installed library holds.
#include <cstdio>
#include <strategies/atomic.hpp>
#include <thread>

using heap = tally::strategies::atomic::heap<tally::native, tally::strategies::atomic::options{}>;
struct leaf {
  tally::var<tally::native, int, "payload"> value;
  void each_slot(auto&&) {}
};

int main() {
  constexpr int items = 1000;
  heap h(tally::heap_config{.mutators = 2});
  tally::native::channel<heap::parcel<leaf>> queue(16);
  int sum = 0;
  {
    std::thread taker([&] {
      heap::context c(h);
      for (int i = 0; i < items; ++i) {
        heap::parcel<leaf> p;
        tally::native::wait_until([&] { return queue.try_pop(p); });
        auto r = c.unpack(p);
        sum += c.get(r).value.load();
        c.drop(r);
      }
    });
    heap::context c(h);
    for (int i = 0; i < items; ++i) {
      auto r = tally::make<leaf>(c, {});
      c.get(r).value.store(i);
      const auto p = c.pack(r);
      tally::native::wait_until([&] { return queue.try_push(p); });
    }
    taker.join();
  }
  const bool fine = sum == items * (items - 1) / 2 && h.live() == 0;
  std::printf("channel: %s\n", fine ? "all arrived" : "items were lost");
  return fine ? 0 : 1;
}
