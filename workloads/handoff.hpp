// handoff: objects that one lane makes and another drops.
//
// A producer makes objects; a fraction `foreign` of them travels through a channel to a consumer, which drops the last
// reference, and the producer drops the others itself. This is what costs biased counting its gain (the last drop of an object
// by somebody else than its owner), and it asks what the owner does meanwhile:
//
//   owner=running   it goes on making objects and polls; if the channel is full it polls on, and waits only after 1000 polls
//   owner=blocked   it makes a batch, then blocks; the batch is sent from inside of the blocked region, so that every foreign
//                   drop happens while its owner is blocked; it returns when the consumer has dropped the last one
//   owner=gone      it makes a batch and its context detaches; the batch is sent when that has happened, and the next context
//                   is attached when the consumer has dropped the last one. (One thread, a new context a batch: to a strategy,
//                   a thread that ends and a new one.)
//   owner=unpolled  as running, and it never polls: what is queued to it stays there until it leaves. It never waits either: an object
//                   for which the channel has no room it drops itself
//
// So with blocked and gone one of a pair's lanes runs at a time, which the workload's parallelism says, and the wake-ups are in
// the time: a large batch makes them small. Lanes 0, 2, 4 … produce, lane 1 consumes from 0, 3 from 2 …; with an odd number
// the last producer shares the consumer of the pair before it. An operation is an object's life, counted where it ends.
// Source: [Choi18] Fig. 10 (a second thread drops a fraction R of 1 M objects).
#pragma once

#include <algorithm>
#include <array>
#include <deque>
#include <vector>

#include "harness/contract/promptness.hpp"
#include "harness/contract/workload.hpp"

namespace tally::workloads {

struct handoff {
  static constexpr std::array<parameter_info, 6> parameters_{{
      real("foreign", 0.5, 0, 1, "fraction of the objects that another lane than the maker drops"),
      word("owner", {"running", "blocked", "gone", "unpolled"},
           "what the maker does while they are dropped: running, blocked, gone, or running and never polling"),
      whole("channel", 1024, 1, 1 << 20, "capacity of a pair's channel"),
      whole("batch", 16384, 1, 1 << 24, "objects of a batch (owner=blocked and gone)"),
      whole("bytes", 16, 0, 65536, "payload behind each object"),
      whole("copies", 0, 0, 1000, "copies that the maker makes and drops of each object before it lets go of it"),
  }};
  static constexpr workload_info info{"handoff", "a fraction of the objects is dropped by another lane than its maker's",
                                      "a producer: one make, `copies` copies and their drops, then one drop or, with chance "
                                      "`foreign`, one pack and a push to the "
                                      "channel; a consumer: one pop, one "
                                      "unpack, two reads, one drop; each one poll; a step counts if an object dies in it",
                                      parameters_, 2};

  template <class H>
  static constexpr std::string_view unmet() {
    return single_threaded<H> ? "needs two threads" : "";
  }
  template <class H>
  static std::string unmet_lanes(const parameters&, int lanes) {
    return lanes < 2 ? "needs two lanes" : "";
  }

  static std::string second_owner(const parameters& p) {
    return p.integer("copies") != 0 ? "copies takes second references to each object" : "";
  }

  template <class H>
  struct item {
    var<typename H::memory, std::uint64_t, "payload"> stamp, seal;
    [[no_unique_address]] death_stamp<H> death;
    void each_slot(auto&&) {}
  };

  enum class owner { running, blocked, gone, unpolled };  // in the order of the words

  template <class H>
  class program {
   public:
    using context = typename H::context;
    using memory = typename H::memory;
    using node = item<H>;
    using parcel = typename H::template parcel<node>;

    program(H&, const run_env& env)
        : foreign_(env.params.number("foreign")), owner_(env.params.word<owner>("owner")),
          batch_(static_cast<std::size_t>(env.params.integer("batch"))),
          bytes_(static_cast<std::uint32_t>(env.params.integer("bytes"))),
          copies_(static_cast<std::uint32_t>(env.params.integer("copies"))), lanes_(env.lanes),
          pairs_(std::max(1, env.lanes / 2)) {
      if (lanes_ < 2) throw usage_error("--threads " + std::to_string(lanes_) + ": handoff needs two lanes");
      for (int i = 0; i < pairs_; ++i) channels_.emplace_back(static_cast<std::size_t>(env.params.integer("channel")));
      received_ = std::deque<progress>(static_cast<std::size_t>(lanes_));
    }
    void setup(context&) {}

    struct lane {
      lane(program& p, context&, const lane_env& e)
          : env(e), random(e.random()), consumes(e.index % 2 == 1), channel(p.channels_[std::min(e.index / 2, p.pairs_ - 1)]),
            last_seen(consumes ? static_cast<std::size_t>(e.lanes) : 0) {
        if (!consumes && p.batches()) batch.reserve(p.batch_);
      }
      lane_env env;
      random_source random;
      bool consumes;
      bool leaving = false;  // the context is to be detached (see attached.hpp)
      typename memory::template channel<parcel>& channel;
      std::vector<parcel> batch;  // made and not yet sent
      std::uint64_t made = 0, packed = 0, sent = 0, received = 0, waits = 0, wrong = 0;
      std::uint64_t vain_polls = 0;
      std::vector<std::uint64_t> last_seen;  // a consumer's, by producer
    };

    bool step(context& c, lane& l) { return l.consumes ? consume(c, l) : produce(c, l); }

    // The owner is gone. It waits without a context, so it holds up nobody.
    void away(lane& l) { send_batch(l); }

    void leave(context& c, lane& l) {
      for (const parcel& p : l.batch) c.drop(c.unpack(p));
      // relaxed: all of them are read after the lanes were joined
      made_.fetch_add(l.made, std::memory_order_relaxed);
      sent_.fetch_add(l.sent, std::memory_order_relaxed);
      taken_.fetch_add(l.received, std::memory_order_relaxed);
      wrong_.fetch_add(l.wrong, std::memory_order_relaxed);
      (l.consumes ? empty_waits_ : owner_waits_).fetch_add(l.waits, std::memory_order_relaxed);
    }
    [[nodiscard]] std::string check(context&) {
      const std::uint64_t wrong = wrong_.load(std::memory_order_relaxed);
      return wrong == 0 ? "" : std::to_string(wrong) + " received objects were dead, damaged or out of order";
    }
    void teardown(context& c) {
      for (auto& channel : channels_) {
        for (parcel p{}; channel.try_pop(p);) c.drop(c.unpack(p));
      }
    }
    // What is still in the channels.
    [[nodiscard]] std::int64_t expected() const {
      return static_cast<std::int64_t>(sent_.load(std::memory_order_relaxed) - taken_.load(std::memory_order_relaxed));
    }
    void report(metric_list& into) const {
      const auto made = static_cast<double>(made_.load(std::memory_order_relaxed));
      const auto of_made = [&](const auto& n) {
        return made > 0 ? static_cast<double>(n.load(std::memory_order_relaxed)) / made : 0;
      };
      into.push_back({"handed_over", of_made(sent_), "of objects made"});
      into.push_back({"owner_waits", of_made(owner_waits_), "waits per object made"});
      into.push_back({"consumer_waits", of_made(empty_waits_), "waits per object made"});
    }
    static std::size_t payload_bytes(const run_env& env) {
      const bool batches = batches_with(env.params.word<owner>("owner"));
      const auto producers = static_cast<std::size_t>(env.lanes - env.lanes / 2), pairs = static_cast<std::size_t>(env.lanes / 2);
      const std::size_t objects = (batches ? static_cast<std::size_t>(env.params.integer("batch")) : 1) * producers + pairs +
                                  (batches ? 0 : static_cast<std::size_t>(env.params.integer("channel")) * pairs);
      return objects * (sizeof(node) + static_cast<std::size_t>(env.params.integer("bytes")));
    }
    static double parallelism(const run_env& env) {
      if (batches_with(env.params.word<owner>("owner"))) return std::max(1, env.lanes / 2);
      return env.params.number("foreign") == 0 ? env.lanes - env.lanes / 2 : env.lanes;
    }

   private:
    static std::uint64_t seal_of(std::uint64_t stamp) { return ~stamp * 0x9e3779b97f4a7c15U; }
    // Its objects are sent when a whole batch is made, and it is not there meanwhile.
    static constexpr bool batches_with(owner o) { return o == owner::blocked || o == owner::gone; }
    [[nodiscard]] bool batches() const { return batches_with(owner_); }
    void poll(context& c) const {
      if (owner_ != owner::unpolled) [[likely]]
        c.poll();
    }

    bool produce(context& c, lane& l) {
      if (owner_ == owner::running && !l.batch.empty()) {
        push_again(c, l);
        c.poll();
        return false;
      }
      auto r = make<node>(c, {.bytes = bytes_});
      ++l.made;
      for (std::uint32_t i = 0; i < copies_; ++i) {
        auto used = c.copy(r);
        keep(used);
        c.drop(used);
      }
      bool hand_over = l.random.chance(foreign_);
      if (hand_over) {
        const std::uint64_t stamp = static_cast<std::uint64_t>(l.env.index) << 40 | ++l.packed;
        c.get(r).stamp.store(stamp);
        c.get(r).seal.store(seal_of(stamp));
        const parcel p = c.pack(r);
        if (!batches() && l.channel.try_push(p)) {
          ++l.sent;
        } else if (owner_ == owner::unpolled) {
          --l.packed;
          c.drop(c.unpack(p));
          hand_over = false;
        } else {
          l.batch.push_back(p);
        }
      } else {
        keep(r);
        last_drop<H>().of(c.get(r), bytes_);
        c.drop(r);
      }
      if (batches() && l.batch.size() == batch_) {
        if (owner_ == owner::blocked) {
          c.blocked([&] { send_batch(l); });
        } else {
          l.leaving = true;
        }
      }
      poll(c);
      return !hand_over;
    }

    // A running owner with an object that the full channel did not take.
    void push_again(context& c, lane& l) {
      bool pushed = l.channel.try_push(l.batch.front());
      if (!pushed && ++l.vain_polls >= 1000) {
        ++l.waits;
        c.blocked(
            [&] { memory::wait_until([&] { return (pushed = l.channel.try_push(l.batch.front())) || l.env.stopping(); }); });
      }
      if (!pushed) return;
      l.vain_polls = 0;
      ++l.sent;
      l.batch.clear();
    }

    // Sends the batch and waits until all of it has been dropped; what could not be sent before the end stays in the batch.
    void send_batch(lane& l) {
      ++l.waits;
      std::size_t pushed = 0;
      for (; pushed < l.batch.size(); ++pushed) {
        bool done = false;
        memory::wait_until([&] { return (done = l.channel.try_push(l.batch[pushed])) || l.env.stopping(); });
        if (!done) break;
      }
      l.sent += pushed;
      l.batch.erase(l.batch.begin(), l.batch.begin() + static_cast<std::ptrdiff_t>(pushed));
      auto& dropped = received_[static_cast<std::size_t>(l.env.index)].count;
      // acquire: pairs with the consumer's release, so that the drops are over when the owner comes back
      memory::wait_until([&] { return dropped.load(std::memory_order_acquire) == l.sent || l.env.stopping(); });
    }

    bool consume(context& c, lane& l) {
      parcel p{};
      bool got = l.channel.try_pop(p);
      if (!got) {
        ++l.waits;
        c.blocked([&] { memory::wait_until([&] { return (got = l.channel.try_pop(p)) || l.env.stopping(); }); });
      }
      if (got) {
        auto r = c.unpack(p);
        const std::uint64_t stamp = c.get(r).stamp.load();
        const auto from = static_cast<std::size_t>(stamp >> 40);
        ++l.received;
        if (from >= l.last_seen.size() || c.get(r).seal.load() != seal_of(stamp)) {
          ++l.wrong;
        } else {
          const std::uint64_t number = stamp & ((std::uint64_t{1} << 40) - 1);
          l.wrong += number != l.last_seen[from] + 1;
          l.last_seen[from] = number;
        }
        keep(r);
        last_drop<H>().of(c.get(r), bytes_);
        c.drop(r);
        if (batches() && from < received_.size()) {
          auto& dropped = received_[from].count;
          // One writer. release: pairs with the acquire in send_batch().
          dropped.store(dropped.load(std::memory_order_relaxed) + 1, std::memory_order_release);
        }
      }
      c.poll();
      return got;
    }

    struct alignas(128) progress {
      tally::atomic<memory, std::uint64_t, "progress"> count;
    };
    double foreign_;
    owner owner_;
    std::size_t batch_;
    std::uint32_t bytes_, copies_;
    int lanes_, pairs_;
    std::deque<typename memory::template channel<parcel>> channels_;
    std::deque<progress> received_;  // objects of each producer that its consumer has dropped
    tally::atomic<memory, std::uint64_t, "check"> made_, sent_, taken_, wrong_, owner_waits_, empty_waits_;
  };
};

}  // namespace tally::workloads
