// Epochs: when may memory be taken apart that a racing reader might still look at?
//
// A reader announces the global epoch before it reads a shared slot and withdraws the announcement when it is done. The global
// epoch moves from e to e+1 only when every announcement that stands says e. What a writer retires at epoch e can therefore be
// taken apart once the epoch is e+2. Nothing is ever announced outside a guard, so a thread that is blocked, gone or merely
// busy elsewhere never holds anything up; a thread that sits in a guard holds up everything that is retired meanwhile.
//
// Why two steps, and why these operations are seq_cst. Let R read pointer p from a slot (B) after its announcement (A), both
// seq_cst, and let a writer replace p in that slot (C, a seq_cst RMW) and retire the object at e, the epoch it reads after C
// (L, seq_cst). In the single order S of seq_cst operations, A < B < C < L. An advance reads the epoch, then the announcements
// (D), then moves the epoch, all seq_cst. The advance to e+1 may have had its D before A. The advance to e+2 starts at an epoch
// that L did not see, so its D comes after L, hence after A, and finds R's announcement; it could go on only if R had announced
// e+1, but then that epoch would have been reached before A, hence before L, which did not see it. So e+2 is not reached
// while R's guard stands. With acquire and release alone, D could miss A while B misses C (store buffering).
//
// Retired objects wait in three lists per context, by epoch modulo 3, linked through their object_word: retiring allocates
// nothing. A context that detaches leaves its lists to the heap; any other context adopts them when it tries to advance.
//
// Progress: enter and leave are wait-free; retire and advance never wait for another thread (the lock of the orphans is only
// tried). Attach and detach take a lock or walk the list of records. Source: [Fraser04]; the retired counts: [CDRC].
#pragma once

#include <array>
#include <memory>

#include "harness/heap/object.hpp"

namespace tally {

// A list of dead objects, and what they amount to.
template <class M>
struct dead_list {
  object_word<M>* head = nullptr;
  object_word<M>* tail = nullptr;
  std::int64_t objects = 0, bytes = 0;

  [[nodiscard]] bool empty() const { return head == nullptr; }
  void push(object_word<M>& w) {
    ++objects;
    bytes += static_cast<std::int64_t>(w.bytes());  // before the link takes its place
    w.set_link(head);
    if (head == nullptr) tail = &w;
    head = &w;
  }
  void splice(dead_list& other) {
    if (other.empty()) return;
    other.tail->set_link(head);
    if (head == nullptr) tail = other.tail;
    head = other.head;
    objects += other.objects;
    bytes += other.bytes;
    other = {};
  }
};

template <class M>
class epoch_domain {
 public:
  static constexpr std::uint64_t idle = 0;

  // One context's announcement. Records are never freed while the heap lives, so a scan needs no protection. Padded on both
  // sides to 128 bytes: neighbours share no line, nor a pair of lines that is fetched together.
  struct record {
    std::byte before[128];
    atomic<M, std::uint64_t, "epoch"> announced;
    atomic<M, std::uint32_t, "epoch"> taken;
    var<M, record*, "epoch"> next;  // written before the record is found by others
    std::byte behind[128];
  };

  epoch_domain() = default;
  epoch_domain(const epoch_domain&) = delete;
  epoch_domain& operator=(const epoch_domain&) = delete;
  ~epoch_domain() {
    for (record* r = records_.load(std::memory_order_relaxed); r != nullptr;) {  // relaxed: nobody else is left
      record* next = r->next.load();
      std::destroy_at(r);
      M::free(r);
      r = next;
    }
  }

  record& attach() {
    for (record* r = records_.load(std::memory_order_acquire); r != nullptr; r = r->next.load()) {
      std::uint32_t is_free = 0;
      // acquire: pairs with the release in detach(). relaxed on failure: the record is somebody else's
      if (r->taken.load(std::memory_order_relaxed) == 0 &&
          r->taken.compare_exchange_strong(is_free, 1, std::memory_order_acquire, std::memory_order_relaxed)) {
        return *r;
      }
    }
    auto* r = new (M::alloc(sizeof(record))) record;
    r->taken.store(1, std::memory_order_relaxed);  // published by the exchange below
    record* head = records_.load(std::memory_order_relaxed);
    do {
      r->next.store(head);
      // seq_cst: a scan that does not find the record comes before every announcement in it (see D and A above)
    } while (!records_.compare_exchange_weak(head, r, std::memory_order_seq_cst, std::memory_order_relaxed));
    return *r;
  }
  void detach(record& r, dead_list<M>& left) {
    if (!left.empty()) {
      lock_.lock();
      orphans_.splice(left);
      has_orphans_.store(1, std::memory_order_relaxed);  // a hint: the lock orders the list
      lock_.unlock();
    }
    assert(r.taken.load(std::memory_order_relaxed) == 1);  // one holder
    r.taken.store(0, std::memory_order_release);
  }

  [[nodiscard]] std::uint64_t now() const { return epoch_.load(std::memory_order_seq_cst); }

  // True if the epoch moved on, whoever moved it.
  bool try_advance() {
    std::uint64_t e = now();
    for (record* r = records_.load(std::memory_order_seq_cst); r != nullptr; r = r->next.load()) {
      // Also acquire: pairs with the release in leave(), and the exchange below passes it on to whoever reads the new epoch:
      // a guard's reads happen before the object is taken apart.
      const std::uint64_t a = r->announced.load(std::memory_order_seq_cst);
      if (a != idle && a != e && !mutant<M, "epoch: announcements hold nothing up">()) return false;
    }
    const std::uint64_t to = e + 1;
    return epoch_.compare_exchange_strong(e, to, std::memory_order_seq_cst, std::memory_order_seq_cst) || e >= to;
  }

  [[nodiscard]] bool has_orphans() const { return has_orphans_.load(std::memory_order_relaxed) != 0; }
  void adopt(dead_list<M>& into) {
    if (!has_orphans() || !lock_.try_lock()) return;
    into.splice(orphans_);
    has_orphans_.store(0, std::memory_order_relaxed);
    lock_.unlock();
  }

 private:
  atomic<M, std::uint64_t, "epoch"> epoch_{1};
  atomic<M, record*, "epoch"> records_;
  atomic<M, std::uint32_t, "epoch"> has_orphans_;
  typename M::mutex lock_;
  dead_list<M> orphans_;
};

// A context's part.
template <class M>
class epoch_member {
 public:
  // Retirements, and polls with something retired, between two attempts to advance: one scan of everybody's line is spread
  // over as many, and no more than three times as many objects are held back per context while nobody sits in a guard.
  static constexpr std::uint32_t attempt_every = 64;

  explicit epoch_member(epoch_domain<M>& domain) : domain_(domain), record_(domain.attach()) {}
  ~epoch_member() {
    dead_list<M> left;
    for (auto& b : bags_) left.splice(b.list);
    domain_.detach(record_, left);
  }
  epoch_member(const epoch_member&) = delete;
  epoch_member& operator=(const epoch_member&) = delete;

  // Guards may nest; the outermost announces. An epoch that is old by the time it is announced only delays an advance.
  void enter() {
    if (depth_++ == 0 && !mutant<M, "epoch: a reader does not announce">())
      record_.announced.store(domain_.now(), std::memory_order_seq_cst);  // A: pairs with D
  }
  // release: pairs with the scan in try_advance().
  void leave() {
    if (--depth_ == 0) record_.announced.store(domain_.idle, std::memory_order_release);
  }
  [[nodiscard]] bool inside() const { return depth_ != 0; }
  [[nodiscard]] bool drained() const { return held_ == 0 && !domain_.has_orphans(); }

  // Takes a dead object in; appends what may be disposed of now to `ready`.
  void retire(object_word<M>& dead, dead_list<M>& ready) {
    dead_list<M> one;
    one.push(dead);
    put(one, ready);
    if (++retired_ % attempt_every == 0) collect(ready);
  }
  // At a safepoint: true when it is time to collect. Wherever slots are written something is held at nearly every poll, so that
  // this much is decided inline; with nothing held it is one load.
  [[nodiscard]] bool poll_is_due() { return held_ != 0 && ++polls_ % attempt_every == 0; }
  // Tries to advance, and finds what is two epochs old.
  void collect(dead_list<M>& ready) {
    dead_list<M> orphans;
    domain_.adopt(orphans);
    if (!orphans.empty()) put(orphans, ready);
    domain_.try_advance();
    const std::uint64_t e = domain_.now();
    for (auto& b : bags_) {
      assert(b.epoch <= e);  // the epoch never goes back
      if (b.epoch + (mutant<M, "epoch: one step is enough">() ? 1 : 2) <= e) release(b, ready);
    }
  }

 private:
  struct bag {
    std::uint64_t epoch = 0;
    dead_list<M> list;
  };
  void put(dead_list<M>& list, dead_list<M>& ready) {
    const std::uint64_t e = domain_.now();  // L
    bag& b = bags_[e % bags_.size()];
    if (b.epoch != e) {  // then it is three epochs old, at least
      release(b, ready);
      b.epoch = e;
    }
    held_ += list.objects;
    b.list.splice(list);
  }
  void release(bag& b, dead_list<M>& ready) {
    held_ -= b.list.objects;
    ready.splice(b.list);
  }

  epoch_domain<M>& domain_;
  typename epoch_domain<M>::record& record_;
  std::array<bag, 3> bags_;
  std::int64_t held_ = 0;
  std::uint32_t depth_ = 0, retired_ = 0, polls_ = 0;
};

}  // namespace tally
