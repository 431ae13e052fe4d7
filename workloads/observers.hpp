// observers: subjects that know their observers by weak references only, and observers that know their subject by one. Both come
// and go; a weak reference is what tells who is still there. It is how programs that count avoid cycles.
//
// A lane has a window of groups: a subject, and places for 8 observers of it. A step is at a drawn place of the window:
//   a new subject   with chance `subject`: the old one is let go, and its observers find it gone
//   an observer     with chance `observer`: comes to a drawn place, or goes if there is one; the subject is not told of those who go
//   a round         otherwise: every weak reference of the subject is upgraded and what it leads to is looked at; dead ones are
//                   emptied. One observer does the same with its subject
//
//   strong   a lane's table -> groups, group -> subject, group -> observers
//   weak     subject -> observers, observer -> subject
//
// What must be found, and what must not where a heap frees at once, is known from the draws (`stale_share`: what was still found of
// what nobody held). callbacks=on: observers are told when their subject dies, too (has_observers), the latest first; how many are
// told is known from the draws as well.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "harness/contract/workload.hpp"
#include "harness/heap/object.hpp"

namespace tally::workloads {

struct observers {
  static constexpr std::uint32_t places = 8;
  static constexpr std::array<parameter_info, 4> parameters_{{
      whole("window", 64, 1, 1 << 20, "subjects that a lane keeps"),
      real("subject", 0.05, 0, 1, "chance that a step is a new subject"),
      real("observer", 0.45, 0, 1, "chance that another step is an observer that comes or goes"),
      word("callbacks", {"off", "on"}, "on: an observer is told when its subject dies before it does"),
  }};
  static constexpr workload_info info{"observers", "observers and subjects that know each other by weak refs",
                                      "a new subject: a make, a take, a store, a drop; or an observer that comes: a make, two "
                                      "downgrades and stores of weak refs, a "
                                      "store, and with callbacks=on an observe; or one that goes: a take and a drop; or a round: "
                                      "9 loads and upgrades of weak refs and "
                                      "a drop of what was found; one poll",
                                      parameters_};

  template <class H>
  static constexpr std::string_view unmet() {
    return has_weak<H> ? "" : "needs weak refs";
  }
  template <class H>
  static std::string unmet_for(const parameters& p) {
    if (!has_observers<H> && p.is("callbacks", "on")) return "tells no observers of a death (callbacks=on)";
    return {};
  }

  // What a lane is told by its observers' callbacks.
  struct told {
    std::uint64_t count = 0, out_of_order = 0;
    std::uint64_t last = 0;  // the stamp of the last that was told of this death; 0: none yet
  };

  template <class H>
  struct subject;
  template <class H>
  struct observer;
  // What callbacks need in a subject and in an observer; empty where the heap has none.
  template <class H>
  struct can_be_observed {};
  template <class H>
  struct can_observe {};
  template <class H>
    requires has_observers<H>
  struct can_be_observed<H> {
    typename H::template observers<subject<H>> watched;
    auto& observers() { return watched; }
  };
  template <class H>
    requires has_observers<H>
  struct can_observe<H> {
    typename H::template observation<subject<H>> of;
    auto& observation() { return of; }
  };

  template <class H>
  struct subject : can_be_observed<H> {
    std::array<typename H::template weak_slot<observer<H>>, places> seen_by;
    var<typename H::memory, std::uint64_t, "payload"> stamp;
    void each_slot(auto&& f) {
      for (auto& w : seen_by) f(w);
    }
  };
  template <class H>
  struct observer : can_observe<H> {
    typename H::template weak_slot<subject<H>> sees;
    var<typename H::memory, std::uint64_t, "payload"> stamp;
    told* tells = nullptr;
    void each_slot(auto&& f) { f(sees); }
    void notify(auto&) {
      ++tells->count;
      tells->out_of_order += tells->last != 0 && stamp.load() >= tells->last;
      tells->last = stamp.load();
    }
  };
  template <class H>
  struct group {
    typename H::template slot<subject<H>> watched;
    std::array<typename H::template slot<observer<H>>, places> watching;
    void each_slot(auto&& f) {
      f(watched);
      for (auto& s : watching) f(s);
    }
  };
  template <class H>
  struct table_of {
    using trailing = group<H>;
    std::uint64_t count = 0, unused = 0;  // keeps the trailing slots aligned
    auto* groups() { return slots_behind<typename H::template slot<trailing>>(*this); }
    void each_slot(auto&& f) {
      for (std::uint64_t i = 0; i < count; ++i) f(groups()[i]);
    }
  };

  // What must be in a group: stamps, 0 for none. An observer is linked while its subject is the one that it came to.
  struct expectation {
    std::uint64_t subject = 0;
    std::array<std::uint64_t, places> observers{};
    std::array<bool, places> linked{};
    [[nodiscard]] std::uint64_t watchers() const {
      std::uint64_t n = 0;
      for (std::uint32_t i = 0; i < places; ++i) n += observers[i] != 0 && linked[i];
      return n;
    }
  };

  template <class H>
  class program {
   public:
    using context = typename H::context;
    using memory = typename H::memory;
    using table = table_of<H>;

    program(H&, const run_env& env)
        : window_(static_cast<std::uint32_t>(env.params.integer("window"))), subject_(env.params.number("subject")),
          observer_(env.params.number("observer")), callbacks_(env.params.is("callbacks", "on")) {
      if (const std::string why = unmet_for<H>(env.params); !why.empty()) throw usage_error("--set callbacks=on: " + why);
    }
    void setup(context&) {}

    struct lane {
      lane(program& p, context& c, const lane_env& e) : random(e.random()), groups(p.window_) {
        mine = make<table>(c, {.slots = p.window_});
        c.get(mine).count = p.window_;
        for (std::uint32_t i = 0; i < p.window_; ++i) {
          auto g = make<group<H>>(c, {});
          c.store(c.get(mine).groups()[i], g);
          p.renew(c, *this, i);
        }
      }
      random_source random;
      typename H::template ref<table> mine{};
      std::vector<expectation> groups;
      std::uint64_t stamp = 0;  // of the last subject or observer
      told heard;
      std::uint64_t to_tell = 0, looked = 0, stale = 0, wrong = 0;
    };
    void step(context& c, lane& l) {
      const std::uint32_t at = l.random.below(window_);
      if (l.random.chance(subject_)) {
        renew(c, l, at);
      } else if (l.random.chance(observer_)) {
        come_or_go(c, l, at, l.random.below(places));
      } else {
        round(c, l, at, l.random.below(places));
      }
      c.poll();
    }
    void leave(context& c, lane& l) {
      for (std::uint32_t at = 0; at < window_; ++at) let_go(c, l, at, {});
      c.drop(l.mine);
      const std::uint64_t missed = l.heard.count > l.to_tell ? l.heard.count - l.to_tell : l.to_tell - l.heard.count;
      // relaxed: read after the lanes were joined
      wrong_.fetch_add(l.wrong, std::memory_order_relaxed);
      untold_.fetch_add(missed + l.heard.out_of_order, std::memory_order_relaxed);
      told_.fetch_add(l.heard.count, std::memory_order_relaxed);
      looked_.fetch_add(l.looked, std::memory_order_relaxed);
      stale_.fetch_add(l.stale, std::memory_order_relaxed);
    }
    [[nodiscard]] std::string check(context&) const {
      if (const auto n = wrong_.load(std::memory_order_relaxed); n != 0) {
        return std::to_string(n) + " weak refs did not find what was alive, or found it damaged";
      }
      if (const auto n = untold_.load(std::memory_order_relaxed); n != 0) {
        return std::to_string(n) + " observers were not told of their subject's death, told twice or out of order";
      }
      return "";
    }
    void teardown(context&) {}
    [[nodiscard]] std::int64_t expected() const { return 0; }
    void report(metric_list& into) const {
      const auto looked = static_cast<double>(looked_.load(std::memory_order_relaxed));
      into.push_back(
          {"stale_share", looked == 0 ? 0 : static_cast<double>(stale_.load(std::memory_order_relaxed)) / looked, "of upgrades"});
      if (callbacks_) into.push_back({"observers_told", static_cast<double>(told_.load(std::memory_order_relaxed)), "1"});
    }

   private:
    group<H>& at(context& c, lane& l, std::uint32_t place) { return *c.peek(c.get(l.mine).groups()[place]); }

    void renew(context& c, lane& l, std::uint32_t place) {
      auto fresh = make<subject<H>>(c, {});
      c.get(fresh).stamp.store(++l.stamp);
      let_go(c, l, place, fresh);
      l.groups[place].subject = l.stamp;
    }
    void let_go(context& c, lane& l, std::uint32_t place, typename H::template ref<subject<H>> next) {
      expectation& e = l.groups[place];
      if (callbacks_) l.to_tell += e.watchers();
      e.linked = {};
      e.subject = 0;
      l.heard.last = 0;
      auto& slot = at(c, l, place).watched;
      auto old = c.take(slot);
      c.store(slot, next);
      if (old) c.drop(old);
    }
    void come_or_go(context& c, lane& l, std::uint32_t place, std::uint32_t i) {
      expectation& e = l.groups[place];
      if (e.observers[i] != 0) {
        e.observers[i] = 0;
        c.drop(c.take(at(c, l, place).watching[i]));
        return;
      }
      auto fresh = make<observer<H>>(c, {});
      observer<H>& o = c.get(fresh);
      o.stamp.store(++l.stamp);
      o.tells = &l.heard;
      group<H>& g = at(c, l, place);
      auto watched = c.load(g.watched);
      c.store(o.sees, c.downgrade(watched));
      c.store(c.get(watched).seen_by[i], c.downgrade(fresh));
      if constexpr (has_observers<H>) {
        if (callbacks_) c.observe(fresh, watched);
      }
      c.drop(watched);
      c.store(g.watching[i], fresh);
      e.observers[i] = l.stamp;
      e.linked[i] = true;
    }
    void round(context& c, lane& l, std::uint32_t place, std::uint32_t one) {
      const expectation& e = l.groups[place];
      group<H>& g = at(c, l, place);
      subject<H>& s = *c.peek(g.watched);
      for (std::uint32_t i = 0; i < places; ++i) {
        const bool there = look(c, l, s.seen_by[i], e.linked[i] ? e.observers[i] : 0);
        if (!there) c.store(s.seen_by[i], {});
      }
      if (e.observers[one] != 0) look(c, l, c.peek(g.watching[one])->sees, e.linked[one] ? e.subject : 0);
    }
    // `stamp`: of what lives and must be found; 0: it was let go.
    bool look(context& c, lane& l, auto& place, std::uint64_t stamp) {
      auto w = c.load(place);
      if (!w) {
        l.wrong += stamp != 0;
        return false;
      }
      ++l.looked;
      auto found = c.upgrade(w);
      c.drop(w);
      if (!found) {
        l.wrong += stamp != 0;
        return false;
      }
      l.wrong += stamp != 0 && c.get(found).stamp.load() != stamp;
      l.stale += stamp == 0;
      c.drop(found);
      return true;
    }

    std::uint32_t window_;
    double subject_, observer_;
    bool callbacks_;
    tally::atomic<memory, std::uint64_t, "check"> wrong_, untold_, told_, looked_, stale_;
  };
};

}  // namespace tally::workloads
