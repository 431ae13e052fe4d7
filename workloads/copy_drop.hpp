// copy_drop: take a reference, drop it. What counting costs when nothing else happens.
//
// Three sharings: `private`, every lane counts an object of its own; `shared`, all lanes count one object; `hot`, each
// operation picks one of `objects` that all share. Between copy and drop the handle escapes (tally::keep), for every strategy
// alike, since the optimiser folds a plain copy+drop to nothing otherwise.
#pragma once

#include <array>
#include <deque>
#include <vector>

#include "harness/contract/workload.hpp"

namespace tally::workloads {

struct copy_drop {
  static constexpr std::array<parameter_info, 2> parameters_{{
      word("sharing", {"private", "shared", "hot"},
           "which object a lane counts: private, its own; shared, one for all; hot, one of a set that all share"),
      whole("objects", 64, 1, 65536, "objects of the hot set"),
  }};
  static constexpr workload_info info{"copy_drop", "take a reference and drop it", "one copy, one drop, one poll", parameters_};

  template <class H>
  static constexpr std::string_view unmet() {
    return "";
  }

  template <class H>
  struct object {
    var<typename H::memory, std::uint64_t, "payload"> value;
    void each_slot(auto&&) {}
  };

  template <class H>
  class program {
   public:
    using context = typename H::context;
    using node = object<H>;
    using root = typename H::template root<node>;
    enum class sharing { own, one, hot };  // in the order of the words

    program(H& heap, const run_env& env) : sharing_(env.params.word<sharing>("sharing")), lanes_(env.lanes) {
      const std::int64_t n = sharing_ == sharing::hot ? env.params.integer("objects") : sharing_ == sharing::one ? 1 : 0;
      for (std::int64_t i = 0; i < n; ++i) shared_.emplace_back(heap);
    }
    void setup(context& c) {
      for (auto& r : shared_) {
        r.store(c, make<node>(c, {}));
        hot_.push_back(&r);
      }
    }
    struct lane {
      lane(program& p, context& c, const lane_env& e) : env(e), random(e.random()) {
        if (p.sharing_ == sharing::hot) return;
        mine = p.sharing_ == sharing::own ? make<node>(c, {}) : p.shared_.front().load(c);
      }
      lane_env env;
      random_source random;
      typename H::template ref<node> mine{};
    };
    void step(context& c, lane& l) {
      resolve(l, [&c, &l](auto step) { step(c, l); });
    }
    void resolve(lane& l, auto&& loop) {
      if (sharing_ != sharing::hot) {
        loop([mine = l.mine](context& c, lane&) {
          auto r = c.copy(mine);
          keep(r);
          c.drop(r);
          c.poll();
        });
      } else {
        loop([all = hot_.data(), count = static_cast<std::uint32_t>(hot_.size())](context& c, lane& here) {
          auto r = all[here.random.below(count)]->load(c);
          keep(r);
          c.drop(r);
          c.poll();
        });
      }
    }
    void leave(context& c, lane& l) {
      if (l.mine) c.drop(l.mine);
    }
    void teardown(context& c) {
      for (auto& r : shared_) r.store(c, {});
    }
    [[nodiscard]] std::int64_t expected() const { return static_cast<std::int64_t>(shared_.size()); }

   private:
    sharing sharing_;
    int lanes_;
    std::deque<root> shared_;
    std::vector<root*> hot_;  // the same: one load to each
  };
};

}  // namespace tally::workloads
