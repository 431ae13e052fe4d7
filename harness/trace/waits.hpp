// What a replay on real threads must wait for, and how parallel that leaves it: a part of the planner. The three rules are in
// workloads/traces/FORMAT.md, the form that they take here in plan.hpp.
//
// Vector clocks say which waits are needed: each thread knows how far every other has come, by the waits it has done and by what
// the threads that it waited for knew then. A source that a thread knows to be done needs no wait.
#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <stdexcept>
#include <utility>
#include <vector>

#include "harness/trace/pairs.hpp"

namespace tally::recorded {

// What each event waits for, and how long the longest path is.
class waiting {
 public:
  struct wait {
    std::uint32_t event;    // that waits
    std::uint16_t thread;   // for this thread
    std::uint32_t ordinal;  // to have done so many events
  };
  std::vector<wait> waits;  // in recorded order
  std::uint64_t longest = 0;

  waiting(const recording& r, const pairing& p)
      : r_(r), p_(p), threads_(r.sums.threads), index_(r.objects.size(), no_event), ordinal_(r.events.size()),
        finish_(r.events.size()), done_(threads_), ready_(threads_), known_(threads_, clock(threads_)), history_(threads_) {
    std::uint32_t shared = 0;
    for (std::uint32_t o = 0; o < r.objects.size(); ++o) {
      if (r.objects[o].shared && !r.objects[o].immortal) index_[o] = shared++;
    }
    birth_.resize(shared, no_event);
    spare_.resize(shared);
    takes_.resize(shared * threads_);
    latest_.resize(shared * threads_, no_event);
    for (std::uint32_t e = 0; e < r.events.size(); ++e) one(e);
    for (const std::uint64_t f : ready_) longest = std::max(longest, f);
  }

 private:
  using clock = std::vector<std::uint32_t>;
  struct take_queue {  // of one thread on one object: the oldest at head
    std::vector<std::uint32_t> events;
    std::size_t head = 0;
    [[nodiscard]] bool empty() const { return head == events.size(); }
  };

  void one(std::uint32_t e) {
    const event& ev = r_.events[e];
    if (ev.what == kind::appearance) {
      if (index_[ev.object] != no_event) spare_[index_[ev.object]] = r_.objects[ev.object].references - 1;
      return;
    }
    sources_.clear();
    if (const std::uint32_t s = index_[ev.object]; s != no_event) collect(e, s);
    ordinal_[e] = ++done_[ev.thread];
    std::uint64_t start = ready_[ev.thread];
    for (const std::uint32_t from : sources_) start = std::max(start, finish_[from]);
    ready_[ev.thread] = finish_[e] = start + 1;
    reduce(e);
  }

  void collect(std::uint32_t e, std::uint32_t s) {
    const event& ev = r_.events[e];
    if (ev.what == kind::birth) {
      birth_[s] = e;
    } else {
      if (birth_[s] != no_event && r_.events[birth_[s]].thread != ev.thread) sources_.push_back(birth_[s]);
      if (p_.partner[e] == no_event) {
        if (ev.what == kind::increment) takes_[s * threads_ + ev.thread].events.push_back(e);
        if (ev.what == kind::decrement) use_up(s, ev.thread);
      }
      if (ev.what == kind::last_decrement) {
        for (std::size_t t = 0; t < threads_; ++t) {
          if (t != ev.thread && latest_[s * threads_ + t] != no_event) sources_.push_back(latest_[s * threads_ + t]);
        }
      }
    }
    latest_[s * threads_ + ev.thread] = e;
  }

  void use_up(std::uint32_t s, std::uint16_t thread) {
    take_queue& own = takes_[s * threads_ + thread];
    if (!own.empty()) {
      own.events.pop_back();
      return;
    }
    if (spare_[s] != 0) {
      --spare_[s];
      return;
    }
    take_queue* oldest = nullptr;
    for (std::size_t t = 0; t < threads_; ++t) {
      take_queue& q = takes_[s * threads_ + t];
      if (!q.empty() && (oldest == nullptr || q.events[q.head] < oldest->events[oldest->head])) oldest = &q;
    }
    if (oldest == nullptr) throw std::logic_error("a drop without a take in a balanced recording");
    sources_.push_back(oldest->events[oldest->head++]);
  }

  // Keeps of the sources those that the thread can't know to be done from its earlier waits. The latest goes first: what its
  // thread knew then often covers the others.
  void reduce(std::uint32_t e) {
    const std::uint16_t me = r_.events[e].thread;
    std::ranges::sort(sources_, std::greater{});
    for (const std::uint32_t from : sources_) {
      const std::uint16_t t = r_.events[from].thread;
      if (known_[me][t] >= ordinal_[from]) continue;
      waits.push_back({e, t, ordinal_[from]});
      const auto& h = history_[t];
      auto after = std::ranges::upper_bound(h, ordinal_[from], {}, &std::pair<std::uint32_t, clock>::first);
      if (after != h.begin()) {
        const clock& then = std::prev(after)->second;
        for (std::size_t i = 0; i < threads_; ++i) known_[me][i] = std::max(known_[me][i], then[i]);
      }
      known_[me][t] = ordinal_[from];
      history_[me].emplace_back(ordinal_[e], known_[me]);
    }
  }

  const recording& r_;
  const pairing& p_;
  std::size_t threads_;
  std::vector<std::uint32_t> index_;    // of shared objects; no_event for others
  std::vector<std::uint32_t> ordinal_;  // events that the thread has done with this one
  std::vector<std::uint64_t> finish_;
  std::vector<std::uint32_t> birth_, spare_, latest_, sources_;
  std::vector<take_queue> takes_;
  std::vector<std::uint32_t> done_;
  std::vector<std::uint64_t> ready_;
  std::vector<clock> known_;  // events of each thread that each thread knows to be done
  std::vector<std::vector<std::pair<std::uint32_t, clock>>> history_;
};

}  // namespace tally::recorded
