// shared_slots: N slots that every lane races on; x % of the operations store a new object, the rest load, read and drop.
//
// With the parameters of the figures of CDRC's microbenchmark: 10 slots (everybody meets everybody) or ten million (nobody meets,
// every access misses the caches), 10 or 50 % stores. Each slot has 128 bytes to itself, a pair of lines, since some processors
// fetch lines in pairs.
//
//   layout=flat   CDRC's own program: one array of slots, reached by an index alone; objects of 32 bytes, one word of which is
//                 used; two draws an operation, one modulo 100 for what to do and one modulo N for where
//   layout=deep   the slots as a program's objects would have them: in pages of 32, the pages in a directory, three objects deep
//                 whatever N is; objects of one word; one draw. The way to a slot is read without counting, since it never
//                 changes while the lanes run, but each load of it waits for the one before
//
// The payload says which slot the object was stored to. A reader that gets an object freed too early finds the payload wiped,
// or the one of another slot's object that took its memory. The check is a compare and an add to the lane's word, where CDRC's
// reader adds the payload to a word. What else differs from CDRC's program is in docs/methodology.md.
// Source: [CDRC], bench_ref_count.
#pragma once

#include <array>
#include <limits>
#include <new>
#include <optional>
#include <type_traits>

#include "harness/contract/workload.hpp"

namespace tally::workloads {

struct shared_slots {
  static constexpr std::array<parameter_info, 4> parameters_{{
      whole("slots", 10, 1, 100'000'000, "shared slots; each takes 128 bytes and an object"),
      real("stores", 10, 0, 100, "per cent of the operations that store a new object"),
      word("read", {"load", "borrow"}, "how the others read: load (an owning read and a drop) or borrow (needs borrowed reads)"),
      word("layout", {"deep", "flat"},
           "deep (slots in pages below a directory, objects of a word) or flat (CDRC's: an array, 32 bytes)"),
  }};
  static constexpr workload_info info{
      "shared_slots", "racy slots: loads, and x % stores of new objects (layout=flat: CDRC's microbenchmark)",
      "`stores` per cent: one make and one store to a shared slot; the rest: one load from a shared slot, one read of the "
      "payload, one drop (read=borrow: one borrow and one read); one poll",
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
  struct value {
    var<typename H::memory, std::uint64_t, "payload"> home;  // the slot's number, from 1
    void each_slot(auto&&) {}
  };
  // As large as CDRC's: an int behind two words of a base class that one of its schemes needs, aligned to 32 bytes.
  template <class H>
  struct wide_value : value<H> {
    std::array<std::byte, 24> unused;
  };

  static constexpr std::uint32_t page_slots = 32;
  static constexpr std::size_t stride = 128;

  template <class H, class Object>
  struct padded {
    typename H::template shared_slot<Object> place;
    std::array<std::byte, stride - sizeof(place)> rest;
  };

  template <class H>
  struct page {
    std::array<std::byte, stride> before;  // the header is written when somebody counts the page
    std::array<padded<H, value<H>>, page_slots> slots;
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

  // All slots in one object: the first is a member, by which a type without other slots is known to have any, and the others are
  // in the bytes behind it.
  template <class H>
  struct flat_array {
    using entry = padded<H, wide_value<H>>;
    static constexpr std::uint32_t most = std::numeric_limits<decltype(extent::bytes)>::max() / stride + 1;
    static extent behind(std::uint32_t n) { return {.bytes = (n - 1) * static_cast<std::uint32_t>(stride)}; }

    explicit flat_array(std::uint32_t n) : count(n) {
      for (std::uint32_t i = 1; i < count; ++i) new (static_cast<void*>(slots() + i)) entry;
    }
    flat_array(const flat_array&) = delete;
    flat_array& operator=(const flat_array&) = delete;
    ~flat_array() = default;
    ~flat_array()
      requires(!std::is_trivially_destructible_v<entry>)
    {
      for (std::uint32_t i = 1; i < count; ++i) slots()[i].~entry();
    }
    entry* slots() {
      entry* at = &first;
      asm("" : "+r"(at));  // the compiler would take the object's end for the array's
      return at;
    }
    void each_slot(auto&& f) {
      f(first.place);
      for (std::uint32_t i = 1; i < count; ++i) f(slots()[i].place);
    }

    std::uint32_t count;
    std::array<std::byte, stride - sizeof(count)> before;  // as in a page
    entry first;
  };

  template <class H>
  class program {
   public:
    using context = typename H::context;
    using map = directory<H>;
    using array = flat_array<H>;

    program(H& heap, const run_env& env)
        : slots_(static_cast<std::uint32_t>(env.params.integer("slots"))), pages_((slots_ + page_slots - 1) / page_slots),
          stores_below_(static_cast<std::uint64_t>(env.params.number("stores") / 100 * 0x1p32)),
          stores_per_cent_(static_cast<std::uint64_t>(env.params.integer("stores"))), flat_(env.params.is("layout", "flat")) {
      borrow_ = env.params.is("read", "borrow");
      if (borrow_ && !has_borrow<H>) throw usage_error("--set read=borrow: " + unmet_for<H>(env.params));
      if (flat_) {
        if (slots_ > array::most) throw usage_error("--set layout=flat: at most " + std::to_string(array::most) + " slots");
        if (static_cast<double>(stores_per_cent_) != env.params.number("stores")) {
          throw usage_error("--set layout=flat: stores is a whole number there");
        }
        array_.emplace(heap);
      } else {
        top_.emplace(heap);
      }
    }

    void setup(context& c) {
      if (flat_) {
        auto all = make<array>(c, array::behind(slots_), slots_);
        for (std::uint32_t i = 0; i < slots_; ++i) {
          auto fresh = made<wide_value<H>>(c, i);
          c.store(c.get(all).slots()[i].place, fresh);
        }
        array_->store(c, all);
        return;
      }
      auto top = make<map>(c, {.slots = pages_});
      c.get(top).pages = pages_;
      for (std::uint32_t p = 0; p < pages_; ++p) {
        auto fresh = make<page<H>>(c, {});
        c.store(c.get(top).slots()[p], fresh);
      }
      for (std::uint32_t i = 0; i < slots_; ++i) {
        auto fresh = made<value<H>>(c, i);
        c.store(place(c, c.get(top), i), fresh);
      }
      for (std::uint32_t p = 0; p < pages_; ++p) {
        auto one = c.load(c.get(top).slots()[p]);
        c.share(one);
        c.drop(one);
      }
      top_->store(c, top);
    }

    struct lane {
      lane(program& p, context& c, const lane_env& e) : random(e.random()) {
        if (p.flat_) {
          all = p.array_->load(c);
          slots = c.get(all).slots();
        } else {
          top = p.top_->load(c);
        }
      }
      random_source random;
      typename H::template ref<map> top;
      typename H::template ref<array> all;
      typename array::entry* slots = nullptr;  // all's, which it keeps
      std::uint64_t wrong = 0;
    };

    void step(context& c, lane& l) {
      resolve(l, [&c, &l](auto step) { step(c, l); });
    }
    // The layout is looked at once for a whole loop: neither pays for the other's being there.
    void resolve(lane&, auto&& loop) {
      if (flat_) {
        loop([this](context& c, lane& l) { step_flat(c, l); });
      } else {
        loop([this](context& c, lane& l) { step_deep(c, l); });
      }
    }

    void leave(context& c, lane& l) {
      if (flat_) {
        c.drop(l.all);
      } else {
        c.drop(l.top);
      }
      wrong_.fetch_add(l.wrong, std::memory_order_relaxed);  // relaxed: read after the lanes were joined
    }
    [[nodiscard]] std::string check(context& c) {
      std::uint64_t wrong = wrong_.load(std::memory_order_relaxed);
      const auto look = [&](auto& slot, std::uint32_t i) {
        auto r = c.load(slot);
        wrong += !r || c.get(r).home.load() != i + 1;
        if (r) c.drop(r);
      };
      if (flat_) {
        auto all = array_->load(c);
        for (std::uint32_t i = 0; i < slots_; ++i) look(c.get(all).slots()[i].place, i);
        c.drop(all);
      } else {
        auto top = top_->load(c);
        for (std::uint32_t i = 0; i < slots_; ++i) look(place(c, c.get(top), i), i);
        c.drop(top);
      }
      return wrong == 0 ? "" : std::to_string(wrong) + " reads of a slot found another's object, a dead one or none";
    }
    void teardown(context& c) {
      if (flat_) {
        array_->store(c, {});
      } else {
        top_->store(c, {});
      }
    }
    [[nodiscard]] std::int64_t expected() const { return 1 + std::int64_t{flat_ ? 0 : pages_} + slots_; }

    // A store's new object is there before the old one goes.
    static std::size_t payload_bytes(const run_env& env) {
      const auto n = static_cast<std::size_t>(env.params.integer("slots"));
      const std::size_t objects = n + static_cast<std::size_t>(env.lanes);
      if (env.params.is("layout", "flat")) return sizeof(array) + (n - 1) * stride + objects * sizeof(wide_value<H>);
      const std::size_t pages = (n + page_slots - 1) / page_slots;
      return sizeof(map) + pages * (sizeof(page<H>) + sizeof(typename H::template slot<page<H>>)) + objects * sizeof(value<H>);
    }

   private:
    template <class Object>
    auto made(context& c, std::uint32_t i) {
      auto fresh = make<Object>(c, {});
      c.get(fresh).home.store(std::uint64_t{i} + 1);
      return fresh;
    }
    static auto& place(context& c, map& top, std::uint32_t i) {
      return c.peek(top.slots()[i / page_slots])->slots[i % page_slots].place;
    }

    [[gnu::always_inline]] void step_deep(context& c, lane& l) {
      const std::uint64_t draw = l.random();
      const auto i = static_cast<std::uint32_t>((draw >> 32) * slots_ >> 32);
      operate<value<H>>(c, l, place(c, c.get(l.top), i), i, (draw & 0xffffffff) < stores_below_);
    }
    [[gnu::always_inline]] void step_flat(context& c, lane& l) {
      const bool stores = l.random() % 100 < stores_per_cent_;
      const auto i = static_cast<std::uint32_t>(l.random() % slots_);
      operate<wide_value<H>>(c, l, l.slots[i].place, i, stores);
    }
    template <class Object>
    [[gnu::always_inline]] void operate(context& c, lane& l, auto& slot, std::uint32_t i, bool stores) {
      if (stores) {
        auto fresh = made<Object>(c, i);
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
        Object* o = guard.get();
        l.wrong += o == nullptr || o->home.load() != i + 1;
      }
      c.poll();
    }

    std::uint32_t slots_, pages_;
    std::uint64_t stores_below_, stores_per_cent_;  // of 2^32: deep; of 100: flat
    bool flat_, borrow_ = false;
    std::optional<typename H::template root<map>> top_;  // the layout's
    std::optional<typename H::template root<array>> array_;
    tally::atomic<typename H::memory, std::uint64_t, "check"> wrong_;
  };
};

}  // namespace tally::workloads
