// Random sequences of contract calls against a reference model (rapidcheck): the model knows which objects must be alive, and
// after the sequence the heap must hold exactly those.
//
// The model: objects are numbers; each has two slots that hold an object or nothing; a table of handles (parcels, since the
// table is on the C++ heap). Counting schemes keep what has an owner, cycles included; collectors keep what is reachable.
#pragma once

#include <rapidcheck.h>

#include <array>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "tests/conform/support.hpp"

namespace tally::conform {

enum class action { make, copy, drop, put, get, take, poll, quiesce, weaken, drop_weak, upgrade, count };

struct instruction {
  action what;
  std::uint32_t a, b;  // which handle, which other; taken modulo what exists
};

inline rc::Gen<std::vector<instruction>> programs() {
  const auto one =
      rc::gen::map(rc::gen::tuple(rc::gen::weightedElement<int>(
                                      {{6, 0}, {4, 1}, {4, 2}, {6, 3}, {4, 4}, {3, 5}, {2, 6}, {1, 7}, {2, 8}, {1, 9}, {2, 10}}),
                                  rc::gen::arbitrary<std::uint32_t>(), rc::gen::arbitrary<std::uint32_t>()),
                   [](const std::tuple<int, std::uint32_t, std::uint32_t>& t) {
                     return instruction{static_cast<action>(std::get<0>(t)), std::get<1>(t), std::get<2>(t)};
                   });
  return rc::gen::container<std::vector<instruction>>(one);
}

inline void showValue(const instruction& i, std::ostream& os) {
  static const char* const names[] = {"make", "copy",    "drop",   "put",       "get",    "take",
                                      "poll", "quiesce", "weaken", "drop_weak", "upgrade"};
  os << names[static_cast<int>(i.what)] << '(' << i.a << ',' << i.b << ')';
}

struct model {
  std::vector<std::array<std::optional<std::uint64_t>, 2>> slots;  // per object
  std::vector<std::uint64_t> handles;

  // Objects with an owner, cascading: what a counting scheme has not freed.
  [[nodiscard]] std::set<std::uint64_t> owned() const {
    std::vector<int> owners(slots.size(), 0);
    for (const auto h : handles) ++owners[h];
    for (const auto& s : slots) {
      for (const auto& to : s) {
        if (to) ++owners[*to];
      }
    }
    std::set<std::uint64_t> live;
    std::vector<std::uint64_t> dead;
    for (std::uint64_t i = 0; i < slots.size(); ++i) {
      live.insert(i);
      if (owners[i] == 0) dead.push_back(i);
    }
    while (!dead.empty()) {
      const auto d = dead.back();
      dead.pop_back();
      live.erase(d);
      for (const auto& to : slots[d]) {
        if (to && --owners[*to] == 0) dead.push_back(*to);
      }
    }
    return live;
  }
  [[nodiscard]] std::set<std::uint64_t> reachable() const {
    std::set<std::uint64_t> seen(handles.begin(), handles.end());
    std::vector<std::uint64_t> grey(seen.begin(), seen.end());
    while (!grey.empty()) {
      const auto g = grey.back();
      grey.pop_back();
      for (const auto& to : slots[g]) {
        if (to && seen.insert(*to).second) grey.push_back(*to);
      }
    }
    return seen;
  }
};

// Runs the program; every object met on the way must be whole. Leaves the handles in `box` and their meaning in `m`.
template <class H>
void execute(H& heap, typename H::context& c, const std::vector<instruction>& program, model& m,
             std::vector<typename H::template parcel<node<H>>>& box) {
  const auto refs = [&](std::size_t i) {  // a ref of our own to handle i's object
    auto r = c.unpack(box[i]);
    auto mine = c.copy(r);
    box[i] = c.pack(r);
    return mine;
  };
  const auto add = [&](auto ref, std::uint64_t id) {
    RC_ASSERT(c.get(ref).intact(id));
    box.push_back(c.pack(ref));
    m.handles.push_back(id);
  };
  const auto remove = [&](std::size_t i) {
    const auto r = c.unpack(box[i]);
    box.erase(box.begin() + static_cast<std::ptrdiff_t>(i));
    m.handles.erase(m.handles.begin() + static_cast<std::ptrdiff_t>(i));
    return r;
  };
  struct no_weak {};
  const auto weak_of = []<class X>(std::type_identity<X>) {
    if constexpr (has_weak<X>) {
      return std::vector<std::pair<typename X::template weak<node<X>>, std::uint64_t>>{};
    } else {
      return no_weak{};
    }
  };
  auto weaks = weak_of(std::type_identity<H>{});

  for (const auto& [what, x, y] : program) {
    if (what == action::make) {
      m.slots.emplace_back();
      add(make<node<H>>(c, {}, m.slots.size() - 1), m.slots.size() - 1);
      continue;
    }
    if (what == action::poll) c.poll();
    if (what == action::quiesce) c.quiesce();
    if constexpr (has_weak<H>) {
      if (what == action::upgrade && !weaks.empty()) {
        const auto& [w, id] = weaks[x % weaks.size()];
        const auto r = c.upgrade(w);
        const auto owned = m.owned();
        if (owned.contains(id)) {
          // A collector may have taken an unreachable cycle that still "has owners".
          RC_ASSERT(static_cast<bool>(r) || (collects_cycles<H> && !m.reachable().contains(id)));
        } else if (r) {  // without owners, yet found: only where the scheme holds garbage back, and then it is whole
          const std::size_t others = collects_cycles<H> ? m.reachable().size() : owned.size();
          RC_ASSERT(heap.live() > static_cast<std::int64_t>(others));
        }
        if (r) add(r, id);
      }
      if (what == action::drop_weak && !weaks.empty()) {
        c.drop(weaks.back().first);
        weaks.pop_back();
      }
    }
    if (m.handles.empty()) continue;
    const std::size_t a = x % m.handles.size(), b = y % m.handles.size();
    const std::uint64_t ia = m.handles[a], ib = m.handles[b];
    RC_ASSERT(c.peek(box[a]).intact(ia));
    const int side = static_cast<int>(x >> 16 & 1);
    auto& place = side == 0 ? c.peek(box[a]).left : c.peek(box[a]).right;
    switch (what) {
      case action::copy: add(refs(a), ia); break;
      case action::drop: c.drop(remove(a)); break;
      case action::put:
        c.store(place, refs(b));
        m.slots[ia][side] = ib;
        break;
      case action::get:
        if (auto r = c.load(place)) {
          RC_ASSERT(m.slots[ia][side].has_value());
          add(r, *m.slots[ia][side]);
        } else {
          RC_ASSERT(!m.slots[ia][side].has_value());
        }
        break;
      case action::take:
        if (auto r = c.take(place)) {
          RC_ASSERT(m.slots[ia][side].has_value());
          const auto id = *m.slots[ia][side];
          m.slots[ia][side].reset();
          add(r, id);
        } else {
          RC_ASSERT(!m.slots[ia][side].has_value());
        }
        break;
      case action::weaken:
        if constexpr (has_weak<H>) {
          const auto r = refs(a);
          weaks.emplace_back(c.downgrade(r), ia);
          c.drop(r);
        }
        break;
      default: break;
    }
  }
  if constexpr (has_weak<H>) {
    for (auto& [w, id] : weaks) c.drop(w);
  }
}

template <class H>
void check_against_model() {
  const auto program = *programs();
  auto heap = make_heap<H>();
  model m;
  std::vector<typename H::template parcel<node<H>>> box;
  std::exception_ptr error;
  std::thread([&] {
    typename H::context c(*heap);
    try {
      execute<H>(*heap, c, program, m, box);
    } catch (...) {
      error = std::current_exception();
    }
  }).join();
  if (error) std::rethrow_exception(error);
  const auto expected = static_cast<std::int64_t>((collects_cycles<H> ? m.reachable() : m.owned()).size());
  const auto verdict = holds(*heap, expected);
  if (!verdict) RC_FAIL(verdict.message());
}

}  // namespace tally::conform
