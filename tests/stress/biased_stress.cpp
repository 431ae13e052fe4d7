// Random hand-offs between threads whose contexts come and go: objects outlive their owners, ids are reused, owners block and
// exit while others queue to them. Every object must die exactly once, with no reference of it used after that (the canary,
// and the sanitizers), and nothing may be left at the end.
#include "strategies/biased.hpp"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <optional>
#include <thread>
#include <vector>

#include "harness/base/random.hpp"

namespace stress_biased_stress {
namespace {

using namespace tally;
using strategies::biased_edges;
using strategies::biased_heap;
using strategies::biased_merge;
using strategies::biased_options;
using strategies::biased_rule;
using strategies::biased_stack;

std::atomic<std::int64_t> made{0}, died{0}, wrong{0};

template <class H>
struct node {
  typename H::template slot<node> child;
  typename H::template weak_slot<node> friendly;
  typename H::template shared_slot<node> racy;
  std::uint64_t canary = alive;
  static constexpr std::uint64_t alive = 0xa11ce0b1ec7;

  node() { made.fetch_add(1, std::memory_order_relaxed); }
  node(const node&) = delete;
  node& operator=(const node&) = delete;
  ~node() {
    if (canary != alive) wrong.fetch_add(1, std::memory_order_relaxed);
    canary = 0;
    died.fetch_add(1, std::memory_order_relaxed);
  }
  void each_slot(auto&& f) {
    f(child);
    f(friendly);
    f(racy);
  }
};

template <class H>
class arena {
 public:
  using context = typename H::context;
  using object = node<H>;
  using ref = typename H::template ref<object>;
  using weak = typename H::template weak<object>;
  static constexpr int mailboxes = 8;

  explicit arena(std::uint64_t seed) : seed_(seed) {
    context c(heap_);
    for (auto& b : boxes_) b.store(word_of(tally::make<object>(c, {})), std::memory_order_relaxed);
    root_.emplace(heap_);
    root_->store(c, tally::make<object>(c, {}));
    immortal_ = tally::make<object>(c, {});
    c.make_immortal(immortal_);
    if constexpr (defers_stacks<H>) {
      for (ref& d : deferred_) {
        d = tally::make<object>(c, {});
        c.make_deferred(d, &d == &deferred_[0]);
      }
    }
  }

  void run(int threads, int sessions) {
    {
      std::vector<std::jthread> running;
      for (int t = 0; t < threads; ++t) {
        running.emplace_back([this, t, sessions] {
          random_source random(seed_, static_cast<std::uint64_t>(t));
          for (int s = 0; s < sessions; ++s) session(random);
        });
      }
    }
    context last(heap_);
    for (auto& b : boxes_) last.drop(ref_of(b.load(std::memory_order_relaxed)));
    root_->store(last, {});
    last.release_immortal(immortal_);
    if constexpr (defers_stacks<H>) {
      for (const ref& d : deferred_) last.release_deferred(d);
    }
  }
  [[nodiscard]] H& heap() { return heap_; }

 private:
  // One life of a context: takes what is in the mailboxes, counts it up and down, leaves some behind, exits.
  void session(random_source& random) {
    context c(heap_);
    std::vector<ref> refs;
    std::vector<weak> weaks;
    const auto pick = [&](auto& from) -> auto& { return from[random.below(static_cast<std::uint32_t>(from.size()))]; };
    const auto take = [&](auto& from) {
      auto& at = pick(from);
      const auto r = at;
      at = from.back();
      from.pop_back();
      return r;
    };
    const int length = 5 + static_cast<int>(random.below(80));
    for (int i = 0; i < length; ++i) {
      switch (random.below(defers_stacks<H> ? 18 : 16)) {
        case 0: refs.push_back(tally::make<object>(c, {})); break;
        case 1:
        case 2:
          if (!refs.empty()) refs.push_back(c.copy(pick(refs)));
          break;
        case 3:
        case 4:
          if (!refs.empty()) c.drop(take(refs));
          break;
        case 5:
        case 6:
        case 7: {  // swap with a mailbox: the hand-off
          if (refs.empty()) break;
          // acq_rel: pairs with itself in the thread that takes the object out
          auto& box = boxes_[random.below(mailboxes)];
          refs.push_back(ref_of(box.exchange(word_of(c.pack(take(refs))), std::memory_order_acq_rel)));
          look(c.get(refs.back()));
          break;
        }
        case 8:
          if (!refs.empty()) weaks.push_back(c.downgrade(pick(refs)));
          break;
        case 9: {
          if (weaks.empty()) break;
          if (const ref r = c.upgrade(pick(weaks))) look(c.get(r)), refs.push_back(r);
          break;
        }
        case 10:
          if (!weaks.empty()) c.drop(take(weaks));
          break;
        case 11: {  // a private pair, so that a cascade meets an object that others count
          if (refs.empty()) break;
          const ref parent = tally::make<object>(c, {});
          c.store(c.get(parent).child, take(refs));
          if (!weaks.empty()) c.store(c.get(parent).friendly, take(weaks));
          refs.push_back(parent);
          break;
        }
        case 12: {  // the racy slot of an object that all can reach
          object& shared = *root_->get();
          if (random.below(2) == 0 && !refs.empty()) {
            c.store(shared.racy, take(refs));
            break;
          }
          if constexpr (has_borrow<H>) {
            const auto guard = c.borrow(shared.racy);
            if (guard.get() != nullptr) look(*guard.get());
          }
          if (const ref r = c.load(shared.racy)) {
            look(c.get(r));
            refs.push_back(r);
          }
          break;
        }
        case 13: {  // not kept: stored into its own slot it would be a cycle
          const ref r = root_->load(c);
          look(c.get(r));
          c.drop(r);
          break;
        }
        case 14: {
          const ref i1 = c.copy(immortal_);
          look(c.get(i1));
          c.drop(i1);
          break;
        }
        case 16:  // a reference that is counted, in an object that may go anywhere, and one on the stack that is not
        case 17: {
          const ref holder = tally::make<object>(c, {});
          c.store(c.get(holder).child, c.copy(deferred_[random.below(2)]));
          refs.push_back(c.load(c.get(holder).child));
          refs.push_back(holder);
          look(c.get(refs.front()));
          break;
        }
        case 15:
          c.blocked([&] {
            const std::uint32_t turns = random.below(4);
            for (std::uint32_t k = 0; k < turns; ++k) std::this_thread::yield();
          });
          break;
      }
      if (random.below(4) != 0) c.poll();
    }
    // What is still held is dropped, or left in the mailboxes for somebody who finds its owner gone.
    for (const ref& r : refs) {
      const ref out = random.below(2) == 0
                          ? r
                          : ref_of(boxes_[random.below(mailboxes)].exchange(word_of(c.pack(r)), std::memory_order_acq_rel));
      c.drop(out);
    }
    for (const weak& w : weaks) c.drop(w);
  }
  static void look(const object& o) {
    if (o.canary != object::alive) wrong.fetch_add(1, std::memory_order_relaxed);
  }
  using header = typename H::header;
  static std::uintptr_t word_of(ref counted) { return reinterpret_cast<std::uintptr_t>(static_cast<header*>(counted.at)); }
  static ref ref_of(std::uintptr_t w) { return {reinterpret_cast<header*>(w)}; }

  H heap_{heap_config{}};
  std::uint64_t seed_;
  std::array<std::atomic<std::uintptr_t>, mailboxes> boxes_{};
  std::optional<typename H::template root<object>> root_;
  ref immortal_{};
  std::array<ref, 2> deferred_{};  // the first has many edges
};

template <biased_options O>
void stress() {
  for (const int threads : {2, 3, 4}) {
    for (std::uint64_t seed = 1; seed <= 4; ++seed) {
      made = died = wrong = 0;
      arena<biased_heap<native, O>> a(seed);
      a.run(threads, 1500);
      a.heap().settle();
      EXPECT_EQ(a.heap().live(), 0) << threads << " threads, seed " << seed;
      EXPECT_EQ(a.heap().live_bytes(), 0);
      EXPECT_EQ(made, died);
      EXPECT_EQ(wrong, 0);
      EXPECT_GT(made, 1000);
    }
  }
}

TEST(BiasedStress, CpythonsRuleWithQueuesThatWaitForBlockedOwners) { stress<biased_options{}>(); }
TEST(BiasedStress, CpythonsRuleWithBlockedOwnersMergedByOthers) { stress<biased_options{.merge = biased_merge::detached}>(); }
TEST(BiasedStress, ThePapersRuleWithQueuesThatWaitForBlockedOwners) { stress<biased_options{.rule = biased_rule::paper}>(); }
TEST(BiasedStress, ThePapersRuleWithBlockedOwnersMergedByOthers) {
  stress<biased_options{.rule = biased_rule::paper, .merge = biased_merge::detached}>();
}
TEST(BiasedStress, CpythonsRuleWithEpochSlots) { stress<biased_options{.slot = slot_kind::epoch}>(); }
TEST(BiasedStress, ThePapersRuleWithEpochSlotsAndBlockedOwnersMergedByOthers) {
  stress<biased_options{.rule = biased_rule::paper, .merge = biased_merge::detached, .slot = slot_kind::epoch}>();
}

TEST(BiasedStress, DeferredReferences) { stress<biased_options{.stack = biased_stack::deferred}>(); }
TEST(BiasedStress, DeferredReferencesAndCountsPerThread) {
  stress<biased_options{.stack = biased_stack::deferred, .edges = biased_edges::thread}>();
}
TEST(BiasedStress, DeferredReferencesWithEpochSlotsAndCountsPerThread) {
  stress<biased_options{.stack = biased_stack::deferred, .edges = biased_edges::thread, .slot = slot_kind::epoch}>();
}

}  // namespace
}  // namespace stress_biased_stress
