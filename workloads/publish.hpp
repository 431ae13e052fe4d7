// publish: one writer replaces the current version of something, everybody else reads it.
//
// A configuration, a routing table, a snapshot: the case where readers outnumber writers, and where a count that all readers
// share is the whole cost (split counts, deferral, hazard pointers and RCU exist for it). The writer makes a new version and
// stores it to the one shared slot; a reader loads or borrows it, reads it, drops it. On one lane both take turns.
//
// A reader must never see versions go backwards, nor a version whose two words don't belong together.
#pragma once

#include <array>

#include "harness/contract/workload.hpp"

namespace tally::workloads {

struct publish {
  static constexpr std::array<parameter_info, 3> parameters_{{
      word("read", {"load", "borrow"}, "how readers read: load (an owning read and a drop) or borrow (needs borrowed reads)"),
      whole("writer_reads", 0, 0, 1'000'000, "reads that the writer makes between two versions (on one lane at least 1)"),
      whole("bytes", 0, 0, 1 << 20, "payload behind each version"),
  }};
  static constexpr workload_info info{
      "publish", "one writer publishes versions, everybody else reads the current one",
      "lane 0: one make and one store to the shared slot (and `writer_reads` steps that read in between); other lanes: one load "
      "from the shared slot, two reads of the payload, one drop (read=borrow: one borrow, two reads); one poll",
      parameters_};

  template <class H>
  static constexpr std::string_view unmet() {
    return has_shared_slot<H> ? "" : "needs shared slots";
  }
  template <class H>
  static std::string unmet_for(const parameters& p) {
    return !has_borrow<H> && p.is("read", "borrow") ? "read=borrow needs borrowed reads" : "";
  }

  template <class H>
  struct version {
    var<typename H::memory, std::uint64_t, "payload"> number, seal;
    void each_slot(auto&&) {}
  };
  template <class H>
  struct board {
    // The slot has its lines to itself: the header in front is counted, and whatever is behind belongs to somebody else.
    std::array<std::byte, 128> before;
    typename H::template shared_slot<version<H>> current;
    std::array<std::byte, 128> behind;
    void each_slot(auto&& f) { f(current); }
  };

  template <class H>
  class program {
   public:
    using context = typename H::context;
    using memory = typename H::memory;

    program(H& heap, const run_env& env)
        : bytes_(static_cast<std::uint32_t>(env.params.integer("bytes"))),
          writer_reads_(static_cast<std::uint64_t>(env.params.integer("writer_reads"))), board_(heap) {
      borrow_ = env.params.is("read", "borrow");
      if (borrow_ && !has_borrow<H>) throw usage_error("--set read=borrow: " + unmet_for<H>(env.params));
      if (env.lanes == 1 && writer_reads_ == 0) writer_reads_ = 1;
    }
    void setup(context& c) {
      auto b = make<board<H>>(c, {});
      auto first = made(c, 1);
      c.store(c.get(b).current, first);
      board_.store(c, b);
    }
    struct lane {
      lane(program& p, context& c, const lane_env& e) : top(p.board_.load(c)), writes(e.index == 0) {}
      typename H::template ref<board<H>> top;
      bool writes;
      std::uint64_t last_made = 1, reads_left = 0;
      std::uint64_t last_seen = 0, reads = 0, changes = 0, wrong = 0;
    };
    void step(context& c, lane& l) {
      if (l.writes && l.reads_left == 0) {
        auto fresh = made(c, l.last_made + 1);
        c.store(c.get(l.top).current, fresh);
        ++l.last_made;  // after the make, which may end the lane
        l.reads_left = writer_reads_;
      } else {
        if (l.writes) --l.reads_left;
        read(c, l);
      }
      c.poll();
    }
    void leave(context& c, lane& l) {
      c.drop(l.top);
      // relaxed: all of them are read after the lanes were joined
      if (l.writes) last_made_.store(l.last_made, std::memory_order_relaxed);
      wrong_.fetch_add(l.wrong, std::memory_order_relaxed);
      reads_.fetch_add(l.reads, std::memory_order_relaxed);
      changes_.fetch_add(l.changes, std::memory_order_relaxed);
    }
    [[nodiscard]] std::string check(context& c) {
      std::uint64_t wrong = wrong_.load(std::memory_order_relaxed);
      auto top = board_.load(c);
      auto r = c.load(c.get(top).current);
      wrong += !r || c.get(r).number.load() != last_made_.load(std::memory_order_relaxed);
      if (r) c.drop(r);
      c.drop(top);
      return wrong == 0 ? "" : std::to_string(wrong) + " reads found an older, broken or missing version";
    }
    void teardown(context& c) { board_.store(c, {}); }
    [[nodiscard]] std::int64_t expected() const { return 2; }
    void report(metric_list& into) const {
      const auto made = static_cast<double>(last_made_.load(std::memory_order_relaxed));
      const auto reads = static_cast<double>(reads_.load(std::memory_order_relaxed));
      const auto changes = static_cast<double>(changes_.load(std::memory_order_relaxed));
      into.push_back({"versions", made, "versions"});
      into.push_back({"reads_per_version_seen", changes > 0 ? reads / changes : 0, "reads"});
      into.push_back({"fresh_reads", reads > 0 ? changes / reads : 0, "of reads that saw a version for the first time"});
    }
    static std::size_t payload_bytes(const run_env& env) {
      // The current version, the next, and one that each reader still holds.
      return sizeof(board<H>) + static_cast<std::size_t>(env.lanes + 1) *
                                    (sizeof(version<H>) + static_cast<std::size_t>(env.params.integer("bytes")));
    }

   private:
    static std::uint64_t seal_of(std::uint64_t number) { return ~number * 0x9e3779b97f4a7c15U; }
    auto made(context& c, std::uint64_t number) {
      auto fresh = make<version<H>>(c, {.bytes = bytes_});
      c.get(fresh).number.store(number);
      c.get(fresh).seal.store(seal_of(number));
      return fresh;
    }
    void read(context& c, lane& l) {
      ++l.reads;
      if (!borrow_) {
        auto r = c.load(c.get(l.top).current);
        if (!r) {
          ++l.wrong;
          return;
        }
        keep(r);
        see(l, c.get(r));
        c.drop(r);
      } else if constexpr (has_borrow<H>) {
        auto guard = c.borrow(c.get(l.top).current);
        if (guard.get() == nullptr) {
          ++l.wrong;
        } else {
          see(l, *guard.get());
        }
      }
    }
    static void see(lane& l, const version<H>& v) {
      const std::uint64_t n = v.number.load();
      l.wrong += n < l.last_seen || v.seal.load() != seal_of(n);
      l.changes += n != l.last_seen;
      l.last_seen = n;
    }

    std::uint32_t bytes_;
    std::uint64_t writer_reads_;
    bool borrow_ = false;
    typename H::template root<board<H>> board_;
    tally::atomic<memory, std::uint64_t, "check"> wrong_, reads_, changes_, last_made_;
  };
};

}  // namespace tally::workloads
