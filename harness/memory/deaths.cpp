#include "harness/memory/deaths.hpp"

#include <utility>

namespace tally {

// A thread's hold on its record: a pointer is all that is in thread-local storage, which schemes that scan stacks look at.
class death_record::lease {
 public:
  lease() : record(death_book::obtain()) {}
  ~lease() { record.taken_.store(false, std::memory_order_release); }  // pairs with the acquire in obtain()
  lease(const lease&) = delete;
  lease& operator=(const lease&) = delete;
  death_record& record;
};

void awaited_deaths::clear() {
  for (std::atomic<chunk*>* list : {&first_, &spare_}) {
    chunk* c = list->exchange(nullptr, std::memory_order_relaxed);  // relaxed: nobody else is here
    while (c != nullptr) delete std::exchange(c, c->next);
  }
}

// A collector may set chunks aside between any two of these instructions, and takes none: a spare one that is still the first has
// the one behind it that it had.
awaited_deaths::chunk* awaited_deaths::extend() {
  chunk* c = spare_.load(std::memory_order_acquire);  // here and below: pairs with the release in set_aside()
  while (c != nullptr && !spare_.compare_exchange_weak(c, c->next, std::memory_order_acquire, std::memory_order_acquire)) {}
  if (c == nullptr) c = new chunk;
  c->next = first_.load(std::memory_order_relaxed);
  first_.store(c, std::memory_order_release);  // pairs with the acquire in remove_if()
  return c;
}

death_record& death_record::mine() {
  static thread_local const lease mine;
  return mine.record;
}

// One that a thread has left, with what it holds, or a new one.
death_record& death_book::obtain() {
  for (death_record* r = first(); r != nullptr; r = r->next_) {
    if (!r->taken_.exchange(true, std::memory_order_acquire)) return *r;  // pairs with the release of who left it
  }
  auto* fresh = new death_record;
  fresh->next_ = first_.load(std::memory_order_relaxed);  // a guess for the CAS
  // release: pairs with the acquire in first()
  while (!first_.compare_exchange_weak(fresh->next_, fresh, std::memory_order_release, std::memory_order_relaxed)) {}
  return *fresh;
}

void death_book::begin() {
  for (death_record* r = first(); r != nullptr; r = r->next_) {
    r->close();
    r->died_in_window_ = 0;
    r->died_.clear();
    r->freed_.clear();
    r->delays_.clear();
    r->awaited_.clear();
  }
}

objects_and_bytes death_book::held_back() {
  objects_and_bytes sum;
  for (const death_record* r = first(); r != nullptr; r = r->next_) {
    sum.objects += r->died_.objects.load(std::memory_order_relaxed) - r->freed_.objects.load(std::memory_order_relaxed);
    sum.bytes += r->died_.bytes.load(std::memory_order_relaxed) - r->freed_.bytes.load(std::memory_order_relaxed);
  }
  return sum;
}

window_deaths death_book::of_window() {
  window_deaths all;
  for (const death_record* r = first(); r != nullptr; r = r->next_) {
    all.objects += r->died_in_window_;
    all.delays.merge(r->delays_);
  }
  return all;
}

}  // namespace tally
