// What `deferred` does while the world is stopped: applies logs, finds which young objects live, frees what lost its last
// reference, and, now and then, cycles.
//
// Counts go up first: for what stacks refer to, and for what logged places hold now. An object whose count leaves zero was young
// and is old from here on: its block keeps the cell, its own places are counted, and their log bits are set. Then counts go down:
// by what logged places held at the last stop, and by what stacks referred to then (the stacks' counts last from one stop to
// the next, so that an object without a count is garbage whenever one is found). What gets to zero is freed with all that only
// it kept alive. Young objects whose count is still zero are not looked at: the sweep of their blocks finds no mark for them.
// Only those with a destructor are in a list, so that it can be run.
//
// All threads that the stop finds at safepoints do it together (heap/stop_helpers.hpp). Each has the log of its own context, and
// the objects in the blocks of that context's allocator: it alone counts, marks and frees those, so that nothing needs a locked
// instruction, and they are in its core's caches. What an operation does to an object of somebody else's share is sent
// there, and done in the next round; a phase is over when a round sends nothing. The stopper also has the shares of those that
// did not come.
//
// Cycles among old objects are found by taking from each object's count what the places of other objects hold: who has a rest
// is referred to from outside, and it and all that it reaches get their counts back, and live (the trial deletion of
// [Bacon01], for all objects at once).
//
// Weak refs are cleared when it is settled who lives, before any cell of the heap can be used again: what has no mark then is
// dead, however it died, and that is the only test that the young need. A weak ref in a place dies with the place's object: at
// once when that was old, and else by not having been seen (see weak_cells.hpp).
//
// Sources: [DB76], [Ulterior03] for young objects that are not counted, [LevanoniPetrank06] for the log.
#pragma once

#include <algorithm>
#include <array>
#include <cassert>
#include <mutex>
#include <unordered_map>
#include <utility>
#include <vector>

#include "harness/heap/block_heap.hpp"
#include "strategies/deferred_counts.hpp"
#include "strategies/deferred_log.hpp"

namespace tally::strategies {

// What the heap holds between stops, and what its workers share in one.
template <class M>
class deferred_reconciler {
 public:
  using header = deferred_header<M>;
  using log = deferred_log<M>;
  class worker;

  explicit deferred_reconciler(block_heap<M>& blocks)
      : blocks_(blocks), weak_pool_(weak_.attach()), workers_(1, worker(*this, 0)) {}

  [[nodiscard]] weak_cells<M>& weak() { return weak_; }

  // Old objects, and their bytes.
  [[nodiscard]] std::int64_t objects() const { return objects_; }
  [[nodiscard]] std::int64_t bytes() const { return bytes_; }

  // A stop makes these calls in this order: for each word that refers to an object on a stack, by the stopper; share_out() for as
  // many workers as there are; what class worker offers, by all workers together; and once at the end.
  void found_on_stack(header& h) {
    alone().increment(h, 1);
    alone().follow(walk::adopt);
    on_stacks_.push_back(&h);
  }
  // `share_of(worker number)`: the home whose blocks are its share; the first has all others.
  template <class F>
  void share_out(std::size_t workers, F&& share_of) {
    while (workers_.size() < workers) workers_.push_back(worker(*this, workers_.size()));
    active_ = workers;
    worker_of_.assign(blocks_.homes(), 0);
    for (std::size_t i = 1; i < workers; ++i) worker_of_[share_of(i)] = i;
    for (worker& w : workers_) w.get_ready(workers);
  }
  [[nodiscard]] worker& at(std::size_t i) { return workers_[i]; }
  void finish() {
    active_ = 1;
    collect_sums();
    on_stacks_before_.swap(on_stacks_);
    sweep();
  }
  // What stacks referred to at the last stop is not counted for that any more.
  void drop_stacks() {
    if (mutant<M, "deferred: weak refs are cleared before counts go down for stacks">()) clear_weak_refs();
    for (header* h : on_stacks_before_) {
      if (!mutant<M, "deferred: what was once on a stack is counted for good">()) alone().decrement(*h, 1);
    }
    on_stacks_before_.clear();
  }
  // How many weak refs the stop looked at.
  [[nodiscard]] std::size_t weak_refs() const { return weak_refs_; }

  // After finish(), in the same stop, by one worker: frees garbage cycles and what only they kept alive.
  void collect_cycles() {
    worker& one = alone();
    blocks_.for_each_object([&](object_word<M>& o) { one.scan(object_of(o), walk::subtract); });
    blocks_.let_all_go();
    objects_ = bytes_ = 0;
    blocks_.for_each_object([&](object_word<M>& o) {
      if (object_of(o).count() != 0 && !blocks_.kept(o)) one.keep(object_of(o));
      one.follow(walk::give_back);
    });
    blocks_.for_each_object([&](object_word<M>& o) {
      if (!blocks_.kept(o)) one.destroy(object_of(o));
    });
    collect_sums();
    sweep();
  }

 private:
  enum class walk { adopt, subtract, give_back };
  using types = type_table<worker>;

  static header& object_of(object_word<M>& o) { return reinterpret_cast<header&>(o); }  // its first member
  worker& alone() { return workers_.front(); }

  void collect_sums() {
    for (worker& w : workers_) {
      objects_ += std::exchange(w.objects_, 0);
      bytes_ += std::exchange(w.bytes_, 0);
    }
  }
  // With all counts, and so all marks, settled.
  void sweep() {
    if (!mutant<M, "deferred: weak refs are cleared before counts go down for stacks">()) clear_weak_refs();
    blocks_.sweep_changed();
  }
  void clear_weak_refs() {
    if (mutant<M, "deferred: weak refs are not cleared">()) return;
    weak_refs_ = weak_.clear_dead(weak_pool_, weak_cells<M>::sight::for_good,
                                  [this](void* object) { return blocks_.kept(static_cast<header*>(object)->word); });
  }

  block_heap<M>& blocks_;
  weak_cells<M> weak_;
  typename weak_cells<M>::pool&
      weak_pool_;  // what a stop gives cells back through; it has none of its own, so workers may share it
  std::size_t weak_refs_ = 0;
  std::int64_t objects_ = 0, bytes_ = 0;
  std::vector<header*> on_stacks_, on_stacks_before_;
  std::size_t active_ = 1;
  std::vector<worker> workers_;
  std::vector<std::size_t> worker_of_;                 // by home
  typename M::mutex beyond_lock_;                      // between workers
  std::unordered_map<header*, std::uint64_t> beyond_;  // what an object's count is above `most`
};

// One thread's part in a stop. What is sent between workers is double-buffered: this round's is written while the last one's is
// read.
template <class M>
class deferred_reconciler<M>::worker {
 public:
  worker(deferred_reconciler& all, std::size_t number) : all_(all), number_(number) {}

  // Raises the counts that a log raises, and remembers for lower() what it lowers.
  void read(const log& l, bool raises = true) {
    l.for_each([this, raises](typename log::kind k, void* at) {
      if (k == log::kind::more && raises) change(*static_cast<header*>(at), 1);
      if (k == log::kind::fewer) change(*static_cast<header*>(at), -1);
      if (k == log::kind::place) adopt(*static_cast<deferred_slot<M>*>(at));
      if (k == log::kind::shared_place) adopt(*static_cast<deferred_shared_slot<M>*>(at));
      follow(walk::adopt);
    });
    for (net& n : nets_) settle(n);
  }
  void destroy_young(std::vector<header*>& made) {
    for (header* h : made) {
      if (h->count() == 0) destroy(*h);
    }
    made.clear();
  }
  void lower() {
    for (const net& n : lower_) decrement(*n.object, static_cast<std::uint64_t>(-n.change));
    lower_.clear();
  }
  // Until all that was sent is done: what is sent raises counts, or lowers them. `meet` is a barrier of all workers.
  template <class Barrier>
  void finish_raising(Barrier&& meet) {
    receive(meet, [this](header& h, std::uint64_t n) {
      increment(h, n);
      follow(walk::adopt);
    });
  }
  template <class Barrier>
  void finish_lowering(Barrier&& meet) {
    receive(meet, [this](header& h, std::uint64_t n) { decrement(h, n); });
  }

  // For the type table: the places of a living object, and of a dead one.
  void scan_slot(auto& s) {
    if (walk_ == walk::adopt) return adopt(s);
    header* h = s.object(s.stopped());
    if (h == nullptr) return;
    if (walk_ == walk::subtract) return static_cast<void>(subtract(*h, 1));
    if (!mutant<M, "deferred: a search for cycles does not give counts back">()) add(*h, 1);
    if (!all_.blocks_.kept(h->word)) keep(*h);
  }
  void visit_slot(auto& s) {
    header* h = s.object(s.stopped());
    if (h != nullptr && counted_) decrement_later(*h, 1);
  }
  template <class T>
  void scan_slot(deferred_weak_slot<M, T>& s) {
    if (walk_ == walk::adopt) s.grow_old();
  }
  template <class T>
  void visit_slot(deferred_weak_slot<M, T>& s) {
    if (auto* c = s.held()) weak_cells<M>::drop(all_.weak_pool_, c);
  }

 private:
  friend class deferred_reconciler;
  struct net {
    header* object = nullptr;
    std::int64_t change = 0;  // of its count
  };
  using box = std::vector<net>;
  static constexpr std::size_t net_bits = crowded<M> ? 1 : 10;  // 16 KiB: in a core's first cache

  // Most references that are logged come and go between two stops: what is between is not counted, a young object that nothing
  // refers to any more is not even looked at, and one that all refer to is counted once.
  void change(header& h, std::int64_t by) {
    // 35 bits of the address: where a heap begins is above them on a simulated machine, and must not decide an order there.
    const auto low = static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(&h) >> 3);
    net& n = nets_[low * 0x9e3779b97f4a7c15U >> (64 - net_bits)];
    if (n.object != &h) {
      settle(n);
      n.object = &h;
      __builtin_prefetch(&h, 1);
    }
    n.change += by;
  }
  void settle(net& n) {
    const net was = std::exchange(n, net{});
    if (was.change > 0) {
      increment(*was.object, static_cast<std::uint64_t>(was.change));
      follow(walk::adopt);
    } else if (was.change < 0 && mutant<M, "deferred: logs lower counts before they raise them">()) {
      decrement(*was.object, static_cast<std::uint64_t>(-was.change));
    } else if (was.change < 0) {
      lower_.push_back(was);
    }
  }

  void get_ready(std::size_t workers) {
    for (auto& out : out_) out.resize(std::max(out.size(), workers));
    round_ = 0;
  }
  // True: it was sent to the worker whose share it is in.
  bool sent(header& h, std::int64_t change) {
    if (all_.active_ == 1) [[likely]]
      return false;
    const std::size_t to = all_.worker_of_[all_.blocks_.home_of(h.word)];
    if (to == number_ || mutant<M, "deferred: whoever logged it counts it">()) return false;
    out_[round_ & 1][to].push_back({&h, change});
    sent_[round_ & 1] = true;
    return true;
  }
  template <class Barrier, class F>
  void receive(Barrier&& meet, F&& act) {
    if (all_.active_ == 1) return;
    for (bool more = true; more;) {
      meet();  // all have sent what they had to send in this round
      const std::size_t now = round_++ & 1;
      sent_[now ^ 1] = false;
      more = false;
      for (std::size_t i = 0; i < all_.active_; ++i) {
        worker& from = all_.workers_[i];
        more = more || from.sent_[now];
        for (const net& n : from.out_[now][number_]) act(*n.object, static_cast<std::uint64_t>(n.change));
      }
      meet();  // all have read it
      for (box& b : out_[now]) b.clear();
    }
  }

  // The present value of a place is counted from now on.
  void adopt(auto& s) {
    const std::uintptr_t w = s.stopped();
    s.set_stopped(w | s.log_bit);
    if (header* h = s.object(w)) increment(*h, 1);
  }
  void increment(header& h, std::uint64_t n) {
    if (sent(h, static_cast<std::int64_t>(n))) return;
    if (h.count() == 0) keep(h);
    add(h, n);
  }
  void keep(header& h) {
    ++objects_;
    bytes_ += static_cast<std::int64_t>(h.bytes());
    all_.blocks_.keep(h.word);
    if (!mutant<M, "deferred: what a survivor refers to is not counted">()) to_follow_.push_back(&h);
  }
  void follow(walk how) {
    while (!to_follow_.empty()) {
      header* h = to_follow_.back();
      to_follow_.pop_back();
      scan(*h, how);
    }
  }
  void scan(header& h, walk how) {
    walk_ = how;
    types::entries[h.word.type()].scan(*this, &h + 1);
  }

  void decrement(header& h, std::uint64_t n) {
    decrement_later(h, n);
    while (dead_ != nullptr) {
      header& d = *dead_;
      dead_ = d.word.template link<header>();
      types::entries[d.word.type()].visit(*this, &d + 1);
    }
  }
  // The dead are a list, linked through the words that they no longer need: a chain of any length is freed in constant memory.
  void decrement_later(header& h, std::uint64_t n) {
    if (sent(h, static_cast<std::int64_t>(n)) || !subtract(h, n)) return;
    --objects_;
    bytes_ -= static_cast<std::int64_t>(h.bytes());
    all_.blocks_.let_go(h.word);
    h.word.set_link(dead_);
    dead_ = &h;
  }
  // Ends the life of an object whose places are not counted.
  void destroy(header& h) {
    counted_ = false;
    types::entries[h.word.type()].visit(*this, &h + 1);
    counted_ = true;
  }

  void add(header& h, std::uint64_t n) {
    const std::uint64_t sum = h.count() + n;
    if (sum <= header::most) [[likely]]
      return h.set_count(static_cast<std::uint32_t>(sum));
    h.set_count(header::most);
    const auto hold = beyond_lock();
    all_.beyond_[&h] += sum - header::most;
  }
  // True: those were the last.
  bool subtract(header& h, std::uint64_t n) {
    if (h.count() == header::most) [[unlikely]] {
      const auto hold = beyond_lock();
      const auto at = all_.beyond_.find(&h);
      if (at != all_.beyond_.end()) {
        const std::uint64_t of_these = std::min(n, at->second);
        if ((at->second -= of_these) == 0) all_.beyond_.erase(at);
        n -= of_these;
      }
    }
    if (n == 0) return false;
    assert(h.count() >= n);
    h.set_count(h.count() - static_cast<std::uint32_t>(n));
    return h.count() == 0;
  }
  std::unique_lock<typename M::mutex> beyond_lock() {
    return all_.active_ == 1 ? std::unique_lock<typename M::mutex>() : std::unique_lock(all_.beyond_lock_);
  }

  deferred_reconciler& all_;
  std::size_t number_;
  std::int64_t objects_ = 0, bytes_ = 0;  // more than before this stop
  walk walk_ = walk::adopt;
  bool counted_ = true;  // what a dead object's places hold
  header* dead_ = nullptr;
  std::vector<header*> to_follow_;
  std::array<net, std::size_t{1} << net_bits> nets_{};  // by address: what the log that is read does to a few objects
  std::vector<net> lower_;
  std::array<std::vector<box>, 2> out_;  // by round and receiver
  std::array<bool, 2> sent_{};
  std::size_t round_ = 0;
};

}  // namespace tally::strategies
