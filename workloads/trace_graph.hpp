// The replay of a recording that says what refers to what: objects have trailing slots, and the references in them are the heap's
// own. What dies with an object is for the heap to find; cycles go where the heap collects them, and elsewhere stay, to the object
// as the recording's model of the counts says (harness/trace/graph_plan.hpp), until the pass ends, when their slots are emptied: so
// what leaks is one pass's, however long the window. A part of trace.hpp.
//
// The recorded size is the object's, header and slots included. A heap whose parcels are rooted cells does not see the table of
// objects: it has a cell for each object that threads refer to, and what the table has beside it are bare words, good as long as the
// recording says that the object lives.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "harness/heap/object.hpp"
#include "harness/memory/leak_roots.hpp"
#include "harness/trace/replay_plan.hpp"

namespace tally::workloads {

// A counted reference of the program more, and one fewer.
template <class H>
struct recorded_references {
  static void take(typename H::context& c, const auto& r) {
    if constexpr (defers<H>) {
      (void)c.pack(c.copy(r));
    } else {
      (void)c.copy(r);
    }
  }
  static void drop(typename H::context& c, const auto& r) {
    if constexpr (defers<H>) {
      c.drop(c.unpack(r));
    } else {
      c.drop(r);
    }
  }
};

template <class H>
class graph_replay {
 public:
  using context = typename H::context;
  struct node {
    using trailing = node;
    typename H::template slot<node>* slots() { return slots_behind<typename H::template slot<node>>(*this); }
    var<typename H::memory, std::uint64_t, "payload"> value;
    std::uint64_t degree = 0;
    void each_slot(auto&& f) {
      for (std::uint64_t i = 0; i < degree; ++i) f(slots()[i]);
    }
  };
  using ref = typename H::template ref<node>;
  using parcel = typename H::template parcel<node>;
  static constexpr bool rooted = !std::is_same_v<ref, parcel>;
  static constexpr recorded::layout how = rooted ? recorded::layout::rooted : recorded::layout::one_stream;

  // copies: lanes that replay it side by side, sharing the objects from before; 0: one lane alone.
  graph_replay(H& heap, std::shared_ptr<const recorded::plan> p, int copies)
      : heap_(heap), plan_(std::move(p)), lanes_(static_cast<std::uint32_t>(copies == 0 ? 1 : copies)),
        tables_(lanes_, table(plan_->positions)), common_(plan_->existing.size()) {}

  struct lane {
    const std::uint32_t *at = nullptr, *end = nullptr;
    const recorded::graph_plan::newborn* births = nullptr;
    std::int64_t peak_bytes = 0;
  };

  // The objects from before, with one reference more than the lanes have.
  void setup(context& c) {
    for (std::size_t i = 0; i < common_.size(); ++i) {
      const auto& e = plan_->existing[i];
      common_[i].word = born(c, {});
      if constexpr (has_immortal<H>) {
        if (e.immortal) c.make_immortal(common_[i].word);
      }
      if (counted(e)) {
        for (std::uint32_t n = 0; n < e.start * lanes_; ++n) take(c, common_[i].word);
      }
      c.share(common_[i].word);
      if constexpr (rooted) common_[i].cell = c.pack(common_[i].word);
    }
  }
  void enter(lane& l, int index) {
    table& t = tables_[static_cast<std::size_t>(index)];
    std::copy(common_.begin(), common_.end(), t.begin());
    rewind(l);
  }
  [[nodiscard]] bool at_end(const lane& l) const { return l.at == l.end; }

  // Brings the recording's start back. Returns the operations that it took.
  [[gnu::noinline]] std::uint64_t next_pass(context& c, lane& l, int index) {
    std::uint64_t done = 0;
    table& t = tables_[static_cast<std::size_t>(index)];
    for (const auto& o : graph().left) done += let_go(c, t[o.position], o.references);
    if constexpr (!collects_cycles<H>) break_cycles(c, t);
    for (std::size_t i = 0; i < common_.size(); ++i) {
      const auto& e = plan_->existing[i];
      if (!counted(e)) continue;
      for (std::uint32_t n = e.end; n < e.start; ++n, ++done) take(c, t[i].word);
      for (std::uint32_t n = e.end; n > e.start; --n, ++done) drop(c, t[i].word);
    }
    rewind(l);
    return done;
  }

  // Some `block` words on, to the end of an operation. Returns how many operations that were.
  std::uint64_t replay(context& c, lane& l, int index, std::ptrdiff_t block) {
    using op = recorded::graph_op;
    const std::uint32_t* at = l.at;
    const std::uint32_t* const until = l.end - at > block ? at + block : l.end;
    entry* const t = tables_[static_cast<std::size_t>(index)].data();
    std::uint64_t done = 0;
    while (at < until) {
      const std::uint32_t word = *at++;
      entry& e = t[word & recorded::position_mask];
      switch (static_cast<op>(word >> recorded::position_bits)) {
        case op::take:
          take(c, e.word);
          ++done;
          break;
        case op::drop:
          drop(c, e.word);
          ++done;
          break;
        case op::make: {
          ref r = born(c, *l.births++);
          if constexpr (rooted) e.cell = c.pack(r);
          e.word = r;
          ++done;
          break;
        }
        case op::store:
          store(c, e.word, at[0], at[1] == recorded::no_position ? ref{} : t[at[1]].word);
          at += 2;
          ++done;
          break;
        case op::sample: l.peak_bytes = std::max(l.peak_bytes, heap_.live_bytes()); break;
        case op::hold:
          if constexpr (rooted) e.cell = c.pack(e.word);
          break;
        case op::release:
          if constexpr (rooted) (void)c.unpack(e.cell);
          break;
      }
    }
    l.at = at;
    return done;
  }

  // Before the main thread drops what is left.
  void leave(context& c, int index) {
    for (const auto& o : graph().left) c.share(tables_[static_cast<std::size_t>(index)][o.position].word);
  }
  void teardown(context& c) {
    for (table& t : tables_) {
      if constexpr (!collects_cycles<H>) {
        for (const auto& o : graph().cyclic) leak_roots::leaks(&c.get(t[o.position].word));
      }
      for (const auto& o : graph().left) let_go(c, t[o.position], o.references);
    }
    for (std::size_t i = 0; i < common_.size(); ++i) {
      const auto& e = plan_->existing[i];
      if constexpr (rooted) (void)c.unpack(common_[i].cell);
      if constexpr (has_immortal<H>) {
        if (e.immortal) c.release_immortal(common_[i].word);
      }
      if (!counted(e)) continue;
      for (std::uint32_t n = 0; n < e.end * lanes_ + 1; ++n) drop(c, common_[i].word);
    }
  }

  [[nodiscard]] std::int64_t expected() const {
    const std::uint64_t each = collects_cycles<H> ? graph().reachable : graph().alive;
    return static_cast<std::int64_t>(common_.size() + lanes_ * each);
  }
  [[nodiscard]] std::int64_t leaked() const {
    return collects_cycles<H> ? 0 : static_cast<std::int64_t>(lanes_ * graph().leaked + graph().existing_leaked);
  }

 private:
  struct no_cell {};
  struct entry {
    ref word{};
    [[no_unique_address]] std::conditional_t<rooted, parcel, no_cell> cell{};
  };
  using table = std::vector<entry>;

  [[nodiscard]] const recorded::graph_plan& graph() const { return *plan_->graph; }
  // Whether the heap counts references to it.
  static bool counted(const recorded::existing_object& e) { return !(has_immortal<H> && e.immortal); }

  void rewind(lane& l) const {
    l.at = graph().words.data();
    l.end = l.at + graph().words.size();
    l.births = graph().births.data();
  }

  static void take(context& c, const ref& r) { recorded_references<H>::take(c, r); }
  static void drop(context& c, const ref& r) { recorded_references<H>::drop(c, r); }
  std::uint32_t let_go(context& c, entry& e, std::uint32_t references) {
    for (std::uint32_t n = 0; n < references; ++n) drop(c, e.word);
    if constexpr (rooted) (void)c.unpack(e.cell);
    return references;
  }
  // Each is held while the slots of all are emptied.
  void break_cycles(context& c, table& t) {
    for (const auto& o : graph().cyclic) take(c, t[o.position].word);
    for (const auto& o : graph().cyclic) {
      auto* const slots = c.get(t[o.position].word).slots();
      for (std::uint32_t i = 0; i < o.slots; ++i) {
        if (ref r = c.take(slots[i])) c.drop(r);
      }
    }
    for (const auto& o : graph().cyclic) drop(c, t[o.position].word);
  }
  // The reference to `to` is a thread's until now; what the slot had is one from now on.
  static void store(context& c, const ref& of, std::uint32_t slot, ref to) {
    auto& place = c.get(of).slots()[slot];
    ref old = c.take(place);
    if constexpr (defers<H>) {
      if (to) to = c.unpack(to);
    }
    c.store(place, to);
    if constexpr (defers<H>) {
      if (old) (void)c.pack(old);
    }
  }
  static ref born(context& c, const recorded::graph_plan::newborn& n) {
    const std::uint64_t least = 16 + sizeof(node) + std::uint64_t{8} * n.slots;
    ref r = make<node>(c, {.slots = n.slots, .bytes = n.bytes > least ? static_cast<std::uint32_t>(n.bytes - least) : 0});
    c.get(r).degree = n.slots;
    if constexpr (defers<H>) r = c.pack(r);
    return r;
  }

  H& heap_;
  std::shared_ptr<const recorded::plan> plan_;
  std::uint32_t lanes_;
  std::vector<table> tables_;  // one, or one a copy
  table common_;               // the objects from before
};

}  // namespace tally::workloads
