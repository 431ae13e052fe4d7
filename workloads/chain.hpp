// chain: build a list and let go of its head. What a cascade of frees costs, and whether it recurses.
//
// One drop makes `length` objects dead, each found dead only by freeing the one before. A scheme that frees eagerly pays
// for all of them in that drop (the pause that deferred and batched freeing were invented for; look at the latency row);
// one that recurses per object overflows its stack, and is not run on lengths that it can't free. build=prepend makes the
// head the youngest object, build=append the oldest, which also stores into an older object at every step.
// Source: [Boehm04] on unbounded pauses of reference counting; Lins' lazy deletion is the classic answer.
#pragma once

#include <array>

#include "harness/contract/promptness.hpp"
#include "harness/contract/workload.hpp"

namespace tally::workloads {

struct chain {
  static constexpr std::array<parameter_info, 3> parameters_{{
      whole("length", 1000, 1, 10'000'000, "objects in a chain"),
      word("build", {"prepend", "append"}, "prepend: the head is the youngest object; append: the oldest"),
      whole("walk", 1, 0, 1, "1: the chain is summed before it goes, through peek"),
  }};
  static constexpr workload_info info{"chain", "build a list and drop its head",
                                      "`length` makes and stores of one object each, one drop; one poll", parameters_};

  template <class H>
  static constexpr std::string_view unmet() {
    return "";
  }
  template <class H>
  static std::string unmet_for(const parameters& p) {
    if constexpr (requires { H::max_chain; }) {
      if (p.integer("length") > static_cast<std::int64_t>(H::max_chain)) {
        return "frees recursively: a chain of " + p.text("length") + " could overflow the stack (at most " +
               std::to_string(H::max_chain) + ")";
      }
    }
    return {};
  }

  static std::string second_owner(const parameters&) { return {}; }

  template <class H>
  struct object {
    static constexpr bool confined = true;  // to the lane that made it
    typename H::template slot<object> next;
    var<typename H::memory, std::uint64_t, "payload"> value;
    [[no_unique_address]] death_stamp<H> death;
    void each_slot(auto&& f) { f(next); }
  };

  template <class H>
  class program {
   public:
    using context = typename H::context;
    using memory = typename H::memory;
    using node = object<H>;
    using ref = typename H::template ref<node>;

    program(H&, const run_env& env)
        : length_(static_cast<std::uint64_t>(env.params.integer("length"))), append_(env.params.is("build", "append")),
          walk_(env.params.integer("walk") != 0) {
      // The command line lists the pair as skipped; this is for whoever runs it all the same.
      if (const std::string why = unmet_for<H>(env.params); !why.empty()) throw usage_error("--set length: " + why);
    }
    void setup(context&) {}

    struct lane {
      lane(program&, context&, const lane_env& e) : stamp(static_cast<std::uint64_t>(e.index + 1) << 48) {}
      std::uint64_t stamp;
      std::uint64_t wrong = 0;
    };
    // Values are the stamp plus 1 ... length.
    void step(context& c, lane& l) {
      l.stamp += std::uint64_t{1} << 24;
      ref head = append_ ? appended(c, l.stamp) : prepended(c, l.stamp);
      if (walk_) l.wrong += sum(c, &c.get(head)) != length_ * l.stamp + length_ * (length_ + 1) / 2;
      end(c, c.get(head));
      c.drop(head);
      c.poll();
    }
    void leave(context&, lane& l) {
      wrong_.fetch_add(l.wrong, std::memory_order_relaxed);  // relaxed: read after the lanes were joined
    }
    [[nodiscard]] std::string check(context&) {
      const std::uint64_t wrong = wrong_.load(std::memory_order_relaxed);
      return wrong == 0 ? "" : std::to_string(wrong) + " chains were damaged while they lived";
    }
    void teardown(context&) {}
    [[nodiscard]] std::int64_t expected() const { return 0; }
    static std::size_t payload_bytes(const run_env& env) {
      return static_cast<std::size_t>(env.lanes) * static_cast<std::size_t>(env.params.integer("length")) * sizeof(node);
    }

   private:
    ref made(context& c, std::uint64_t value) {
      ref r = make<node>(c, {});
      c.get(r).value.store(value);
      return r;
    }
    ref prepended(context& c, std::uint64_t stamp) {
      ref head = made(c, stamp + 1);
      for (std::uint64_t i = 2; i <= length_; ++i) {
        ref before = made(c, stamp + i);
        c.store(c.get(before).next, head);
        head = before;
      }
      return head;
    }
    ref appended(context& c, std::uint64_t stamp) {
      ref head = made(c, stamp + 1);
      node* last = &c.get(head);
      for (std::uint64_t i = 2; i <= length_; ++i) {
        ref after = made(c, stamp + i);
        c.store(last->next, after);
        last = c.peek(last->next);
      }
      return head;
    }
    // A lost link ends the walk early, a link into a chain that came later would not end it: hence the bound.
    std::uint64_t sum(context& c, node* at) {
      std::uint64_t total = 0;
      for (std::uint64_t n = 0; at != nullptr && n <= length_; ++n) {
        total += at->value.load();
        at = c.peek(at->next);
      }
      return total;
    }

    // The whole chain dies with its head.
    void end(context& c, node& head) {
      if constexpr (last_drop<H>::recorded) {
        const last_drop<H> now;
        for (node* at = &head; at != nullptr; at = c.peek(at->next)) now.of(*at);
      }
    }

    std::uint64_t length_;
    bool append_, walk_;
    tally::atomic<memory, std::uint64_t, "check"> wrong_;
  };
};

}  // namespace tally::workloads
