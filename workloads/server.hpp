// server: what a C++ service does with its objects, on a pool of lanes.
//
// A step is one request. It reads the current configuration (one shared slot, which a lane swaps for a new version now and
// then), makes a request object with `parts` children, looks its session up in a cache (shards, each under a lock of its
// own; at a miss it makes the session and puts it in the place of another), and is done: it drops the request, or, for a
// share of them, hands it to another lane through a bounded inbox, and that lane drops it. So all that counting schemes
// differ in comes together: private short-lived objects, a hot read-mostly one, long-lived ones under locks, and objects
// that die on another thread than they were born on. A full inbox is not waited for: the request is finished here.
//
// The cache's tables are objects with a slot a session, shared from the start, and only touched under their shard's lock.
// Sessions know their key and configurations their version; a request holds both, and whoever drops it checks that all of
// them are what it was made with.
// Source: the mix is ours; swapped configurations are the classic use of RCU [McKenney13] and of atomic shared pointers.
#pragma once

#include <array>
#include <deque>
#include <utility>

#include "harness/contract/guarded.hpp"
#include "harness/contract/promptness.hpp"
#include "harness/contract/workload.hpp"
#include "harness/heap/object.hpp"

namespace tally::workloads {

struct server {
  static constexpr std::array<parameter_info, 6> parameters_{{
      whole("parts", 6, 0, 64, "children of a request"),
      whole("sessions", 4096, 1, 1 << 20, "places of the session cache"),
      whole("users", 8192, 1, 1 << 24, "different sessions that requests ask for; above sessions there are misses"),
      whole("shards", 16, 1, 256, "locks of the session cache"),
      real("handoff", 0.2, 0, 1, "share of requests that another lane finishes"),
      real("swap_per_million", 100, 0, 1'000'000, "requests in a million that swap the configuration"),
  }};
  static constexpr workload_info info{
      "server", "requests on a pool: configuration, sessions under locks, hand-off",
      "a load of the configuration; 1+parts makes and stores; under a shard's lock a load of the session, at a miss a make, "
      "copy and store of it and a drop of the one before; two stores into the request; then a drop of the request, or with "
      "chance `handoff` a pack of it to another lane; an unpack and drop of each request in the own inbox, at most two; "
      "with chance swap_per_million a make and store of a configuration; one poll",
      parameters_};

  template <class H>
  static constexpr std::string_view unmet() {
    if constexpr (!has_shared_slot<H>) {
      return "needs shared slots";
    } else {
      return "";
    }
  }

  template <class H>
  struct settings {
    var<typename H::memory, std::uint64_t, "payload"> version, canary;
    void each_slot(auto&&) {}
  };
  template <class H>
  struct settings_holder {
    typename H::template shared_slot<settings<H>> current;
    void each_slot(auto&& f) { f(current); }
  };
  template <class H>
  struct session {
    var<typename H::memory, std::uint64_t, "payload"> key, canary;
    void each_slot(auto&&) {}
  };
  template <class H>
  struct shard {
    using trailing = session<H>;
    typename H::template slot<trailing>* places() { return slots_behind<typename H::template slot<trailing>>(*this); }
    std::uint64_t count = 0;
    void each_slot(auto&& f) {
      for (std::uint64_t i = 0; i < count; ++i) f(places()[i]);
    }
  };
  template <class H>
  struct part {
    var<typename H::memory, std::uint64_t, "payload"> value;
    [[no_unique_address]] death_stamp<H> death;
    void each_slot(auto&&) {}
  };
  template <class H>
  struct request {
    using trailing = part<H>;
    typename H::template slot<trailing>* parts() { return slots_behind<typename H::template slot<trailing>>(*this); }
    typename H::template slot<session<H>> user;
    typename H::template slot<settings<H>> config;
    var<typename H::memory, std::uint64_t, "payload"> id, key, version;
    std::uint64_t count = 0;
    [[no_unique_address]] death_stamp<H> death;
    void each_slot(auto&& f) {
      f(user);
      f(config);
      for (std::uint64_t i = 0; i < count; ++i) f(parts()[i]);
    }
  };

  template <class H>
  class program {
   public:
    using context = typename H::context;
    using memory = typename H::memory;
    template <class T>
    using ref = typename H::template ref<T>;
    using parcel = typename H::template parcel<request<H>>;
    using inbox = typename memory::template channel<parcel>;

    program(H& heap, const run_env& env)
        : parts_(static_cast<std::uint32_t>(env.params.integer("parts"))),
          shards_(static_cast<std::uint32_t>(env.params.integer("shards"))),
          places_((static_cast<std::uint32_t>(env.params.integer("sessions")) + shards_ - 1) / shards_),
          users_(static_cast<std::uint32_t>(env.params.integer("users"))), handoff_(env.params.number("handoff")),
          swap_(env.params.number("swap_per_million") / 1e6), holder_(heap), tables_(), locks_(shards_) {
      for (std::uint32_t i = 0; i < shards_; ++i) tables_.emplace_back(heap);
      for (int i = 0; i < env.lanes; ++i) inboxes_.emplace_back(inbox_capacity);
    }
    void setup(context& c) {
      holder_.store(c, make<settings_holder<H>>(c, {}));
      c.store(holder_.get()->current, configured(c, 1));
      for (auto& t : tables_) {
        auto r = make<shard<H>>(c, {.slots = places_});
        c.get(r).count = places_;
        t.store(c, r);
      }
    }

    struct lane {
      lane(program& p, context&, const lane_env& e)
          : index(static_cast<std::size_t>(e.index)), lanes(p.inboxes_.size()), random(e.random()),
            next(static_cast<std::uint64_t>(e.index + 1) << 48) {}
      std::size_t index, lanes;
      random_source random;
      std::uint64_t next;  // the number of the next request, and of the next configuration
      std::uint64_t steps = 0, wrong = 0, misses = 0, handed_off = 0, refused = 0;
    };

    void step(context& c, lane& l) {
      if (l.random.chance(swap_)) c.store(holder_.get()->current, configured(c, ++l.next));
      const std::uint32_t key = l.random.below(users_);
      ref<settings<H>> config = c.load(holder_.get()->current);
      ref<request<H>> r = requested(c, ++l.next, key);
      request<H>& q = c.get(r);
      q.version.store(c.get(config).version.load());
      c.store(q.config, config);
      ref<session<H>> user = looked_up(c, l, key);
      c.store(q.user, user);
      if (l.lanes > 1 && l.random.chance(handoff_)) {
        const std::size_t to = (l.index + 1 + l.random.below(static_cast<std::uint32_t>(l.lanes - 1))) % l.lanes;
        const parcel p = c.pack(r);
        if (inboxes_[to].try_push(p)) {
          ++l.handed_off;
        } else {
          ++l.refused;
          finish(c, l, c.unpack(p));
        }
      } else {
        finish(c, l, r);
      }
      // Two, so that inboxes empty faster than they fill.
      parcel p{};
      for (int i = 0; i < 2 && inboxes_[l.index].try_pop(p); ++i) {
        finish(c, l, c.unpack(p));
      }
      ++l.steps;
      c.poll();
    }
    // A request may still arrive when its lane has left; check() finishes those.
    void leave(context& c, lane& l) {
      parcel p{};
      while (inboxes_[l.index].try_pop(p)) finish(c, l, c.unpack(p));
      // relaxed, all of them: read after the lanes were joined
      wrong_.fetch_add(l.wrong, std::memory_order_relaxed);
      misses_.fetch_add(l.misses, std::memory_order_relaxed);
      handed_off_.fetch_add(l.handed_off, std::memory_order_relaxed);
      refused_.fetch_add(l.refused, std::memory_order_relaxed);
      requests_.fetch_add(l.steps, std::memory_order_relaxed);
    }
    [[nodiscard]] std::string check(context& c) {
      lane sweeper(*this, c, {});
      for (auto& box : inboxes_) {
        parcel p{};
        while (box.try_pop(p)) finish(c, sweeper, c.unpack(p));
      }
      // What must be alive now: the holder and its configuration, the tables and the sessions in them.
      alive_ = 2 + static_cast<std::int64_t>(tables_.size());
      std::uint64_t wrong = sweeper.wrong + wrong_.load(std::memory_order_relaxed);
      for (std::uint32_t t = 0; t < shards_; ++t) {
        for (std::uint32_t i = 0; i < places_; ++i) {
          session<H>* s = c.peek(tables_[t].get()->places()[i]);
          if (s == nullptr) continue;
          ++alive_;
          wrong += s->canary.load() != ~s->key.load() || place_of(s->key.load()) != std::pair{t, i};
        }
      }
      return wrong == 0 ? "" : std::to_string(wrong) + " requests or sessions held what was not theirs";
    }
    void teardown(context& c) {
      holder_.store(c, {});
      for (auto& t : tables_) t.store(c, {});
    }
    [[nodiscard]] std::int64_t expected() const { return alive_; }
    void report(metric_list& m) const {
      const auto share = [&](const auto& n) {
        const auto all = static_cast<double>(requests_.load(std::memory_order_relaxed));
        return all == 0 ? 0 : static_cast<double>(n.load(std::memory_order_relaxed)) / all;
      };
      m.push_back({"session_misses", share(misses_), "per request"});
      m.push_back({"handed_off", share(handed_off_), "per request"});
      m.push_back({"inbox_full", share(refused_), "per request"});
    }

   private:
    static constexpr std::size_t inbox_capacity = 256;

    [[nodiscard]] std::pair<std::uint32_t, std::uint32_t> place_of(std::uint64_t key) const {
      const auto mixed = static_cast<std::uint32_t>(key * 0x9e3779b97f4a7c15U >> 32);
      return {mixed % shards_, mixed / shards_ % places_};
    }
    ref<settings<H>> configured(context& c, std::uint64_t version) {
      ref<settings<H>> r = make<settings<H>>(c, {});
      c.get(r).version.store(version);
      c.get(r).canary.store(~version);
      return r;
    }
    ref<request<H>> requested(context& c, std::uint64_t id, std::uint64_t key) {
      ref<request<H>> r = make<request<H>>(c, {.slots = parts_});
      request<H>& q = c.get(r);
      q.count = parts_;
      q.id.store(id);
      q.key.store(key);
      for (std::uint32_t i = 0; i < parts_; ++i) {
        ref<part<H>> child = make<part<H>>(c, {});
        c.get(child).value.store(id + i);
        c.store(q.parts()[i], child);
      }
      return r;
    }

    // A direct-mapped cache. The new session is made outside the lock, since make is a safepoint; if another lane put the
    // same session in meanwhile, that one stays and this request keeps its own.
    ref<session<H>> looked_up(context& c, lane& l, std::uint64_t key) {
      const auto [t, i] = place_of(key);
      auto& place = tables_[t].get()->places()[i];
      {
        const auto hold = lock_in(c, locks_[t]);
        session<H>* s = c.peek(place);
        if (s != nullptr && s->key.load() == key) return c.load(place);
      }
      ++l.misses;
      ref<session<H>> fresh = make<session<H>>(c, {});
      c.get(fresh).key.store(key);
      c.get(fresh).canary.store(~key);
      c.share(fresh);
      ref<session<H>> mine = c.copy(fresh), other{};
      {
        const auto hold = lock_in(c, locks_[t]);
        const session<H>* s = c.peek(place);
        if (s != nullptr && s->key.load() == key) {
          other = fresh;
        } else {
          other = c.take(place);
          c.store(place, fresh);
        }
      }
      if (other) c.drop(other);
      return mine;
    }

    void finish(context& c, lane& l, ref<request<H>> r) {
      request<H>& q = c.get(r);
      const std::uint64_t key = q.key.load(), version = q.version.load(), id = q.id.load();
      const session<H>* user = c.peek(q.user);
      const settings<H>* config = c.peek(q.config);
      bool fine = user != nullptr && user->key.load() == key && user->canary.load() == ~key && config != nullptr &&
                  config->version.load() == version && config->canary.load() == ~version;
      for (std::uint32_t i = 0; i < parts_; ++i) {
        const part<H>* child = c.peek(q.parts()[i]);
        fine = fine && child != nullptr && child->value.load() == id + i;
      }
      l.wrong += !fine;
      end(c, q);
      c.drop(r);
    }
    // A request has one owner, and so have its parts. Who is the last to hold a session or a configuration nobody knows.
    void end(context& c, request<H>& q) {
      if constexpr (last_drop<H>::recorded) {
        const last_drop<H> now;
        now.of(q, sizeof(typename H::template slot<part<H>>) * parts_);
        for (std::uint32_t i = 0; i < parts_; ++i) now.of(*c.peek(q.parts()[i]));
      }
    }

    std::uint32_t parts_, shards_, places_, users_;
    double handoff_, swap_;
    typename H::template root<settings_holder<H>> holder_;
    std::deque<typename H::template root<shard<H>>> tables_;
    std::deque<typename memory::mutex> locks_;
    std::deque<inbox> inboxes_;
    std::int64_t alive_ = 0;
    tally::atomic<memory, std::uint64_t, "check"> wrong_, misses_, handed_off_, refused_, requests_;
  };
};

}  // namespace tally::workloads
