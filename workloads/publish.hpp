// publish: one writer replaces the current version of something, everybody else reads it.
//
// A configuration, a routing table, a snapshot: the case where readers outnumber writers, and where a count that all readers
// share is the whole cost (split counts, deferral, hazard pointers and RCU exist for it). The writer makes a new version and
// stores it to the one shared slot; a reader loads or borrows it, reads it, drops it. On one lane both take turns.
//
// With `stall` the last lane is a reader that holds the others up: what they replace, or what they make, stays until it goes on
// (docs/methodology.md, "Memory that is held up"). A step of its is one stall of `stall_ms`, and ends with the run:
//
//   stall=borrow    it sits in a borrow: an epoch that does not end, and no safepoint in between
//   stall=load      it sits on a ref that it owns, in a blocked region: nobody need wait for it
//   stall=unpolled  it reads on and on, and passes no safepoint
//
// The first and the last wait outside of a blocked region on purpose. Others may wait for this lane then (a stop of the world, the
// holder of a lock), and the end of the run releases them: the lane looks at nothing but the clock and stopping().
//
// A reader must never see versions go backwards, nor a version whose two words don't belong together, however long it looks.
#pragma once

#include <array>

#include "harness/contract/workload.hpp"

namespace tally::workloads {

struct publish {
  static constexpr std::array<parameter_info, 5> parameters_{{
      word("read", {"load", "borrow"}, "how readers read: load (an owning read and a drop) or borrow (needs borrowed reads)"),
      whole("writer_reads", 0, 0, 1'000'000, "reads that the writer makes between two versions (on one lane at least 1)"),
      whole("bytes", 0, 0, 1 << 20, "payload behind each version"),
      word("stall", {"none", "borrow", "load", "unpolled"},
           "what the last lane does: read as the others, sit in a borrow, sit on a ref that it loaded, or read and never poll"),
      whole("stall_ms", 1, 0, 1'000'000, "how long it stays there at a time, in ms; 0: until the run ends"),
  }};
  static constexpr workload_info info{
      "publish", "one writer publishes versions, everybody else reads the current one",
      "lane 0: one make and one store to the shared slot (and `writer_reads` steps that read in between); other lanes: one load "
      "from the shared slot, two reads of the payload, one drop (read=borrow: one borrow, two reads); with `stall`, of the last "
      "lane: "
      "one stall; one poll",
      parameters_};

  template <class H>
  static constexpr std::string_view unmet() {
    return has_shared_slot<H> ? "" : "needs shared slots";
  }
  template <class H>
  static std::string unmet_for(const parameters& p) {
    if (has_borrow<H>) return "";
    if (p.is("stall", "borrow")) return "stall=borrow needs borrowed reads";
    return p.is("read", "borrow") ? "read=borrow needs borrowed reads" : "";
  }
  template <class H>
  static std::string unmet_lanes(const parameters& p, int lanes) {
    return lanes < 2 && !p.is("stall", "none") ? "stall needs two lanes: a writer and the reader that stalls" : "";
  }

  // How a lane reads; in the order of the words of `read`, and behind them those of `stall`.
  enum class way { load, borrow, stall_in_borrow, stall_on_ref, stall_unpolled };
  enum class stall { none, borrow, load, unpolled };  // in the order of the words

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
      read_ = env.params.word<way>("read");
      if (const auto s = env.params.word<stall>("stall"); s != stall::none) {
        stall_ = static_cast<way>(static_cast<int>(way::borrow) + static_cast<int>(s));
        stalls_ = true;
      }
      if (const std::string why = unmet_for<H>(env.params); !why.empty()) throw usage_error("--set: " + why);
      if (const std::string why = unmet_lanes<H>(env.params, env.lanes); !why.empty()) throw usage_error("--set: " + why);
      stall_ns_ = static_cast<std::uint64_t>(env.params.integer("stall_ms")) * 1'000'000;
      if (env.lanes == 1 && writer_reads_ == 0) writer_reads_ = 1;
    }
    void setup(context& c) {
      auto b = make<board<H>>(c, {});
      auto first = made(c, 1);
      c.store(c.get(b).current, first);
      board_.store(c, b);
    }
    struct lane {
      lane(program& p, context& c, const lane_env& e)
          : env(e), top(p.board_.load(c)), writes(e.index == 0),
            reads_by(p.stalls_ && e.index + 1 == e.lanes ? p.stall_ : p.read_) {}
      lane_env env;
      typename H::template ref<board<H>> top;
      bool writes;
      way reads_by;
      std::uint64_t last_made = 1, reads_left = 0;
      std::uint64_t last_seen = 0, reads = 0, changes = 0, wrong = 0, stalls = 0;
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
      stalled_.fetch_add(l.stalls, std::memory_order_relaxed);
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
      if (stalls_) into.push_back({"stalls", static_cast<double>(stalled_.load(std::memory_order_relaxed)), "stalls"});
    }
    static std::size_t payload_bytes(const run_env& env) {
      // The current version, the next, and one that each reader still holds.
      return sizeof(board<H>) + static_cast<std::size_t>(env.lanes + 1) *
                                    (sizeof(version<H>) + static_cast<std::size_t>(env.params.integer("bytes")));
    }
    // Who sits there does nothing.
    static double parallelism(const run_env& env) {
      return env.params.is("stall", "none") || env.params.is("stall", "unpolled") ? env.lanes : env.lanes - 1;
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
      if (l.reads_by == way::load) {
        load_once(c, l);
      } else if (l.reads_by == way::borrow) {
        borrow_once(c, l, [](const version<H>&) {});
      } else {
        stall_once(c, l);
      }
    }
    void load_once(context& c, lane& l) {
      ++l.reads;
      auto r = c.load(c.get(l.top).current);
      if (!r) {
        ++l.wrong;
        return;
      }
      keep(r);
      see(l, c.get(r));
      c.drop(r);
    }
    // meanwhile(version) passes no safepoint.
    void borrow_once(context& c, lane& l, auto&& meanwhile) {
      if constexpr (has_borrow<H>) {
        ++l.reads;
        auto guard = c.borrow(c.get(l.top).current);
        if (guard.get() == nullptr) {
          ++l.wrong;
          return;
        }
        see(l, *guard.get());
        meanwhile(*guard.get());
      }
    }
    [[gnu::noinline]] void stall_once(context& c, lane& l) {
      const std::uint64_t until = stall_ns_ == 0 ? ~std::uint64_t{0} : memory::now() + stall_ns_;
      const auto wait = [&l, until] { memory::wait_until([&l] { return l.env.stopping(); }, until); };
      ++l.stalls;
      if (l.reads_by == way::stall_in_borrow) {
        borrow_once(c, l, [&](const version<H>& v) {
          wait();
          see(l, v);
        });
      } else if (l.reads_by == way::stall_on_ref) {
        auto r = c.load(c.get(l.top).current);
        if (!r) {
          ++l.wrong;
          return;
        }
        c.blocked(wait);
        ++l.reads;
        see(l, c.get(r));
        c.drop(r);
      } else {
        do {
          load_once(c, l);
        } while (!l.env.stopping() && memory::now() < until);
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
    way read_ = way::load, stall_ = way::load;
    bool stalls_ = false;
    std::uint64_t stall_ns_ = 0;
    typename H::template root<board<H>> board_;
    tally::atomic<memory, std::uint64_t, "check"> wrong_, reads_, changes_, stalled_, last_made_;
  };
};

}  // namespace tally::workloads
