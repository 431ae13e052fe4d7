// Makes the plan of a recording with slot writes: a part of the planner.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "harness/trace/count_model.hpp"
#include "harness/trace/first_references.hpp"
#include "harness/trace/replay_plan.hpp"

namespace tally::recorded {

class graph_planner {
 public:
  graph_planner(const recording& r, bool rooted)
      : r_(r), rooted_(rooted), references_(r), position_(r.objects.size()), next_(static_cast<std::uint32_t>(r.sums.existing)) {
    p_.name = r.name;
    p_.content_hash = r.content_hash;
    p_.sums = r.sums;
    p_.recorded_threads = static_cast<std::uint16_t>(r.sums.threads);
  }

  plan make() {
    for (std::size_t e = 0; e < r_.events.size(); ++e) {
      one(r_.events[e]);
      if (e == r_.peak_event) add(graph_op::sample, 0);
    }
    finish();
    p_.positions = next_;
    p_.by_path_copies = p_.by_path;
    p_.by_path_copies.owner -= on_existing_;
    p_.by_path_copies.foreign += on_existing_;
    p_.graph = std::move(g_);
    return std::move(p_);
  }

 private:
  void add(graph_op o, std::uint32_t position) { g_.words.push_back(static_cast<std::uint32_t>(o) << position_bits | position); }

  void one(const event& ev) {
    const std::uint32_t o = ev.object;
    const object_facts& facts = r_.objects[o];
    const bool threads_had = counts_.objects() > o && counts_.references(o) != 0;
    switch (ev.what) {
      case kind::appearance:
        counts_.add(facts.references, 0);
        position_[o] = static_cast<std::uint32_t>(p_.existing.size());
        p_.existing.push_back({.immortal = facts.immortal, .shared = facts.shared, .start = references_.start(o)});
        return;
      case kind::birth: birth(o, facts); break;
      case kind::slot_write: write(o); break;
      default:
        if (takes(ev.what)) {
          if (!facts.immortal) counts_.take(o);
          add(graph_op::take, position_[o]);
        } else {
          add(graph_op::drop, position_[o]);
          if (!facts.immortal) {
            counts_.drop(o, [&](std::uint32_t dead) {
              if (!r_.objects[dead].existing) free_.push_back(position_[dead]);
            });
          }
        }
        tell(o, threads_had);
        tally_path(ev.what, facts.existing);
    }
    ++p_.operations;
  }

  void birth(std::uint32_t o, const object_facts& facts) {
    counts_.add(facts.references, facts.slots);
    if (free_.empty()) free_.push_back(next_++);
    position_[o] = free_.back();
    free_.pop_back();
    add(graph_op::make, position_[o]);
    g_.births.push_back({facts.bytes, facts.slots});
    ++p_.by_path.born;
  }

  void write(std::uint32_t o) {
    const slot_target to = r_.writes[next_write_++];
    const std::uint32_t old = counts_.slot(o, to.slot);
    const bool had_old = old != count_model::none && counts_.references(old) != 0;
    counts_.write(o, to.slot, to.object);
    if (old != to.object && old != count_model::none) tell(old, had_old);  // while the slot has it still
    add(graph_op::store, position_[o]);
    g_.words.push_back(to.slot);
    g_.words.push_back(to.object == slot_target::null ? no_position : position_[to.object]);
    if (old != to.object && to.object != slot_target::null) tell(to.object, true);
    ++p_.by_path.written;
  }

  // What the threads have begun or ceased to refer to.
  void tell(std::uint32_t o, bool had) {
    if (!rooted_ || r_.objects[o].existing) return;
    const bool have = counts_.references(o) != 0;
    if (have != had) add(have ? graph_op::hold : graph_op::release, position_[o]);
  }

  void tally_path(kind what, bool existing) {
    paths& p = p_.by_path;
    if (what == kind::immortal_increment || what == kind::immortal_decrement) {
      ++p.immortal;
    } else if (what == kind::last_decrement) {
      ++p.last;
    } else {
      ++p.owner;
      on_existing_ += existing ? 1 : 0;
    }
  }

  void finish() {
    std::vector<std::uint32_t> todo;
    std::vector<bool> reached(r_.objects.size());
    const auto reach = [&](std::uint32_t o) {
      if (o == count_model::none || reached[o] || r_.objects[o].existing) return;
      reached[o] = true;
      ++g_.reachable;
      todo.push_back(o);
    };
    std::uint32_t existing = 0;
    for (std::uint32_t o = 0; o < r_.objects.size(); ++o) {
      const object_facts& facts = r_.objects[o];
      if (facts.existing) {
        p_.existing[existing++].end = facts.immortal ? references_.end(o) : counts_.references(o);
        continue;
      }
      g_.alive += counts_.alive(o) ? 1 : 0;
      if (counts_.references(o) == 0) continue;
      g_.left.push_back({.position = position_[o], .references = counts_.references(o)});
      reach(o);
    }
    while (!todo.empty()) {
      const std::uint32_t o = todo.back();
      todo.pop_back();
      for (std::uint32_t i = 0; i < counts_.slots(o); ++i) reach(counts_.slot(o, i));
    }
    let_all_go();
  }
  void let_all_go() {
    for (std::uint32_t o = 0; o < r_.objects.size(); ++o) {
      if (r_.objects[o].existing) continue;
      while (counts_.references(o) != 0) counts_.drop(o, [](std::uint32_t) {});
    }
    for (std::uint32_t o = 0; o < r_.objects.size(); ++o) {
      if (counts_.held(o) == 0) continue;
      if (r_.objects[o].existing) {
        ++g_.existing_leaked;
      } else {
        g_.cyclic.push_back({position_[o], counts_.slots(o)});
      }
    }
    g_.leaked = g_.cyclic.size();
  }

  const recording& r_;
  bool rooted_;
  initial_references references_;
  count_model counts_;
  std::vector<std::uint32_t> position_, free_;
  std::uint32_t next_;
  std::size_t next_write_ = 0;
  std::uint64_t on_existing_ = 0;
  plan p_;
  graph_plan g_;
};

}  // namespace tally::recorded
