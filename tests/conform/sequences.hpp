// Sequences over several contexts (tests/conform/sequences/play.hpp), for every combination of a family's options: the machine
// that plays them on a heap, and what a heap says about itself.
#pragma once

#include <array>
#include <cstdio>
#include <thread>
#include <utility>

#include "tests/conform/combinations.hpp"
#include "tests/conform/sequences/play.hpp"
#include "tests/conform/support.hpp"

namespace tally::conform {

namespace detail {

template <class H, class T, bool = has_shared_slot<H>>
struct racy_place {
  typename H::template shared_slot<T> racy;
  void visit_racy(auto&& f) { f(racy); }
};
template <class H, class T>
struct racy_place<H, T, false> {
  void visit_racy(auto&&) {}
};
template <class H, class T, bool = has_weak<H>>
struct weak_place {
  typename H::template weak_slot<T> seen;
  void visit_weak(auto&& f) { f(seen); }
};
template <class H, class T>
struct weak_place<H, T, false> {
  void visit_weak(auto&&) {}
};
template <class H, class T, bool = has_weak<H>>
struct weak_of {
  using type = typename H::template weak<T>;
};
template <class H, class T>
struct weak_of<H, T, false> {
  using type = char;
};

}  // namespace detail

// One place of each kind that the heap has, and a stamp.
template <class H>
struct place_node : detail::racy_place<H, place_node<H>>, detail::weak_place<H, place_node<H>> {
  struct refused {};
  explicit place_node(std::uint64_t id) : value(id), canary(~id) {
    if (id == nothing) throw refused();
  }
  typename H::template slot<place_node> plain;
  var<typename H::memory, std::uint64_t, "payload"> value, canary;
  void each_slot(auto&& f) {
    f(plain);
    this->visit_racy(f);
    this->visit_weak(f);
  }
  [[nodiscard]] std::uint64_t stamp() const { return value.load() == ~canary.load() ? value.load() : damaged; }
};

// Its cells are on the stack of the thread that plays, where a scan finds the refs in them.
template <class H>
class machine_of final : public machine {
  using node = place_node<H>;
  using ref = typename H::template ref<node>;
  using parcel = typename H::template parcel<node>;
  using weak = typename detail::weak_of<H, node>::type;
  using context = typename H::context;
  using root = typename H::template root<node>;

 public:
  explicit machine_of(H& heap) : heap_(heap) {
    for (root*& r : roots_) r = new root(heap);
  }
  // Before the heap ends; not where it is left as it is.
  void end() {
    for (root* r : roots_) delete r;
  }
  [[nodiscard]] std::int64_t live() const override { return heap_.live(); }
  [[nodiscard]] std::int64_t live_bytes() const override { return heap_.live_bytes(); }
  [[nodiscard]] std::size_t weak_cells() override {
    if constexpr (requires { heap_.weak_cells_in_use(); }) return heap_.weak_cells_in_use();
    return 0;
  }
  void settle() override { heap_.settle(); }

  std::uint64_t perform(const act& a) override {
    context*& at = contexts_[static_cast<std::size_t>(a.context)];
    if (a.what == call::attach) {
      at = new context(heap_);
      return 1;
    }
    context& c = *at;
    switch (a.what) {
      case call::detach: delete std::exchange(at, nullptr); return 1;
      case call::make: return keep(a.to, c.template make<node>({}, a.stamp));
      case call::make_in_vain: return make_in_vain(c);
      case call::copy: return keep(a.to, c.copy(in(refs_, a.a)));
      case call::drop: c.drop(consume(a.b)); return 1;
      case call::pack: in(parcels_, a.to) = c.pack(consume(a.b)); return 1;
      case call::unpack: return keep(a.to, c.unpack(std::exchange(in(parcels_, a.a), parcel{})));
      case call::load: return keep(a.to, c.load(object(c, a.a).plain));
      case call::store: c.store(object(c, a.a).plain, consume(a.b)); return 1;
      case call::take: return keep(a.to, c.take(object(c, a.a).plain));
      case call::share: c.share(in(refs_, a.a)); return 1;
      case call::poll: c.poll(); return 1;
      case call::quiesce: c.quiesce(); return 1;
      case call::blocked: c.blocked(*a.inside); return 1;
      case call::look: return object(c, a.a).stamp();
      case call::look_inside: return stamp_of(c.peek(object(c, a.a).plain));
      case call::load_root: return keep(a.to, in(roots_, a.a)->load(c));
      case call::store_root: in(roots_, a.a)->store(c, consume(a.b)); return 1;
      case call::look_in_root: return stamp_of(in(roots_, a.a)->get());
      default: return perform_where_possible(c, a);
    }
  }

 private:
  // Calls that not every heap has.
  std::uint64_t perform_where_possible(context& c, const act& a) {
    if constexpr (has_shared_slot<H>) {
      switch (a.what) {
        case call::load_shared: return keep(a.to, c.load(object(c, a.a).racy));
        case call::store_shared: c.store(object(c, a.a).racy, consume(a.b)); return 1;
        case call::exchange: return keep(a.to, c.exchange(object(c, a.a).racy, consume(a.b)));
        case call::compare_exchange: return compare_exchange(c, a);
        default: break;
      }
    }
    if constexpr (has_weak<H>) {
      switch (a.what) {
        case call::downgrade: return keep_weak(a.to, c.downgrade(in(refs_, a.a)));
        case call::upgrade: return keep(a.to, c.upgrade(in(weaks_, a.a)));
        case call::copy_weak: return keep_weak(a.to, c.copy(in(weaks_, a.a)));
        case call::drop_weak: c.drop(std::exchange(in(weaks_, a.a), weak{})); return 1;
        case call::load_weak: return keep_weak(a.to, c.load(object(c, a.a).seen));
        case call::store_weak: c.store(object(c, a.a).seen, std::exchange(in(weaks_, a.b), weak{})); return 1;
        default: break;
      }
    }
    if constexpr (has_borrow<H>) {
      if (a.what == call::borrow) {
        const auto guard = c.borrow(object(c, a.a).racy);
        (*a.inside)();
        return stamp_of(guard.get());
      }
    }
    if constexpr (collects_cycles<H>) {
      if (a.what == call::collect) c.collect();
    }
    if constexpr (has_immortal<H>) {
      if (a.what == call::make_immortal) c.make_immortal(in(refs_, a.a));
      if (a.what == call::release_immortal) c.release_immortal(consume(a.b));
    }
    if constexpr (defers_stacks<H>) {
      if (a.what == call::make_deferred) c.make_deferred(in(refs_, a.a), a.stamp != 0);
      if (a.what == call::release_deferred) c.release_deferred(consume(a.b));
    }
    return 0;
  }
  static std::uint64_t make_in_vain(context& c) {
    try {
      static_cast<void>(c.template make<node>({}, nothing));
    } catch (const typename node::refused&) {
      return 1;
    }
    return 0;
  }
  std::uint64_t compare_exchange(context& c, const act& a)
    requires has_shared_slot<H>
  {
    const ref expected = a.to == no_cell ? ref{} : in(refs_, a.to), desired = a.b == no_cell ? ref{} : in(refs_, a.b);
    if (!c.compare_exchange(object(c, a.a).racy, expected, desired)) return 0;
    if (a.b != no_cell) in(refs_, a.b) = ref{};
    return 1;
  }

  static auto& in(auto& cells, int i) { return cells[static_cast<std::size_t>(i)]; }
  node& object(context& c, int cell) { return c.get(in(refs_, cell)); }
  static std::uint64_t stamp_of(const node* n) { return n == nullptr ? nothing : n->stamp(); }
  ref consume(int cell) { return cell == no_cell ? ref{} : std::exchange(in(refs_, cell), ref{}); }
  std::uint64_t keep(int cell, ref r) {
    in(refs_, cell) = r;
    return static_cast<bool>(r) ? 1 : 0;
  }
  std::uint64_t keep_weak(int cell, weak w) {
    in(weaks_, cell) = w;
    return static_cast<bool>(w) ? 1 : 0;
  }

  H& heap_;
  std::array<context*, max_contexts> contexts_{};
  std::array<root*, roots_used> roots_{};
  std::array<ref, ref_cells> refs_{};
  std::array<parcel, parcel_cells_used> parcels_{};
  std::array<weak, weak_cells_used> weaks_{};
};

template <class H>
abilities abilities_of() {
  abilities a;
  a.in_turn = !thread_bound<H>;
  a.alone = single_threaded<H>;
  a.shared_slots = has_shared_slot<H>;
  a.weak = has_weak<H>;
  a.borrow = has_borrow<H>;
  a.collects = collects_cycles<H>;
  a.immortals = has_immortal<H>;
  a.deferred = defers_stacks<H>;
  a.never_frees = H::oracle == oracle_class::never_frees;
  a.estimates = H::oracle == oracle_class::bounded;
  // What delays frees: stops, epochs (which borrowing comes with), queues to owners.
  a.prompt = H::oracle == oracle_class::exact && !collects_cycles<H> && !defers<H> && !has_borrow<H> &&
             !requires { H::frees_for_the_blocked; };
  return a;
}

template <class H>
player_subject subject_of(std::string name) {
  player_subject s;
  s.name = std::move(name);
  s.able = abilities_of<H>();
  if constexpr (limits_heap<H>) s.share = process_global<H> ? 0.02 : 0.1;  // a heap of blocks is mapped and unmapped
  if constexpr (thread_bound<H>) s.bound_because = H::thread_bound;
  if constexpr (H::oracle == oracle_class::bounded) s.able.slack = make_heap<H>()->slack();
  s.with_machine = [](const std::function<bool(machine&)>& f) {
    auto heap = make_heap<H>();
    machine_of<H> m(*heap);
    if (f(m)) {
      m.end();
    } else {
      static_cast<void>(heap.release());
    }
  };
  return s;
}

inline constexpr double usual_sequences = 1e5;  // of a family, over all its combinations

// Plays the sequences of all these on a thread of its own, since refs are looked for on its stack.
inline void check_sequences(const std::vector<player_subject>& subjects) {
  const std::uint64_t seed = seed_of_sequences();
  std::uint64_t played = 0;
  for (const player_subject& of : subjects) {
    const double n_of_all = usual_sequences * of.share * scale_of_sequences();
    const auto n = static_cast<std::uint64_t>(n_of_all / static_cast<double>(subjects.size())) + 1;
    finding found;
    std::thread([&] { found = search(of, seed, played, n); }).join();
    played += n;
    EXPECT_EQ(found.failure, "") << of.name << ", sequence " << found.number << " of seed " << seed << ", shrunk to "
                                 << found.steps << " steps:\n"
                                 << found.sequence;
  }
  std::string how(subjects.front().bound_because);
  if (!how.empty()) how = "; contexts inside each other's blocked regions only: " + how;
  if (subjects.front().able.alone) how += "; one context";
  std::printf("%llu sequences over %zu combinations of options, seed %llu%s\n", static_cast<unsigned long long>(played),
              subjects.size(), static_cast<unsigned long long>(seed), how.c_str());
}

template <class Family>
void check_sequences() {
  if (unique_ownership<typename Family::template heap<native, typename Family::options{}>>) {
    GTEST_SKIP() << "an object has one ref at any time, and most steps make another";
  }
  std::vector<player_subject> subjects;
  for_each_combination<Family>([&subjects]<auto Options>() {
    using heap = typename Family::template heap<native, Options>;
    subjects.push_back(subject_of<heap>(std::string(Family::info.name) + ":" + combination_name<Family>(Options)));
  });
  check_sequences(subjects);
}

}  // namespace tally::conform
