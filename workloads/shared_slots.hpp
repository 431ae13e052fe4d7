// shared_slots: N slots that every lane races on; x % of the operations store a new object, the rest load, read and drop.
//
// CDRC's microbenchmark, with its figures' parameters: 10 slots (everybody meets everybody) or ten million (nobody meets, every
// access misses the caches), 10 or 50 % stores. Each slot has 128 bytes to itself, a pair of lines, since some processors fetch
// lines in pairs. Slots live in pages of 32, pages in a directory: three objects deep whatever N is, and the way to a slot is
// read without counting, since it never changes while the lanes run.
//
// The payload says which slot the object was stored to. A reader that gets an object freed too early finds the payload wiped,
// or the one of another slot's object that took its memory.
// Source: [CDRC], bench_ref_count.
#pragma once

#include <array>

#include "harness/workload.hpp"

namespace tally::workloads {

struct shared_slots {
  static constexpr std::array<parameter_info, 3> parameters_{{
      {"slots", "10", 1, 100'000'000, "shared slots; each takes 128 bytes and an object"},
      {"stores", "10", 0, 100, "per cent of the operations that store a new object"},
      {"read", "load", 0, 0, "how the others read: load (an owning read and a drop) or borrow (needs borrowed reads)"},
  }};
  static constexpr workload_info info{
      "shared_slots", "racy slots: loads, and x % stores of new objects (CDRC's microbenchmark)",
      "`stores` per cent: one make and one store to a shared slot; the rest: one load from a shared slot, one read of the payload, "
      "one drop (read=borrow: one borrow and one read); one poll",
      parameters_};

  template <class H>
  static constexpr std::string_view unmet() {
    return has_shared_slot<H> ? "" : "needs shared slots";
  }
  template <class H>
  static std::string unmet_for(const parameters& p) {
    return !has_borrow<H> && p.text("read") == "borrow" ? "read=borrow needs borrowed reads" : "";
  }

  template <class H>
  struct value {
    var<typename H::memory, std::uint64_t, "payload"> home;  // the slot's number, from 1
    void each_slot(auto&&) {}
  };

  static constexpr std::uint32_t page_slots = 32;
  static constexpr std::size_t stride = 128;

  template <class H>
  struct page {
    struct padded {
      typename H::template shared_slot<value<H>> place;
      std::array<std::byte, stride - sizeof(place)> rest;
    };
    std::array<std::byte, stride> before;  // the header is written when somebody counts the page
    std::array<padded, page_slots> slots;
    void each_slot(auto&& f) {
      for (auto& s : slots) f(s.place);
    }
  };

  template <class H>
  struct directory {
    using trailing = page<H>;
    std::uint64_t pages = 0;
    std::uint64_t unused = 0;  // keeps the trailing slots aligned
    auto* slots() { return slots_behind<typename H::template slot<page<H>>>(*this); }
    void each_slot(auto&& f) {
      for (std::uint64_t i = 0; i < pages; ++i) f(slots()[i]);
    }
  };

  template <class H>
  class program {
   public:
    using context = typename H::context;
    using object = value<H>;
    using map = directory<H>;

    program(H& heap, const run_env& env)
        : slots_(static_cast<std::uint32_t>(env.params.integer("slots"))), pages_((slots_ + page_slots - 1) / page_slots),
          stores_below_(static_cast<std::uint64_t>(env.params.number("stores") / 100 * 0x1p32)), top_(heap) {
      const std::string& read = env.params.text("read");
      if (read != "load" && read != "borrow") throw usage_error("--set read=" + read + ": load or borrow");
      borrow_ = read == "borrow";
      if (borrow_ && !has_borrow<H>) throw usage_error("--set read=borrow: " + unmet_for<H>(env.params));
    }

    void setup(context& c) {
      auto top = make<map>(c, {.slots = pages_});
      c.get(top).pages = pages_;
      for (std::uint32_t p = 0; p < pages_; ++p) {
        auto fresh = make<page<H>>(c, {});
        c.store(c.get(top).slots()[p], fresh);
      }
      for (std::uint32_t i = 0; i < slots_; ++i) {
        auto fresh = made(c, i);
        c.store(place(c, c.get(top), i), fresh);
      }
      for (std::uint32_t p = 0; p < pages_; ++p) {
        auto one = c.load(c.get(top).slots()[p]);
        c.share(one);
        c.drop(one);
      }
      top_.store(c, top);
    }

    struct lane {
      lane(program& p, context& c, const lane_env& e) : random(e.random()), top(p.top_.load(c)) {}
      random_source random;
      typename H::template ref<map> top;
      std::uint64_t wrong = 0;
    };

    void step(context& c, lane& l) {
      const std::uint64_t draw = l.random();
      const auto i = static_cast<std::uint32_t>((draw >> 32) * slots_ >> 32);
      auto& slot = place(c, c.get(l.top), i);
      if ((draw & 0xffffffff) < stores_below_) {
        auto fresh = made(c, i);
        c.store(slot, fresh);
      } else if (!borrow_) {
        auto r = c.load(slot);
        if (r) [[likely]] {
          keep(r);
          l.wrong += c.get(r).home.load() != i + 1;
          c.drop(r);
        } else {
          ++l.wrong;
        }
      } else if constexpr (has_borrow<H>) {
        auto guard = c.borrow(slot);
        object* o = guard.get();
        l.wrong += o == nullptr || o->home.load() != i + 1;
      }
      c.poll();
    }

    void leave(context& c, lane& l) {
      c.drop(l.top);
      wrong_.fetch_add(l.wrong, std::memory_order_relaxed);  // relaxed: read after the lanes were joined
    }
    [[nodiscard]] std::string check(context& c) {
      std::uint64_t wrong = wrong_.load(std::memory_order_relaxed);
      auto top = top_.load(c);
      for (std::uint32_t i = 0; i < slots_; ++i) {
        auto r = c.load(place(c, c.get(top), i));
        wrong += !r || c.get(r).home.load() != i + 1;
        if (r) c.drop(r);
      }
      c.drop(top);
      return wrong == 0 ? "" : std::to_string(wrong) + " reads of a slot found another's object, a dead one or none";
    }
    void teardown(context& c) { top_.store(c, {}); }
    [[nodiscard]] std::int64_t expected() const { return 1 + std::int64_t{pages_} + slots_; }

    // A store's new object is there before the old one goes.
    static std::size_t payload_bytes(const run_env& env) {
      const auto n = static_cast<std::size_t>(env.params.integer("slots"));
      const std::size_t pages = (n + page_slots - 1) / page_slots;
      return sizeof(map) + pages * (sizeof(page<H>) + sizeof(typename H::template slot<page<H>>)) +
             (n + static_cast<std::size_t>(env.lanes)) * sizeof(object);
    }

   private:
    auto made(context& c, std::uint32_t i) {
      auto fresh = make<object>(c, {});
      c.get(fresh).home.store(std::uint64_t{i} + 1);
      return fresh;
    }
    static auto& place(context& c, map& top, std::uint32_t i) {
      return c.peek(top.slots()[i / page_slots])->slots[i % page_slots].place;
    }

    std::uint32_t slots_, pages_;
    std::uint64_t stores_below_;
    bool borrow_ = false;
    typename H::template root<map> top_;
    tally::atomic<typename H::memory, std::uint64_t, "check"> wrong_;
  };
};

}  // namespace tally::workloads
