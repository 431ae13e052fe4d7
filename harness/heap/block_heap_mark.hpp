// Marking the block heap, by one worker or several.
//
// A worker greys an object by setting its mark bit and pushing it, and blackens it by visiting its slots (object.hpp's visitor,
// so nothing is scanned conservatively but stacks). Three things make it quick:
//
//   * an object that is popped is prefetched and goes through a window of a few others before it is scanned, so that its cache
//     miss overlaps with their work [Cher04];
//   * with one worker the mark bit is a load and a store; only several workers pay for an atomic OR, and only on objects that
//     look unmarked;
//   * a worker's stack is a ring: it pops at one end, and gives from the other, where the roots of the largest unvisited parts
//     are, in packets, as soon as another worker has nothing to do. Nobody steals; who has work gives [Endo97].
//
// The memory for marking is bounded: a ring a worker and a stock of packets. When both are full, an object stays marked but is
// not pushed, its block is noted, and when all is done the marked objects of such blocks are visited again, until no block
// is noted. So any graph is marked in any stock, if slowly.
#pragma once

#include <memory>
#include <mutex>
#include <new>
#include <vector>

#include "harness/heap/block_heap.hpp"
#include "harness/heap/gang.hpp"

namespace tally {

template <class M>
class block_marker {
 public:
  using heap = block_heap<M>;
  using word = typename heap::word;
  class worker;
  static constexpr std::size_t default_stack_bytes = std::size_t{1} << 22;

  // `stack_bytes`: for all rings and packets together, at least a few entries.
  block_marker(heap& h, int workers, std::size_t stack_bytes = default_stack_bytes)
      : heap_(h), gang_(workers), ring_entries_(ring_for(stack_bytes / static_cast<std::size_t>(gang_.size()))) {
    const std::size_t rings = static_cast<std::size_t>(gang_.size()) * ring_entries_ * sizeof(word*);
    most_packets_ = stack_bytes > rings ? (stack_bytes - rings) / sizeof(packet) : 0;
    full_.reserve(most_packets_);  // nothing that a stop does may fail for want of memory
    spare_.reserve(most_packets_);
    stock_.reserve(most_packets_);
    for (int i = 0; i < gang_.size(); ++i) workers_.push_back(std::make_unique<worker>(*this));
  }

  struct totals {
    std::int64_t objects = 0, bytes = 0;  // header included
    int overflows = 0;                    // rounds that revisited blocks
  };

  // Inside a stop: marks all that roots(worker) greys and what it leads to. `stopped`: threads that may help (stop_helpers.hpp).
  // When they are enough they do it, on the cores where they wait; else threads of the marker's own, which would have to share
  // those cores.
  template <class Roots, class Helpers>
  totals mark(Roots&& roots, Helpers& stopped) {
    const auto wanted = static_cast<std::size_t>(gang_.size());
    stopped.recruit(wanted - 1);
    for (auto& w : workers_) w->objects_ = w->bytes_ = 0;
    roots(*workers_[0]);
    const bool enough = stopped.muster().size() + 1 == wanted;
    active_ = enough ? gang_.size() : gang_.start();
    auto work = [this](auto i) { workers_[static_cast<std::size_t>(i)]->work(); };
    totals sum;
    for (;;) {
      idle_ = 0;
      all_idle_.store(false, std::memory_order_relaxed);  // relaxed: published by what starts the workers
      enough ? stopped.work(work) : gang_.run(work);
      // relaxed: written by workers, which have been waited for
      if (overflowed_.exchange(0, std::memory_order_relaxed) == 0) break;
      ++sum.overflows;
      revisit();
    }
    for (auto& w : workers_) sum.objects += w->objects_, sum.bytes += w->bytes_;
    if (sum.overflows != 0) count_again(sum);  // what was not pushed was not counted
    return sum;
  }

  // Between mark() and the heap's sweep().
  [[nodiscard]] bool marked(const word* o) {
    const place at(heap_.blocks(), o);
    return (at.bits->load(std::memory_order_relaxed) & at.mask) != 0;
  }

 private:
  static constexpr std::size_t packet_entries = 127;
  struct packet {
    std::size_t size = 0;
    word* entries[packet_entries];
  };
  using place = typename heap::mark_place;

  static std::size_t ring_for(std::size_t bytes) {
    std::size_t n = 8;
    while (n < 4096 && 2 * n * sizeof(word*) * 2 <= bytes) n *= 2;
    return n;
  }

  // A packet to fill; null when the stock, or the machine's memory, is used up. Under the lock.
  packet* blank() {
    if (!spare_.empty()) {
      packet* p = spare_.back();
      spare_.pop_back();
      return p;
    }
    if (stock_.size() == most_packets_) return nullptr;
    auto* p = new (std::nothrow) packet;  // the machine's memory ends where the stock might have: the same
    if (p != nullptr) stock_.emplace_back(p);
    return p;
  }
  bool give(worker& from, std::size_t count);
  bool take(worker& into);
  bool wait_for_work();
  void revisit();
  void count_again(totals& sum) {
    sum.objects = sum.bytes = 0;
    for (std::uint32_t number = 0; number < heap_.blocks().blocks(); ++number) {
      heap_.for_each_object_in(number, &heap::entry::mark, [&](word& o) {
        ++sum.objects;
        sum.bytes += static_cast<std::int64_t>(o.bytes());
      });
    }
  }

  heap& heap_;
  gang<M> gang_;
  std::size_t ring_entries_, most_packets_ = 0;
  std::vector<std::unique_ptr<worker>> workers_;

  typename M::mutex lock_;
  std::vector<std::unique_ptr<packet>> stock_;
  std::vector<packet*> full_, spare_;
  int active_ = 1;  // workers of this marking
  int idle_ = 0;
  // relaxed reads of these are hints; what follows is decided under the lock
  atomic<M, std::uint32_t, "mark"> hungry_;     // workers that wait
  atomic<M, std::uint32_t, "mark"> available_;  // full packets
  atomic<M, bool, "mark"> all_idle_;
  atomic<M, std::uint32_t, "mark"> overflowed_;
};

template <class M>
class block_marker<M>::worker {
 public:
  explicit worker(block_marker& m)
      : marker_(m), blocks_(m.heap_.blocks()), shared_(m.gang_.size() > 1), ring_(std::make_unique<word*[]>(m.ring_entries_)),
        mask_(m.ring_entries_ - 1) {}

  // Marks an object and sees to it that its slots will be visited. Null is nothing.
  void grey(word* o) {
    if (o == nullptr) return;
    const place at(blocks_, o);
    // relaxed throughout: the bits say who visits an object, and carry nothing; the stop orders all else
    const std::uint64_t bits = at.bits->load(std::memory_order_relaxed);
    if ((bits & at.mask) != 0) return;
    if (!shared_) {
      at.bits->store(bits | at.mask, std::memory_order_relaxed);
    } else if ((at.bits->fetch_or(at.mask, std::memory_order_relaxed) & at.mask) != 0) {
      return;
    }
    if (top_ - bottom_ > mask_) [[unlikely]]
      return spill(o);
    ring_[top_++ & mask_] = o;
  }

  // For the type table.
  template <class Slot>
  void visit_slot(Slot& s) {
    s.trace(*this);
  }

 private:
  friend class block_marker;
  static constexpr std::size_t window_size = 8;
  static constexpr unsigned share_every = 32;

  // The ring is full.
  [[gnu::noinline]] void spill(word* o) {
    if (marker_.give(*this, packet_entries)) {
      ring_[top_++ & mask_] = o;
    } else {
      place(blocks_, o).of->overflowed.store(1, std::memory_order_relaxed);
      marker_.overflowed_.store(1, std::memory_order_relaxed);
    }
  }
  void visit(word* o) { type_table<worker>::entries[o->type()].visit(*this, o + 1); }

  void work() {
    do {
      drain();
    } while (marker_.take(*this) || (shared_ && marker_.wait_for_work()));
  }

  void drain() {
    std::array<word*, window_size> window{};
    std::size_t waiting = 0;
    for (std::size_t at = 0;; at = (at + 1) % window_size) {
      word* in = nullptr;
      if (top_ != bottom_) {
        in = ring_[--top_ & mask_];
        __builtin_prefetch(in);
        ++waiting;
      } else if (waiting == 0) {
        return;
      }
      word* o = std::exchange(window[at], in);
      if (o == nullptr) continue;
      --waiting;
      ++objects_;
      bytes_ += static_cast<std::int64_t>(o->bytes());
      visit(o);
      if (shared_ && ++since_look_ == share_every) {
        since_look_ = 0;
        if (top_ - bottom_ > 1 && marker_.hungry_.load(std::memory_order_relaxed) != 0) {
          marker_.give(*this, std::min((top_ - bottom_) / 2, packet_entries));
        }
      }
    }
  }

  block_marker& marker_;
  typename heap::arena& blocks_;
  const bool shared_;
  std::unique_ptr<word*[]> ring_;
  const std::size_t mask_;
  std::size_t top_ = 0, bottom_ = 0;
  unsigned since_look_ = 0;
  std::int64_t objects_ = 0, bytes_ = 0;
};

// Moves the `count` oldest entries of the ring, or as many as there are, to a packet; false without one.
template <class M>
bool block_marker<M>::give(worker& from, std::size_t count) {
  const std::lock_guard hold(lock_);
  packet* p = blank();
  if (p == nullptr) return false;
  for (p->size = 0; p->size < count && from.bottom_ != from.top_; ++p->size) {
    p->entries[p->size] = from.ring_[from.bottom_++ & from.mask_];
  }
  full_.push_back(p);
  available_.store(static_cast<std::uint32_t>(full_.size()), std::memory_order_relaxed);
  return true;
}

// Fills an empty ring from a packet; false without one.
template <class M>
bool block_marker<M>::take(worker& into) {
  const std::lock_guard hold(lock_);
  if (full_.empty()) return false;
  packet* p = full_.back();
  // A small ring takes a part.
  while (p->size > 0 && into.top_ - into.bottom_ <= into.mask_) into.ring_[into.top_++ & into.mask_] = p->entries[--p->size];
  if (p->size == 0) {
    full_.pop_back();
    spare_.push_back(p);
  }
  available_.store(static_cast<std::uint32_t>(full_.size()), std::memory_order_relaxed);
  return true;
}

// False: every worker is here and there is no packet, so marking is over.
template <class M>
bool block_marker<M>::wait_for_work() {
  {
    const std::lock_guard hold(lock_);
    if (!full_.empty()) return true;
    hungry_.store(static_cast<std::uint32_t>(++idle_), std::memory_order_relaxed);
    if (idle_ == active_) {
      all_idle_.store(true, std::memory_order_relaxed);
      hungry_.store(0, std::memory_order_relaxed);
      return false;
    }
  }
  M::wait_until([this] { return all_idle_.load(std::memory_order_relaxed) || available_.load(std::memory_order_relaxed) != 0; });
  const std::lock_guard hold(lock_);
  if (all_idle_.load(std::memory_order_relaxed)) return false;
  hungry_.store(static_cast<std::uint32_t>(--idle_), std::memory_order_relaxed);
  return true;
}

// Visits the marked objects of blocks where some were not pushed. By worker 0, with the others parked.
template <class M>
void block_marker<M>::revisit() {
  worker& w = *workers_[0];
  for (std::uint32_t number = 0; number < heap_.blocks().blocks(); ++number) {
    auto& e = heap_.blocks().at(number);
    if (e.overflowed.exchange(0, std::memory_order_relaxed) == 0) continue;
    heap_.for_each_object_in(number, &heap::entry::mark, [&](word& o) {
      w.visit(&o);
      w.drain();
    });
  }
}

}  // namespace tally
