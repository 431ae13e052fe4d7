// How a replay's lanes begin a pass over the recording and leave the last one, with slot writes or without. Included by trace.hpp, which declares what is
// defined here.
#pragma once

#include <cstdint>

namespace tally::workloads {

template <class H>
inline void trace::program<H>::enter(context& c, lane& l) {
  try {
    for (std::size_t i = 0; i < plan_->existing.size(); ++i) {
      if (mode_ == mode::copies) {
        l.table[i] = common_[i];
      } else if (mine(l, plan_->existing[i].lane)) {
        l.table[i] = appear(c, plan_->existing[i], plan_->existing[i].start);
        if (mode_ == mode::threads && plan_->existing[i].shared) c.share(l.table[i]);
      }
    }
  } catch (...) {
    others_.abandon();
    throw;
  }
  others_.enter();
}

template <class H>
std::uint64_t trace::program<H>::next_pass(context& c, lane& l) {
  if (l.over || (mode_ == mode::threads && !others_.meet(c))) return wait_stop(c, l);
  std::uint64_t done = 0;
  for (const auto& o : plan_->left) {
    if (!mine(l, o.lane)) continue;
    give_up(c, l.table[o.position], o.references);
    done += o.references;
  }
  for (std::size_t i = 0; i < plan_->existing.size(); ++i) {
    const auto& e = plan_->existing[i];
    if (!mine(l, e.lane) || (e.immortal && has_immortal<H>)) continue;
    if (e.end == 0 && mode_ != mode::copies) {
      l.table[i] = appear(c, e, e.start);
      if (mode_ == mode::threads && e.shared) c.share(l.table[i]);
      done += e.start;
      continue;
    }
    for (std::uint32_t n = e.end; n < e.start; ++n, ++done) take(c, l.table[i]);
    for (std::uint32_t n = e.end; n > e.start; --n, ++done) drop(c, l.table[i]);
  }
  if (mode_ == mode::threads && !others_.meet(c)) return wait_stop(c, l);
  ++l.pass;
  l.rewind();
  return done;
}

template <class H>
inline void trace::program<H>::share_all(context& c, lane& l) {
  if (others_.abandoned()) return;
  for (const auto& o : plan_->left) {
    if (mine(l, o.lane)) c.share(l.table[o.position]);
  }
  if (mode_ == mode::copies) return;
  for (std::size_t i = 0; i < plan_->existing.size(); ++i) {
    const auto& e = plan_->existing[i];
    if (mine(l, e.lane) && e.end != 0 && !(e.immortal && has_immortal<H>)) c.share(l.table[i]);
  }
}

template <class H>
std::uint64_t trace::program<H>::step_graph(context& c, lane& l) {
  std::uint64_t done = graph_->at_end(l.graph) ? graph_->next_pass(c, l.graph, l.env.index) : 0;
  done += graph_->replay(c, l.graph, l.env.index, block);
  c.poll();
  return done;
}

template <class H>
inline void trace::program<H>::leave_graph(context& c, lane& l) {
  try {
    while (!graph_->at_end(l.graph) && !others_.abandoned()) {
      (void)graph_->replay(c, l.graph, l.env.index, block);
      c.poll();
    }
  } catch (const heap_exhausted&) {
    others_.abandon();
    if constexpr (H::oracle != oracle_class::never_frees) throw;
  }
  if (others_.abandoned()) return;
  graph_->leave(c, l.env.index);
  peaks_[static_cast<std::size_t>(l.env.index)].bytes = l.graph.peak_bytes;
}

}  // namespace tally::workloads
