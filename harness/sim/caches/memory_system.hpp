// The memory of the virtual multicore: who has which line, what an access costs, and what it makes the protocol do.
//
// Per core a private L1 and L2, per LLC (socket or CCX) a shared cache, and one directory that knows exactly who holds what.
// The protocol is MESI as in gem5's two-level one [LowePower20], or MOESI. A line is in one core exclusive or modified, or
// in any number shared; the table of transitions and messages, and what is not modelled, are in docs/simulator.md.
//
// It knows nothing of threads: the caller says which core accesses what, and when. A hit is one call; a miss is three steps,
// so that other cores can run while the request is on its way:
//
//   if (const cycles c = memory.try_hit(core, a)) { clock += c; }     // was a hit: done. A hit costs at least one cycle
//   else {
//     clock = memory.arrive(core, clock, a);    // when the request takes effect; queues behind others for the same line
//     ... cores with earlier clocks run ...
//     clock += memory.finish(core, clock, a);   // takes effect: states change, everything is counted
//   }
//
// Between arrive and finish the core makes no other access. It may lose a line that it has (an upgrade becomes a fetch), but
// it can't gain one, so a miss stays a miss. perform() is the three steps at once, for schedules that don't interleave.
//
// While a line is on its way from owner to owner it is busy: later requests queue, first come first served, so that a hot
// line's throughput is limited by the hand-over and not by the number of cores. Reads of a line that is shared already don't
// queue.
//
// Counts are per core and field (traffic.hpp); taken(from, to) is how many lines `to` took from `from`'s caches.
#pragma once

#include <memory>
#include <stdexcept>
#include <string>

#include "harness/sim/caches/coherence.hpp"

namespace tally::sim {

struct memory_options {
  protocol coherence = protocol::mesi;
  bool infinite = true;  // caches without capacity: coherence alone; else the machine's geometry
  unsigned fields = 64;  // field ids are below this
};

class memory_system {
 public:
  // Throws std::invalid_argument if the machine has fewer cores.
  memory_system(const machine& m, unsigned cores, const memory_options& options = {}) : cores_(cores), fields_(options.fields) {
    if (cores == 0 || cores > m.cores() || cores > most_cores) {
      throw std::invalid_argument("machine " + m.name + " has " + std::to_string(m.cores()) + " cores, not " +
                                  std::to_string(cores));
    }
    if (options.infinite) {
      infinite_ = std::make_unique<coherence<false>>(m, cores, fields_, options.coherence);
    } else {
      finite_ = std::make_unique<coherence<true>>(m, cores, fields_, options.coherence);
    }
  }

  // Performs the access if it needs no other core and no directory; its cost, or 0: nothing happened.
  cycles try_hit(unsigned core, const line_access& a) {
    return infinite_ ? infinite_->try_hit(core, a) : finite_->try_hit(core, a);
  }
  // The access is a miss: when it takes effect, at the earliest.
  cycles arrive(unsigned core, cycles now, const line_access& a) {
    return infinite_ ? infinite_->arrive(core, now, a) : finite_->arrive(core, now, a);
  }
  // The miss takes effect; the cycles until the core goes on.
  cycles finish(unsigned core, cycles start, const line_access& a) {
    return infinite_ ? infinite_->finish(core, start, a) : finite_->finish(core, start, a);
  }
  // All at once: the cycles from now until the core goes on.
  cycles perform(unsigned core, cycles now, const line_access& a) {
    if (const cycles cost = try_hit(core, a); cost != 0) return cost;
    const cycles start = arrive(core, now, a);
    return start - now + finish(core, start, a);
  }

  [[nodiscard]] unsigned cores() const { return cores_; }
  [[nodiscard]] unsigned fields() const { return fields_; }
  [[nodiscard]] const traffic& counts(unsigned core, field_id field) const {
    return infinite_ ? infinite_->counts(core, field) : finite_->counts(core, field);
  }
  [[nodiscard]] traffic by_field(field_id field) const {
    traffic sum;
    for (unsigned c = 0; c < cores_; ++c) sum += counts(c, field);
    return sum;
  }
  [[nodiscard]] traffic by_core(unsigned core) const {
    traffic sum;
    for (unsigned f = 0; f < fields_; ++f) sum += counts(core, static_cast<field_id>(f));
    return sum;
  }
  [[nodiscard]] traffic total() const {
    traffic sum;
    for (unsigned c = 0; c < cores_; ++c) sum += by_core(c);
    return sum;
  }
  // Line transfers out of `from`'s private caches into `to`'s.
  [[nodiscard]] std::uint64_t taken(unsigned from, unsigned to) const {
    return infinite_ ? infinite_->taken(from, to) : finite_->taken(from, to);
  }
  // What the directory knows of a line, and whether a cache really has it (for tests and reports; infinite caches have no
  // tags).
  [[nodiscard]] const line_record& line(line_id n) const { return infinite_ ? infinite_->line(n) : finite_->line(n); }
  [[nodiscard]] bool in_private(hit_level level, unsigned core, line_id n) const {
    return finite_ && (level == hit_level::l1 ? finite_->in_l1(core, n) : finite_->in_l2(core, n));
  }
  [[nodiscard]] bool in_llc(unsigned llc, line_id n) const { return finite_ && finite_->in_llc(llc, n); }
  // Counters start anew (after a warm-up); caches, directory and busy lines stay.
  void reset_counters() {
    if (infinite_) infinite_->reset_counters();
    if (finite_) finite_->reset_counters();
  }

 private:
  unsigned cores_;
  unsigned fields_;
  std::unique_ptr<coherence<false>> infinite_;
  std::unique_ptr<coherence<true>> finite_;
};

}  // namespace tally::sim
