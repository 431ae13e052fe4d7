// The ordered list of a published experiment, with the two reclamation schemes that it compares, on the virtual multicore.
//
// [Poeter18] measures Michael's list-based set [Michael02] under reclamation schemes, two of them here: lock-free reference
// counting as in [Valois95] (a reader counts every node that it comes by; the memory of a node stays a node, on one free list
// that all threads share) and epochs as in [Fraser04] (a reader announces itself once an operation). Nodes are laid out and
// allocated as there: a counted node has its count a line in front of itself, in 96 bytes; one under epochs has 32.
//
// Written for the simulated policy only, from the papers and the experiment's description: what a strategy of this tree does is
// something else (it counts references that live in slots, too), and must not be mistaken for it.
#pragma once

#include <array>
#include <cstdint>
#include <utility>

#include "harness/sim/cores/tasks_simulated.hpp"

namespace tally::sim::published {

constexpr auto relaxed = std::memory_order_relaxed;  // the simulator knows no other

// A plain word that no access is counted for: a freed node is marked, and whoever finds the mark has found a defect.
inline constexpr std::uint64_t freed_mark = 0xdead;

// Lock-free reference counts.
struct counted {
  static constexpr const char* name = "reference counts";
  static constexpr std::uint32_t one = 2, claimed = 1;
  struct node {
    atomic<simulated, std::uint32_t, "count"> count;
    atomic<simulated, std::uint32_t, "count"> destroyed;
    std::array<std::byte, 56> padding;
    std::uint64_t mark = 0;  // where the experiment has a pointer to a table of virtual functions
    atomic<simulated, std::uintptr_t, "free"> next_free;
    var<simulated, std::uint64_t, "key"> key;
    atomic<simulated, std::uintptr_t, "next"> next;
  };
  static_assert(sizeof(node) == 96);
  struct shared {
    alignas(64) atomic<simulated, std::uintptr_t, "free"> head;
  };
  struct thread {
    explicit thread(shared& s) : all(s) {}
    shared& all;
  };
  using guard = node*;

  static node* make(thread& t) {
    node* n = pop(t);
    if (n == nullptr) {
      n = new (simulated::alloc(sizeof(node))) node;
      n->count.store(one, relaxed);
    }
    n->mark = 0;
    n->destroyed.store(0, relaxed);
    return n;
  }
  // A node that nobody else has seen.
  static void discard(thread& t, node* n) { release(t, n); }
  static bool acquire_if_equal(thread& t, guard& g, atomic<simulated, std::uintptr_t, "next">& from, std::uintptr_t expected) {
    reset(t, g);
    if (from.load(relaxed) != expected) return false;
    node* n = reinterpret_cast<node*>(expected);
    if (n == nullptr) return true;
    n->count.fetch_add(one, relaxed);
    g = n;
    if (from.load(relaxed) == expected) return true;
    reset(t, g);
    return false;
  }
  static void reset(thread& t, guard& g) {
    if (node* n = std::exchange(g, nullptr)) release(t, n);
  }
  static void retire(thread& t, guard& g) {
    g->count.fetch_sub(one, relaxed);  // the list's own
    reset(t, g);
  }

 private:
  static void release(thread& t, node* n) {
    std::uint32_t old = n->count.load(relaxed), now = 0;
    do {
      now = old - one == 0 ? claimed : old - one;
    } while (!n->count.compare_exchange_weak(old, now, relaxed, relaxed));
    if (((old - now) & claimed) == 0) return;
    n->destroyed.store(1, relaxed);
    n->mark = freed_mark;
    std::uintptr_t head = t.all.head.load(relaxed);
    do {
      n->next_free.store(head, relaxed);
    } while (!t.all.head.compare_exchange_weak(head, reinterpret_cast<std::uintptr_t>(n), relaxed, relaxed));
  }
  static node* pop(thread& t) {
    for (;;) {
      // Counted before its link is read: it can't be pushed again meanwhile, so that the exchange is not fooled.
      const std::uintptr_t head = t.all.head.load(relaxed);
      node* n = reinterpret_cast<node*>(head);
      if (n == nullptr) return nullptr;
      n->count.fetch_add(one, relaxed);
      if (t.all.head.load(relaxed) == head) {
        std::uintptr_t expected = head;
        if (t.all.head.compare_exchange_weak(expected, n->next_free.load(relaxed), relaxed, relaxed)) {
          n->count.fetch_sub(claimed, relaxed);
          n->next_free.store(0, relaxed);
          return n;
        }
      }
      release(t, n);
    }
  }
};

// Epochs.
struct epochs {
  static constexpr const char* name = "epochs";
  static constexpr std::uint32_t many = 3, update_every = 100;
  struct node {
    std::uint64_t mark = 0;
    var<simulated, node*, "retired"> next_retired;
    var<simulated, std::uint64_t, "key"> key;
    atomic<simulated, std::uintptr_t, "next"> next;
  };
  static_assert(sizeof(node) == 32);
  struct block {
    atomic<simulated, std::uint32_t, "epoch"> inside, epoch{many};
    atomic<simulated, block*, "epoch"> next;
  };
  struct shared {
    alignas(64) atomic<simulated, std::uint32_t, "epoch"> epoch;
    alignas(64) atomic<simulated, block*, "epoch"> blocks;
  };
  struct thread {
    explicit thread(shared& s) : all(s), mine(new block) {
      block* head = all.blocks.load(relaxed);
      do {
        mine->next.store(head, relaxed);
      } while (!all.blocks.compare_exchange_weak(head, mine, relaxed, relaxed));
    }
    shared& all;
    block* mine;
    std::uint32_t depth = 0, entries = 0;
    std::array<node*, many> retired{};
  };
  using guard = node*;

  static node* make(thread&) {
    auto* n = new (simulated::alloc(sizeof(node))) node;
    n->mark = 0;
    n->next_retired.store(nullptr);
    return n;
  }
  static void discard(thread&, node* n) { free(n); }
  static bool acquire_if_equal(thread& t, guard& g, atomic<simulated, std::uintptr_t, "next">& from, std::uintptr_t expected) {
    const std::uintptr_t found = from.load(relaxed);
    if (found != expected || found == 0) {
      reset(t, g);
      return found == expected;
    }
    if (g == nullptr) enter(t);
    g = reinterpret_cast<node*>(from.load(relaxed));
    if (g == reinterpret_cast<node*>(expected)) return true;
    leave(t);
    g = nullptr;
    return false;
  }
  static void reset(thread& t, guard& g) {
    if (std::exchange(g, nullptr) != nullptr) leave(t);
  }
  static void retire(thread& t, guard& g) {
    node*& list = t.retired[t.mine->epoch.load(relaxed)];
    g->next_retired.store(list);
    list = g;
    reset(t, g);
  }

 private:
  static void free(node* n) {
    n->mark = freed_mark;
    simulated::free(n);
  }
  static void enter(thread& t) {
    if (++t.depth != 1) return;
    t.mine->inside.store(1, relaxed);  // and a fence, which costs nothing here: a core waits for its stores
    std::uint32_t e = t.all.epoch.load(relaxed);
    if (t.mine->epoch.load(relaxed) != e) {
      t.entries = 0;
    } else if (t.entries++ == update_every) {
      t.entries = 0;
      if (!advance(t, e)) return;
      e = (e + 1) % many;
    } else {
      return;
    }
    t.mine->epoch.store(e, relaxed);
    for (node* n = std::exchange(t.retired[e], nullptr); n != nullptr;) {
      node* next = n->next_retired.load();
      free(n);
      n = next;
    }
  }
  static void leave(thread& t) {
    if (--t.depth == 0) t.mine->inside.store(0, relaxed);
  }
  static bool advance(thread& t, std::uint32_t e) {
    for (block* b = t.all.blocks.load(relaxed); b != nullptr; b = b->next.load(relaxed)) {
      if (b->inside.load(relaxed) != 0 && b->epoch.load(relaxed) == (e + many - 1) % many) return false;
    }
    if (t.all.epoch.load(relaxed) == e) {
      std::uint32_t expected = e;
      t.all.epoch.compare_exchange_strong(expected, (e + 1) % many, relaxed, relaxed);
    }
    return true;
  }
};

// The set. Bit 0 of a node's `next` says that the node is deleted.
template <class Scheme>
class ordered_list {
  using node = typename Scheme::node;
  using guard = typename Scheme::guard;
  using link = atomic<simulated, std::uintptr_t, "next">;

 public:
  using thread = typename Scheme::thread;
  typename Scheme::shared all;
  bool broken = false;  // somebody saw a freed node

  bool search(thread& t, std::uint64_t key) {
    place p;
    const bool is = find(t, key, p);
    leave(t, p);
    return is;
  }
  bool insert(thread& t, std::uint64_t key) {
    node* n = Scheme::make(t);
    n->key.store(key);
    place p;
    for (;;) {
      if (find(t, key, p)) {
        leave(t, p);
        Scheme::discard(t, n);
        return false;
      }
      auto cur = reinterpret_cast<std::uintptr_t>(p.cur);
      n->next.store(cur, relaxed);
      if (p.prev->compare_exchange_weak(cur, reinterpret_cast<std::uintptr_t>(n), relaxed, relaxed)) break;
    }
    leave(t, p);
    return true;
  }
  bool remove(thread& t, std::uint64_t key) {
    place p;
    do {
      if (!find(t, key, p)) {
        leave(t, p);
        return false;
      }
    } while (!p.cur->next.compare_exchange_weak(p.next, p.next | 1, relaxed, relaxed));
    auto expected = reinterpret_cast<std::uintptr_t>(p.cur);
    if (p.prev->compare_exchange_weak(expected, p.next, relaxed, relaxed)) {
      Scheme::retire(t, p.cur);
    } else {
      find(t, key, p);  // whoever interfered may have left it linked
    }
    leave(t, p);
    return true;
  }
  // With no thread left: how many, or -1 if they are out of order.
  [[nodiscard]] int size() const {
    int n = 0;
    std::uint64_t last = 0;
    for (auto* at = reinterpret_cast<node*>(head_.load(relaxed)); at != nullptr;) {
      if (n != 0 && at->key.load() <= last) return -1;
      last = at->key.load();
      n += (at->next.load(relaxed) & 1) == 0 ? 1 : 0;
      at = reinterpret_cast<node*>(at->next.load(relaxed) & ~std::uintptr_t{1});
    }
    return n;
  }

 private:
  struct place {
    link* prev = nullptr;
    std::uintptr_t next = 0;
    guard cur = nullptr, save = nullptr;
  };
  static void leave(thread& t, place& p) {
    Scheme::reset(t, p.save);
    Scheme::reset(t, p.cur);
  }
  bool find(thread& t, std::uint64_t key, place& p) {
    for (;;) {
      p.prev = &head_;
      p.next = head_.load(relaxed);
      Scheme::reset(t, p.save);
      if (const int found = walk(t, key, p); found >= 0) return found != 0;
    }
  }
  // 1: found; 0: not there; -1: somebody interfered, from the start again.
  int walk(thread& t, std::uint64_t key, place& p) {
    for (;;) {
      if (!Scheme::acquire_if_equal(t, p.cur, *p.prev, p.next)) return -1;
      if (p.cur == nullptr) return 0;
      p.next = p.cur->next.load(relaxed);
      if ((p.next & 1) != 0) {
        p.next = p.cur->next.load(relaxed) & ~std::uintptr_t{1};
        auto expected = reinterpret_cast<std::uintptr_t>(p.cur);
        if (!p.prev->compare_exchange_weak(expected, p.next, relaxed, relaxed)) return -1;
        Scheme::retire(t, p.cur);
        continue;
      }
      if (p.prev->load(relaxed) != reinterpret_cast<std::uintptr_t>(p.cur)) return -1;
      const std::uint64_t here = p.cur->key.load();
      broken = broken || p.cur->mark == freed_mark;
      if (here >= key) return here == key ? 1 : 0;
      p.prev = &p.cur->next;
      Scheme::reset(t, p.save);
      p.save = std::exchange(p.cur, nullptr);
    }
  }

  alignas(64) link head_;
};

}  // namespace tally::sim::published
