// tree_churn: GCBench. Short-lived binary trees are built, walked and dropped beside a long-lived one.
//
// The load that tracing was made for: every step allocates a tree and lets it die whole, and what survives is known. Where
// a counting scheme pays for each object's death, a tracing one pays for the long-lived tree at each collection; the heap
// limit decides how often that is. Trees are built bottom-up and top-down in turn (top-down writes pointers into older
// objects, which is what write barriers and deferral pay for) and summed before they die: a node that is lost, freed early
// or handed out twice changes the sum. With `survivors`, some trees replace a random subtree of their own depth in the
// long-lived tree, so that it ages and its garbage is scattered; 0 is the benchmark as published.
//
// The node is the published one: two pointers and two 32-bit integers (here the tree's stamp and the node's index in it).
// Other than GCBench: one depth a run instead of 4 to 16 in turn, so that an operation is one thing; the array of doubles
// is off by default (array_kib=3906 is GCBench's); the walk is that of the binary-trees program of the Benchmarks Game.
// Source: [GCBench], [BinaryTrees].
#pragma once

#include <array>
#include <deque>

#include "harness/contract/guarded.hpp"
#include "harness/contract/promptness.hpp"
#include "harness/contract/workload.hpp"

namespace tally::workloads {

struct tree_churn {
  static constexpr std::array<parameter_info, 6> parameters_{{
      whole("depth", 6, 0, 20, "depth of a short-lived tree; it has 2^(depth+1) - 1 nodes"),
      whole("long_depth", 16, 1, 24, "depth of the long-lived tree; above depth"),
      real("survivors", 0.02, 0, 1, "share of short-lived trees that replace a subtree of the long-lived one"),
      word("long_lived", {"lane", "shared"}, "lane: every lane has a long-lived tree of its own; shared: all lanes have one"),
      word("walk", {"peek", "load"},
           "how a tree is summed: peek (reads through slots) or load (an owning read and a drop a node)"),
      whole("array_kib", 0, 0, 1 << 20, "a pointer-free object of this size beside each long-lived tree"),
  }};
  static constexpr workload_info info{
      "tree_churn", "short-lived binary trees beside a long-lived one (GCBench)",
      "2^(depth+1)-1 makes, each but the root's with a store into its parent's slot; a walk (walk=load: a load and a drop a "
      "child); a drop of the root, or with chance `survivors` a store of it into the long-lived tree (shared: share, take "
      "and store under a lock, drop); one poll",
      parameters_};

  template <class H>
  static constexpr std::string_view unmet() {
    return "";
  }

  static std::string second_owner(const parameters& p) {
    return p.is("walk", "load") ? "walk=load takes a second reference to each node" : "";
  }

  template <class H>
  struct object {
    typename H::template slot<object> left, right;
    var<typename H::memory, std::uint64_t, "payload"> value;  // the tree's stamp in the high half, 1-based index in the low
    [[no_unique_address]] death_stamp<H> death;
    void each_slot(auto&& f) {
      f(left);
      f(right);
    }
  };
  struct bulk {
    std::uint64_t first = 0;
    void each_slot(auto&&) {}
  };

  static constexpr std::int64_t nodes(std::int64_t depth) { return (std::int64_t{2} << depth) - 1; }
  // What a whole tree's values add up to, modulo 2^64.
  static constexpr std::uint64_t sum(std::uint32_t stamp, std::int64_t depth) {
    const auto n = static_cast<std::uint64_t>(nodes(depth));
    return n * (std::uint64_t{stamp} << 32) + n * (n + 1) / 2;
  }

  template <class H>
  class program {
   public:
    using context = typename H::context;
    using memory = typename H::memory;
    using node = object<H>;
    using ref = typename H::template ref<node>;
    using slot = typename H::template slot<node>;

    program(H& heap, const run_env& env)
        : depth_(env.params.integer("depth")), long_depth_(env.params.integer("long_depth")),
          survivors_(env.params.number("survivors")), shared_(env.params.is("long_lived", "shared")),
          owning_walk_(env.params.is("walk", "load")), array_bytes_(env.params.integer("array_kib") * 1024) {
      if (depth_ >= long_depth_) {
        throw usage_error("--set depth=" + env.params.text("depth") +
                          ": must be below long_depth=" + env.params.text("long_depth"));
      }
      if (shared_) {
        tree_.emplace_back(heap);
        array_.emplace_back(heap);
      }
    }
    void setup(context& c) {
      if (!shared_) return;
      tree_.front().store(c, grown(c));
      if (array_bytes_ != 0) array_.front().store(c, bulky(c));
    }

    struct lane {
      lane(program& p, context& c, const lane_env& e) : random(e.random()), stamp(static_cast<std::uint32_t>(e.index + 1) << 24) {
        if (p.shared_) return;
        tree = p.grown(c);
        if (p.array_bytes_ != 0) array = p.bulky(c);
      }
      random_source random;
      std::uint32_t stamp;  // never 0, which is the initial long-lived tree's; wraps into other lanes' harmlessly
      std::uint64_t wrong_sums = 0;
      ref tree{};
      typename H::template ref<bulk> array{};
    };
    void step(context& c, lane& l) {
      resolve(l, [&c, &l](auto step) { step(c, l); });
    }
    // The kind of walk is chosen here and not at each node: a whole tree is summed in the time of a few such choices.
    void resolve(lane&, auto&& loop) {
      if (owning_walk_) {
        loop([this](context& c, lane& l) { churn<true>(c, l); });
      } else {
        loop([this](context& c, lane& l) { churn<false>(c, l); });
      }
    }
    void leave(context& c, lane& l) {
      if (!shared_) {
        l.wrong_sums += count_sound(c, c.get(l.tree), long_depth_, 0, 1) != nodes(long_depth_);
        c.drop(l.tree);
        if (l.array) c.drop(l.array);
      }
      // relaxed: read after the lanes were joined
      wrong_.fetch_add(l.wrong_sums, std::memory_order_relaxed);
    }
    [[nodiscard]] std::string check(context& c) {
      if (shared_ && count_sound(c, *tree_.front().get(), long_depth_, 0, 1) != nodes(long_depth_)) {
        return "the shared long-lived tree is damaged";
      }
      const std::uint64_t wrong = wrong_.load(std::memory_order_relaxed);
      return wrong == 0 ? "" : std::to_string(wrong) + " trees were damaged while they lived";
    }
    void teardown(context& c) {
      if (!shared_) return;
      tree_.front().store(c, {});
      array_.front().store(c, {});
    }
    [[nodiscard]] std::int64_t expected() const { return shared_ ? nodes(long_depth_) + (array_bytes_ != 0 ? 1 : 0) : 0; }

    // The long-lived trees and a short-lived one a lane: a tree that survives is there before the one it replaces goes.
    static std::size_t payload_bytes(const run_env& env) {
      const auto lanes = static_cast<std::size_t>(env.lanes);
      const std::size_t old = sizeof(node) * static_cast<std::size_t>(nodes(env.params.integer("long_depth"))) +
                              static_cast<std::size_t>(env.params.integer("array_kib")) * 1024;
      const std::size_t young = sizeof(node) * static_cast<std::size_t>(nodes(env.params.integer("depth")));
      return (env.params.is("long_lived", "shared") ? 1 : lanes) * old + lanes * young;
    }

   private:
    static std::uint64_t value(std::uint32_t stamp, std::uint64_t index) { return std::uint64_t{stamp} << 32 | index; }

    auto bulky(context& c) {
      return make<bulk>(c, {.bytes = static_cast<std::uint32_t>(array_bytes_ - static_cast<std::int64_t>(sizeof(bulk)))});
    }
    ref grown(context& c) { return bottom_up(c, 0, 1, long_depth_); }
    ref bottom_up(context& c, std::uint32_t stamp, std::uint64_t index, std::int64_t depth) {
      ref left{}, right{};
      if (depth > 0) {
        left = bottom_up(c, stamp, 2 * index, depth - 1);
        right = bottom_up(c, stamp, 2 * index + 1, depth - 1);
      }
      ref made = make<node>(c, {});
      node& n = c.get(made);
      n.value.store(value(stamp, index));
      if (depth > 0) {
        c.store(n.left, left);
        c.store(n.right, right);
      }
      return made;
    }
    ref top_down(context& c, std::uint32_t stamp, std::int64_t depth) {
      ref made = make<node>(c, {});
      c.get(made).value.store(value(stamp, 1));
      populate(c, c.get(made), stamp, 1, depth);
      return made;
    }
    void populate(context& c, node& n, std::uint32_t stamp, std::uint64_t index, std::int64_t depth) {
      if (depth == 0) return;
      for (std::uint64_t side = 0; side < 2; ++side) {
        slot& place = side == 0 ? n.left : n.right;
        ref child = make<node>(c, {});
        c.get(child).value.store(value(stamp, 2 * index + side));
        c.store(place, child);
        populate(c, *c.peek(place), stamp, 2 * index + side, depth - 1);
      }
    }

    // A function of its own for each kind of walk: with both in one, the compiler stops inlining.
    template <bool Owning>
    [[gnu::noinline]] void churn(context& c, lane& l) {
      const std::uint32_t stamp = ++l.stamp;
      ref fresh = (stamp & 1) != 0 ? bottom_up(c, stamp, 1, depth_) : top_down(c, stamp, depth_);
      l.wrong_sums += walk<Owning>(c, c.get(fresh), depth_) != sum(stamp, depth_);
      if (survivors_ > 0 && l.random.chance(survivors_)) {
        survive(c, l, fresh);
      } else {
        end(c, c.get(fresh));
        c.drop(fresh);
      }
      c.poll();
    }

    template <bool Owning>
    static std::uint64_t walk(context& c, node& n, std::int64_t depth) {
      std::uint64_t total = n.value.load();
      if (depth == 0) return total;
      return total + walk_child<Owning>(c, n.left, depth - 1) + walk_child<Owning>(c, n.right, depth - 1);
    }
    // A lost child leaves the sum short; it is not followed.
    template <bool Owning>
    static std::uint64_t walk_child(context& c, slot& s, std::int64_t depth) {
      if constexpr (!Owning) {
        node* child = c.peek(s);
        return child == nullptr ? 0 : walk<Owning>(c, *child, depth);
      } else {
        ref child = c.load(s);
        if (!child) return 0;
        const std::uint64_t total = walk<Owning>(c, c.get(child), depth);
        c.drop(child);
        return total;
      }
    }

    // Nodes of a long-lived tree that are where they belong: each goes on with its parent's tree, or is the root of a
    // tree that survived, which only happens `depth` levels above the leaves. No counts, no safepoint.
    std::int64_t count_sound(context& c, node& n, std::int64_t depth, std::uint32_t stamp, std::uint64_t index) {
      const std::uint64_t v = n.value.load();
      if (depth == depth_ && v != value(stamp, index)) {
        stamp = static_cast<std::uint32_t>(v >> 32);
        index = 1;
      }
      if (v != value(stamp, index)) return 0;
      std::int64_t total = 1;
      if (depth == 0) return total;
      for (std::uint64_t side = 0; side < 2; ++side) {
        node* child = c.peek(side == 0 ? n.left : n.right);
        if (child != nullptr) total += count_sound(c, *child, depth - 1, stamp, 2 * index + side);
      }
      return total;
    }

    void survive(context& c, lane& l, ref fresh) {
      node* parent = shared_ ? tree_.front().get() : &c.get(l.tree);
      std::uint64_t path = l.random();
      std::uint32_t way = 1;
      for (std::int64_t level = long_depth_ - depth_ - 1; level > 0; --level, path >>= 1) {
        way = 2 * way + (path & 1);
        parent = c.peek((path & 1) != 0 ? parent->right : parent->left);
      }
      slot& place = (path & 1) != 0 ? parent->right : parent->left;
      if (!shared_) {
        if constexpr (last_drop<H>::recorded) end(c, *c.peek(place));
        c.store(place, fresh);
        return;
      }
      // Only this level's slots ever change, so the way down needs no lock.
      c.share(fresh);
      ref old{};
      {
        const auto hold = lock_in(c, locks_[way % locks_.size()]);
        old = c.take(place);
        c.store(place, fresh);
      }
      end(c, c.get(old));
      c.drop(old);
    }

    // A tree dies whole, with its root.
    void end(context& c, node& root) {
      if constexpr (last_drop<H>::recorded) end_below(c, last_drop<H>(), root);
    }
    static void end_below(context& c, const last_drop<H>& now, node& n) {
      now.of(n);
      for (slot* s : {&n.left, &n.right}) {
        if (node* child = c.peek(*s)) end_below(c, now, *child);
      }
    }

    std::int64_t depth_, long_depth_;
    double survivors_;
    bool shared_, owning_walk_;
    std::int64_t array_bytes_;
    std::deque<typename H::template root<node>> tree_;
    std::deque<typename H::template root<bulk>> array_;
    std::array<typename memory::mutex, 64> locks_;
    tally::atomic<memory, std::uint64_t, "check"> wrong_;
  };
};

}  // namespace tally::workloads
