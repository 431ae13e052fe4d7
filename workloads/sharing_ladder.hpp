// sharing_ladder: the same operation on objects of one's own and on objects that all lanes share; `share` says how often.
//
// At 0 no two lanes touch one object, at 100 all of them count the same few: between the rungs lies every program. Each lane
// has a table of its own with as many slots for its own objects as for the shared ones, so that a rung changes only whose
// object is counted: the same loads, the same footprint, no branch that could be mispredicted. Objects are padded, so that
// counting one object moves no other's line.
//
// Its own objects are reachable from the lane only: a scheme that is cheap until an object is published may be.
// Source: the idea is [Choi18]'s question of how much sharing a biased count bears.
#pragma once

#include <array>
#include <deque>

#include "harness/contract/workload.hpp"

namespace tally::workloads {

struct sharing_ladder {
  static constexpr std::array<parameter_info, 3> parameters_{{
      real("share", 10, 0, 100, "per cent of the operations that hit an object which all lanes share"),
      whole("objects", 8, 1, 65536, "shared objects; every lane has as many of its own"),
      whole("bytes", 112, 0, 65536, "payload behind each object; keeps objects off each other's lines"),
  }};
  static constexpr workload_info info{"sharing_ladder", "counting one's own objects and shared ones, from 0 to 100 % shared",
                                      "one load from a slot of the lane's own table (a copy of a ref), one read of the payload, "
                                      "one drop, one poll",
                                      parameters_};

  template <class H>
  static constexpr std::string_view unmet() {
    return "";
  }

  template <class H>
  struct object {
    var<typename H::memory, std::uint64_t, "payload"> stamp;
    void each_slot(auto&&) {}
  };
  template <class H>
  struct table {
    static constexpr bool confined = true;  // a lane's own; what its slots refer to is not
    using trailing = object<H>;
    std::uint64_t count = 0;
    std::uint64_t unused = 0;  // keeps the trailing slots aligned
    auto* slots() { return slots_behind<typename H::template slot<object<H>>>(*this); }
    void each_slot(auto&& f) {
      for (std::uint64_t i = 0; i < count; ++i) f(slots()[i]);
    }
  };

  template <class H>
  class program {
   public:
    using context = typename H::context;
    using node = object<H>;

    program(H& heap, const run_env& env)
        : objects_(static_cast<std::uint32_t>(env.params.integer("objects"))),
          bytes_(static_cast<std::uint32_t>(env.params.integer("bytes"))),
          shared_below_(static_cast<std::uint64_t>(env.params.number("share") / 100 * 0x1p32)) {
      for (std::uint32_t i = 0; i < objects_; ++i) shared_.emplace_back(heap);
    }
    void setup(context& c) {
      for (std::uint32_t i = 0; i < objects_; ++i) {
        auto fresh = made(c, stamp_of(-1) + i);
        shared_[i].store(c, fresh);
      }
    }
    struct lane {
      lane(program& p, context& c, const lane_env& e)
          : random(e.random()), own_stamp(stamp_of(e.index)),
            mine(make<table<H>>(c, {.slots = 2 * p.objects_, .bytes = 128})) {  // a line between two lanes' tables
        c.get(mine).count = 2 * p.objects_;
        for (std::uint32_t i = 0; i < p.objects_; ++i) {
          auto own = p.made(c, own_stamp + i);
          c.store(c.get(mine).slots()[i], own);
          auto other = p.shared_[i].load(c);
          c.store(c.get(mine).slots()[p.objects_ + i], other);
        }
      }
      random_source random;
      std::uint64_t own_stamp;
      typename H::template ref<table<H>> mine;
      std::uint64_t wrong = 0, hits = 0, steps = 0;
    };
    void step(context& c, lane& l) {
      const std::uint64_t draw = l.random();
      const std::uint64_t shared = (draw & 0xffffffff) < shared_below_ ? 1 : 0;
      const std::uint64_t i = (draw >> 32) * objects_ >> 32;
      auto r = c.load(c.get(l.mine).slots()[shared * objects_ + i]);
      keep(r);
      l.wrong += c.get(r).stamp.load() != i + (shared != 0 ? stamp_of(-1) : l.own_stamp);
      c.drop(r);
      l.hits += shared;
      ++l.steps;
      c.poll();
    }
    void leave(context& c, lane& l) {
      c.drop(l.mine);
      // relaxed: read after the lanes were joined
      wrong_.fetch_add(l.wrong, std::memory_order_relaxed);
      hits_.fetch_add(l.hits, std::memory_order_relaxed);
      steps_.fetch_add(l.steps, std::memory_order_relaxed);
    }
    [[nodiscard]] std::string check(context&) {
      std::uint64_t wrong = wrong_.load(std::memory_order_relaxed);
      for (std::uint32_t i = 0; i < objects_; ++i) {
        wrong += shared_[i].get() == nullptr || shared_[i].get()->stamp.load() != stamp_of(-1) + i;
      }
      return wrong == 0 ? "" : std::to_string(wrong) + " reads found another object than the one that was counted";
    }
    void teardown(context& c) {
      for (auto& r : shared_) r.store(c, {});
    }
    [[nodiscard]] std::int64_t expected() const { return objects_; }
    void report(metric_list& into) const {
      const auto steps = static_cast<double>(steps_.load(std::memory_order_relaxed));
      const auto hits = static_cast<double>(hits_.load(std::memory_order_relaxed));
      into.push_back({"shared_share", steps > 0 ? hits / steps : 0, "of operations"});
    }
    static std::size_t payload_bytes(const run_env& env) {
      const auto n = static_cast<std::size_t>(env.params.integer("objects")), lanes = static_cast<std::size_t>(env.lanes);
      const std::size_t one = sizeof(node) + static_cast<std::size_t>(env.params.integer("bytes"));
      return (1 + lanes) * n * one + lanes * (sizeof(table<H>) + 128 + 2 * n * sizeof(typename H::template slot<node>));
    }

   private:
    // -1: the shared objects.
    static std::uint64_t stamp_of(int lane) { return static_cast<std::uint64_t>(lane + 2) << 32; }
    auto made(context& c, std::uint64_t stamp) {
      auto fresh = make<node>(c, {.bytes = bytes_});
      c.get(fresh).stamp.store(stamp);
      return fresh;
    }
    std::uint32_t objects_, bytes_;
    std::uint64_t shared_below_;
    std::deque<typename H::template root<node>> shared_;
    tally::atomic<typename H::memory, std::uint64_t, "check"> wrong_, hits_, steps_;
  };
};

}  // namespace tally::workloads
