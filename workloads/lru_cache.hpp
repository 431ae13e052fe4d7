// lru_cache: a cache that all lanes share: a hash map and a list in order of use, and weak entries for what was evicted.
//
// A lookup finds a value in its shard's map and moves its entry to the front of the shard's list; or it finds it evicted but
// still in use by somebody, through the shard's weak entries, and takes it back; or it makes it. Every lane keeps its last
// `hold` values in use. Keys follow Zipf's law, as cache traffic does, and their ranks go round the shards.
//
//   strong   map slot -> entry, list (head, next) -> entry, entry -> value, a lane's ring -> value
//   weak     the shard's index: key -> value
//   neither  entry -> the one before it in the list, and list -> its tail: valid under the lock, since the list owns both
//
// The map is open addressing in trailing slots with backward-shift deletion: no cycle of strong references anywhere. Locks are
// per shard and held for slots and words only: what must be made is made before, what falls out is dropped after. Two lanes
// that miss the same key at once make two values; the later one is thrown away (`raced`).
#pragma once

#include <array>
#include <bit>
#include <deque>

#include "harness/base/zipf.hpp"
#include "harness/contract/guarded.hpp"
#include "harness/contract/workload.hpp"

namespace tally::workloads {

struct lru_cache {
  static constexpr std::uint32_t most_held = 64;
  static constexpr std::array<parameter_info, 6> parameters_{{
      whole("keys", 16384, 1, 1 << 24, "different keys that are asked for"),
      whole("capacity", 4096, 1, 1 << 22, "values that the cache keeps; each shard keeps an equal part"),
      whole("shards", 16, 1, 4096, "parts with a lock of their own"),
      real("skew", 0.99, 0, 4, "exponent of Zipf's law; 0: all keys alike"),
      whole("hold", 8, 0, 64, "values that a lane keeps in use"),
      whole("bytes", 64, 0, 65536, "payload behind each value"),
  }};
  static constexpr workload_info info{
      "lru_cache", "a shared map and a list in order of use, with weak entries for what was evicted",
      "one lookup under a shard's lock; a hit: one load of the value, six slots moved; a miss: one load and one upgrade of a "
      "weak ref, or one make of a value and one downgrade, one make of an entry, two copies, stores under the lock again, and "
      "beyond the capacity two drops of the last entry; then one read and one drop of the value held longest; one poll",
      parameters_};

  template <class H>
  static constexpr std::string_view unmet() {
    return has_weak<H> ? "" : "needs weak refs";
  }

  template <class H>
  struct value {
    var<typename H::memory, std::uint64_t, "payload"> stamp;  // of its key
    void each_slot(auto&&) {}
  };
  template <class H>
  struct entry {
    typename H::template slot<entry> next;
    typename H::template slot<value<H>> held;
    var<typename H::memory, entry*, "link"> before;
    var<typename H::memory, std::uint64_t, "payload"> key;
    void each_slot(auto&& f) {
      f(next);
      f(held);
    }
  };
  template <class H>
  struct table {
    using trailing = entry<H>;
    std::uint64_t places = 0;
    std::uint64_t unused = 0;  // keeps the trailing slots aligned
    auto* slots() { return slots_behind<typename H::template slot<entry<H>>>(*this); }
    void each_slot(auto&& f) {
      for (std::uint64_t i = 0; i < places; ++i) f(slots()[i]);
    }
  };
  // The weak entries of 64 keys, and the way to them.
  template <class H>
  struct index_page {
    std::array<typename H::template weak_slot<value<H>>, 64> values;
    void each_slot(auto&& f) {
      for (auto& w : values) f(w);
    }
  };
  template <class H>
  struct index {
    using trailing = index_page<H>;
    std::uint64_t pages = 0;
    std::uint64_t unused = 0;
    auto* slots() { return slots_behind<typename H::template slot<index_page<H>>>(*this); }
    void each_slot(auto&& f) {
      for (std::uint64_t i = 0; i < pages; ++i) f(slots()[i]);
    }
  };
  template <class H>
  struct shard {
    typename H::template slot<table<H>> map;
    typename H::template slot<index<H>> weak;
    typename H::template slot<entry<H>> first;
    var<typename H::memory, entry<H>*, "link"> last;
    var<typename H::memory, std::uint64_t, "size"> size;
    void each_slot(auto&& f) {
      f(map);
      f(weak);
      f(first);
    }
  };

  template <class H>
  class program {
   public:
    using context = typename H::context;
    using memory = typename H::memory;
    using entry_ref = typename H::template ref<entry<H>>;
    using value_ref = typename H::template ref<value<H>>;

    program(H& heap, const run_env& env)
        : zipf_(static_cast<std::uint32_t>(env.params.integer("keys")), env.params.number("skew")),
          shards_(static_cast<std::uint32_t>(env.params.integer("shards"))),
          capacity_(static_cast<std::uint64_t>(env.params.integer("capacity")) / shards_),
          pages_((static_cast<std::uint32_t>(env.params.integer("keys")) / shards_ + 64) / 64),
          places_(std::bit_ceil(2 * (capacity_ + 1))), hold_(static_cast<std::uint32_t>(env.params.integer("hold"))),
          bytes_(static_cast<std::uint32_t>(env.params.integer("bytes"))) {
      if (capacity_ == 0) {
        throw usage_error("--set capacity=" + env.params.text("capacity") + ": below shards=" + env.params.text("shards"));
      }
      for (std::uint32_t i = 0; i < shards_; ++i) roots_.emplace_back(heap);
      locks_ = std::deque<padded_lock>(shards_);
    }

    void setup(context& c) {
      for (auto& root : roots_) {
        auto s = make<shard<H>>(c, {.bytes = 128});  // a line between two shards
        auto map = make<table<H>>(c, {.slots = static_cast<std::uint32_t>(places_)});
        c.get(map).places = places_;
        c.share(map);
        c.store(c.get(s).map, map);
        auto weak = make<index<H>>(c, {.slots = pages_});
        c.get(weak).pages = pages_;
        for (std::uint32_t p = 0; p < pages_; ++p) {
          auto page = make<index_page<H>>(c, {});
          c.share(page);
          c.store(c.get(weak).slots()[p], page);
        }
        c.share(weak);
        c.store(c.get(s).weak, weak);
        root.store(c, s);
      }
    }

    struct tally_of {
      std::uint64_t lookups = 0, hits = 0, revived = 0, made = 0, raced = 0, evicted = 0, wrong = 0;
    };
    struct lane {
      lane(program&, context&, const lane_env& e) : random(e.random()) {}
      random_source random;
      std::array<value_ref, most_held> held{};
      std::uint32_t at = 0;
      tally_of seen;
    };

    void step(context& c, lane& l) {
      value_ref v = lookup(c, l.seen, zipf_(l.random()));
      keep(v);
      if (hold_ == 0) {
        c.drop(v);
      } else {
        if (l.held[l.at]) c.drop(l.held[l.at]);
        l.held[l.at] = v;
        l.at = l.at + 1 == hold_ ? 0 : l.at + 1;
      }
      c.poll();
    }

    void leave(context& c, lane& l) {
      for (auto& v : l.held) {
        if (v) c.drop(v);
        v = {};
      }
      const auto hold = lock_in(c, totals_lock_);
      totals_.lookups += l.seen.lookups;
      totals_.hits += l.seen.hits;
      totals_.revived += l.seen.revived;
      totals_.made += l.seen.made;
      totals_.raced += l.seen.raced;
      totals_.evicted += l.seen.evicted;
      totals_.wrong += l.seen.wrong;
    }

    [[nodiscard]] std::string check(context& c) {
      std::uint64_t wrong = totals_.wrong;
      entries_ = 0;
      for (std::uint32_t i = 0; i < shards_; ++i) {
        shard<H>& s = *roots_[i].get();
        wrong += !sound(c, s, i);
        entries_ += s.size.load();
      }
      if (wrong != 0) return std::to_string(wrong) + " lookups or shards were damaged: wrong value, order or number";
      const bool adds_up = totals_.lookups == totals_.hits + totals_.revived + totals_.made + totals_.raced &&
                           totals_.made + totals_.revived == entries_ + totals_.evicted;
      return adds_up ? "" : "hits, misses and evictions don't add up to what is in the cache";
    }
    void teardown(context& c) {
      for (auto& root : roots_) root.store(c, {});
    }
    // Valid after check().
    [[nodiscard]] std::int64_t expected() const {
      return static_cast<std::int64_t>(shards_) * (3 + pages_) + 2 * static_cast<std::int64_t>(entries_);
    }
    void report(metric_list& into) const {
      const auto share = [&](std::uint64_t n) {
        return totals_.lookups > 0 ? static_cast<double>(n) / static_cast<double>(totals_.lookups) : 0;
      };
      into.push_back({"hit_share", share(totals_.hits), "of lookups"});
      into.push_back({"revived_share", share(totals_.revived), "of lookups"});
      into.push_back({"raced_share", share(totals_.raced), "of lookups"});
    }
    // A full cache, what the lanes hold, and an entry with its value that each lane is about to put in.
    static std::size_t payload_bytes(const run_env& env) {
      const auto n = [&](const char* name) { return static_cast<std::size_t>(env.params.integer(name)); };
      const std::size_t shards = n("shards"), lanes = static_cast<std::size_t>(env.lanes), per_shard = n("capacity") / shards;
      const std::size_t one = sizeof(value<H>) + n("bytes"), pages = (n("keys") / shards + 64) / 64;
      return shards * (sizeof(shard<H>) + 128 + sizeof(table<H>) + sizeof(index<H>) +
                       std::bit_ceil(2 * (per_shard + 1)) * sizeof(typename H::template slot<entry<H>>) +
                       pages * (sizeof(index_page<H>) + sizeof(typename H::template slot<index_page<H>>))) +
             (shards * per_shard + lanes) * (sizeof(entry<H>) + one) + lanes * n("hold") * one;
    }

    // An owning ref to the value of `key`, from wherever it is.
    [[nodiscard]] value_ref lookup(context& c, tally_of& seen, std::uint32_t key) {
      const std::uint32_t which = key % shards_;
      shard<H>& s = *roots_[which].get();
      ++seen.lookups;
      value_ref v{};
      typename H::template weak<value<H>> w{};
      {
        const auto hold = lock_in(c, locks_[which].mutex);
        if (entry<H>* e = find(c, s, key)) {
          use(c, s, *e);
          v = c.load(e->held);
        } else {
          w = c.load(weak_place(c, s, key));
        }
      }
      if (v) {
        ++seen.hits;
      } else {
        v = miss(c, seen, s, key, w);
      }
      seen.wrong += c.get(v).stamp.load() != stamp_of(key);
      return v;
    }

   private:
    static std::uint64_t stamp_of(std::uint64_t key) { return (key + 1) * 0x9e3779b97f4a7c15U; }
    std::uint64_t home(std::uint64_t key) const { return (stamp_of(key) >> 32) & (places_ - 1); }
    auto& weak_place(context& c, shard<H>& s, std::uint32_t key) {
      const std::uint32_t i = key / shards_;
      return c.peek(c.peek(s.weak)->slots()[i / 64])->values[i % 64];
    }

    value_ref miss(context& c, tally_of& seen, shard<H>& s, std::uint32_t key, typename H::template weak<value<H>> w) {
      value_ref v{};
      if (w) {
        v = c.upgrade(w);
        c.drop(w);
      }
      const bool revived = static_cast<bool>(v);
      if (!revived) {
        v = make<value<H>>(c, {.bytes = bytes_});
        c.get(v).stamp.store(stamp_of(key));
        c.share(v);
      }
      entry_ref fresh = make<entry<H>>(c, {});
      c.get(fresh).key.store(key);
      auto mine = c.copy(v);
      c.store(c.get(fresh).held, mine);
      c.share(fresh);
      value_ref faster{};
      entry_ref from_list{}, from_map{};
      {
        const auto hold = lock_in(c, locks_[key % shards_].mutex);
        if (entry<H>* e = find(c, s, key)) {
          use(c, s, *e);
          faster = c.load(e->held);
        } else {
          if (!revived) c.store(weak_place(c, s, key), c.downgrade(v));
          insert(c, s, fresh);
          if (s.size.load() > capacity_) evict(c, s, from_list, from_map);
        }
      }
      if (faster) {
        ++seen.raced;
        c.drop(fresh);
        c.drop(v);
        return faster;
      }
      ++(revived ? seen.revived : seen.made);
      if (from_list) {
        ++seen.evicted;
        c.drop(from_map);
        c.drop(from_list);
      }
      return v;
    }

    // All below: under the shard's lock (or with no lane left).
    entry<H>* find(context& c, shard<H>& s, std::uint64_t key) {
      auto* slots = c.peek(s.map)->slots();
      for (std::uint64_t i = home(key);; i = (i + 1) & (places_ - 1)) {
        entry<H>* e = c.peek(slots[i]);
        if (e == nullptr || e->key.load() == key) return e;
      }
    }
    void to_front(context& c, shard<H>& s, entry_ref r) {
      entry<H>& e = c.get(r);
      entry_ref old = c.take(s.first);
      e.before.store(nullptr);
      if (old) {
        c.get(old).before.store(&e);
      } else {
        s.last.store(&e);
      }
      c.store(e.next, old);
      c.store(s.first, r);
    }
    // Out of the list: the list's reference to it.
    entry_ref unlink(context& c, shard<H>& s, entry<H>& e) {
      entry<H>* before = e.before.load();
      auto& place = before == nullptr ? s.first : before->next;
      entry_ref self = c.take(place);
      entry_ref after = c.take(e.next);
      if (after) {
        c.get(after).before.store(before);
      } else {
        s.last.store(before);
      }
      c.store(place, after);
      return self;
    }
    void use(context& c, shard<H>& s, entry<H>& e) {
      if (c.peek(s.first) != &e) to_front(c, s, unlink(c, s, e));
    }
    void insert(context& c, shard<H>& s, entry_ref fresh) {
      auto* slots = c.peek(s.map)->slots();
      std::uint64_t i = home(c.get(fresh).key.load());
      while (c.peek(slots[i]) != nullptr) i = (i + 1) & (places_ - 1);
      auto for_map = c.copy(fresh);
      c.store(slots[i], for_map);
      to_front(c, s, fresh);
      s.size.store(s.size.load() + 1);
    }
    void evict(context& c, shard<H>& s, entry_ref& from_list, entry_ref& from_map) {
      entry<H>& e = *s.last.load();
      auto* slots = c.peek(s.map)->slots();
      std::uint64_t hole = home(e.key.load());
      while (c.peek(slots[hole]) != &e) hole = (hole + 1) & (places_ - 1);
      from_list = unlink(c, s, e);
      from_map = c.take(slots[hole]);
      // Whatever was pushed past the hole moves back into it, so that a search may stop at the first empty place.
      for (std::uint64_t i = (hole + 1) & (places_ - 1); c.peek(slots[i]) != nullptr; i = (i + 1) & (places_ - 1)) {
        const std::uint64_t wanted = home(c.peek(slots[i])->key.load());
        if (((i - wanted) & (places_ - 1)) >= ((i - hole) & (places_ - 1))) {
          auto moved = c.take(slots[i]);
          c.store(slots[hole], moved);
          hole = i;
        }
      }
      s.size.store(s.size.load() - 1);
    }
    bool sound(context& c, shard<H>& s, std::uint32_t number) {
      std::uint64_t in_list = 0, in_map = 0;
      entry<H>* before = nullptr;
      for (entry<H>* e = c.peek(s.first); e != nullptr && in_list <= capacity_; e = c.peek(e->next), ++in_list) {
        const std::uint64_t key = e->key.load();
        const value<H>* v = c.peek(e->held);
        if (e->before.load() != before || key % shards_ != number || find(c, s, key) != e) return false;
        if (v == nullptr || v->stamp.load() != stamp_of(key)) return false;
        before = e;
      }
      auto* slots = c.peek(s.map)->slots();
      for (std::uint64_t i = 0; i < places_; ++i) in_map += c.peek(slots[i]) != nullptr;
      return s.last.load() == before && in_list == s.size.load() && in_map == in_list && in_list <= capacity_;
    }

    struct alignas(128) padded_lock {
      typename memory::mutex mutex;
    };
    zipf_table zipf_;
    std::uint32_t shards_;
    std::uint64_t capacity_;  // of a shard
    std::uint32_t pages_;
    std::uint64_t places_;
    std::uint32_t hold_, bytes_;
    std::deque<typename H::template root<shard<H>>> roots_;
    std::deque<padded_lock> locks_;
    typename memory::mutex totals_lock_;
    tally_of totals_;
    std::uint64_t entries_ = 0;
  };
};

}  // namespace tally::workloads
