// One virtual multicore's memory: the protocol, the caches and the counters, for infinite caches (Finite = false) or for the
// machine's geometry. Use it through memory_system (memory_system.hpp), which picks one of the two; the model is described
// there and in docs/simulator.md.
#pragma once

#include <algorithm>
#include <cassert>
#include <vector>

#include "harness/sim/caches/distances.hpp"
#include "harness/sim/caches/line_record.hpp"
#include "harness/sim/caches/lru_sets.hpp"
#include "harness/sim/caches/protocol.hpp"

namespace tally::sim {

// One access; it stays within one line.
struct line_access {
  line_id line;
  field_id field;
  std::uint8_t offset;  // first byte in the line
  std::uint8_t size;    // bytes, at least 1
  access_kind kind;
};

template <bool Finite>
class coherence {
 public:
  coherence(const machine& m, unsigned cores, unsigned fields, protocol p)
      : machine_(m), away_(m, cores), cores_(cores), fields_(fields), moesi_(p == protocol::moesi), request_(m.llc_hit / 2),
        history_(cores), counts_(std::size_t{cores} * fields), taken_(std::size_t{cores} * cores) {
    for (unsigned level = 0; level < 2; ++level) {
      const unsigned extra = level == 0 || m.l2.bytes == 0 ? 0 : m.l2_hit - m.l1_hit;
      hit_cost_[0][level] = m.l1_hit + extra;
      hit_cost_[1][level] = m.store_hit + extra;
      hit_cost_[2][level] = m.rmw_hit + extra;
    }
    if constexpr (Finite) {
      l1_.reset(m.l1, cores);
      l2_.reset(m.l2, cores);
      llc_.reset(m.llc, m.llc_of(cores - 1) + 1);
    }
  }

  cycles try_hit(unsigned core, const line_access& a) {
    line_record& l = lines_.at(a.line);
    line_state found;
    if (a.kind == access_kind::load) {
      if (!l.holders.has(core)) return 0;
      found = l.owner == core + 1 ? l.state : line_state::shared;
    } else {
      if (l.owner != core + 1 || l.state == line_state::owned) return 0;
      found = l.state;
      l.state = line_state::modified;
      l.written |= byte_mask(a.offset, a.size);
      l.field = a.field;
    }
    unsigned level = 0;
    if constexpr (Finite) level = l1_.touch(core, a.line) ? 0 : refill_l1(core, a.line);
    const auto kind = static_cast<unsigned>(a.kind);
    ++at(core, a.field).hit[kind][level][static_cast<unsigned>(found)];
    return hit_cost_[kind][level];
  }

  cycles arrive(unsigned core, cycles now, const line_access& a) {
    line_record& l = lines_.at(a.line);
    if constexpr (Finite) {  // what finish() will want of the host's memory
      llc_.prefetch(machine_.llc_of(core), a.line);
      __builtin_prefetch(&lines_[(l2_.present() ? l2_ : l1_).next_out(core, a.line)]);
    }
    const bool reads = a.kind == access_kind::load;
    cycles start = now + request_;
    cycles service = 0;
    if (l.busy_until > start) {
      traffic& t = at(core, a.field);
      t.queued_cycles += l.busy_until - start;
      t.miss_cycles += l.busy_until - start;
      start = l.busy_until;
      if (!reads || !l.tail_reads) service = away_.between(core, l.tail - 1u);
    } else if (l.owner != 0 && l.owner != core + 1) {
      service = away_.between(core, l.owner - 1u);
    } else if (!reads || l.holders.empty()) {
      service = (l.llcs & llc_bit(machine_.llc_of(core))) != 0 || l.holders.has(core) ? machine_.llc_hit : machine_.memory;
    }
    if (service != 0) {
      l.busy_until = start + reply(service);
      l.tail = static_cast<std::uint8_t>(core + 1);
      l.tail_reads = reads;
    }
    return start;
  }

  cycles finish(unsigned core, cycles start, const line_access& a) {
    line_record& l = lines_.at(a.line);
    assert(l.in(core) == line_state::invalid || (a.kind != access_kind::load && l.in(core) != line_state::modified));
    traffic& t = at(core, a.field);
    ++t.miss[static_cast<unsigned>(a.kind)];
    ++t.control_messages;  // the request
    const bool had = l.holders.has(core);
    if (!had) classify(t, core, l, a);
    bool unblock = true;
    const cycles cost = a.kind == access_kind::load ? get_shared(t, core, l, a, unblock)
                        : had                       ? upgrade(t, core, l, a)
                                                    : get_modified(t, core, l, a);
    if (unblock) ++t.control_messages;
    l.field = a.field;
    if (!had) {
      l.holders.add(core);
      l.ever.add(core);
    }
    if (a.kind != access_kind::load) {
      l.owner = static_cast<std::uint8_t>(core + 1);
      l.state = line_state::modified;
      l.written |= byte_mask(a.offset, a.size);
    }
    if constexpr (Finite) {
      if (had) {
        if (!l1_.touch(core, a.line)) refill_l1(core, a.line);
      } else {
        fill_private(core, a.line);
      }
    }
    const cycles left = reply(cost);
    if (unblock) l.busy_until = std::max(l.busy_until, start + left);
    t.miss_cycles += request_ + left;
    return left;
  }

  [[nodiscard]] const line_record& line(line_id n) { return lines_.at(n); }
  [[nodiscard]] const traffic& counts(unsigned core, field_id field) const {
    return counts_[std::size_t{core} * fields_ + field];
  }
  [[nodiscard]] std::uint64_t taken(unsigned from, unsigned to) const { return taken_[std::size_t{from} * cores_ + to]; }
  void reset_counters() {
    std::fill(counts_.begin(), counts_.end(), traffic{});
    std::fill(taken_.begin(), taken_.end(), 0);
  }
  // Where a line is, by the caches' own tags (Finite only): for the invariant that directory and caches agree.
  [[nodiscard]] bool in_l1(unsigned core, line_id n) const { return l1_.contains(core, n); }
  [[nodiscard]] bool in_l2(unsigned core, line_id n) const { return l2_.present() && l2_.contains(core, n); }
  [[nodiscard]] bool in_llc(unsigned llc, line_id n) const { return llc_.contains(llc, n); }

 private:
  traffic& at(unsigned core, field_id field) {
    assert(core < cores_ && field < fields_);
    return counts_[std::size_t{core} * fields_ + field];
  }
  // From the directory's decision to the core going on: the request's way is half an LLC hit, whatever comes after.
  [[nodiscard]] cycles reply(cycles whole) const { return whole > request_ ? whole - request_ : 0; }
  [[nodiscard]] static unsigned llc_bit(unsigned llc) { return 1u << llc; }

  // The requester's data comes from core p's private cache: a line transfer.
  cycles transferred(traffic& t, unsigned core, unsigned p) {
    ++t.data[static_cast<unsigned>(away_.from_core(core, p))];
    ++t.data_messages;
    ++t.control_messages;  // the forward
    ++taken_[std::size_t{p} * cores_ + core];
    return away_.between(core, p);
  }

  // A core under the requester's LLC that shares the line while the LLC itself has no copy, plus one; 0: none.
  [[nodiscard]] unsigned sharer_nearby(unsigned core, const line_record& l) const {
    if ((l.llcs & llc_bit(machine_.llc_of(core))) != 0) return 0;
    for (unsigned i = 0; i < 2; ++i) {
      if (const std::uint64_t near = l.holders.word[i] & away_.same_llc(core).word[i]; near != 0) {
        return i * 64 + static_cast<unsigned>(std::countr_zero(near)) + 1;
      }
    }
    return 0;
  }

  // Nobody who has the line may be asked for it. Its own LLC, else another LLC that is newer than memory, else memory. Clean
  // copies of other LLCs are not asked for.
  cycles below(traffic& t, unsigned core, line_record& l, const line_access& a) {
    ++t.data_messages;
    const cycles extra = a.kind == access_kind::rmw ? machine_.rmw_hit : 0;  // the transfers' figures hold theirs already
    const unsigned own = machine_.llc_of(core);
    if ((l.llcs & llc_bit(own)) != 0) {
      ++t.data[static_cast<unsigned>(origin::llc)];
      if constexpr (Finite) llc_.touch(own, a.line);
      return machine_.llc_hit + extra;
    }
    if (l.dirty_llc != 0) {
      const unsigned first_core_there = (l.dirty_llc - 1u) * machine_.cores_per_llc;
      const bool same_socket = machine_.socket_of(first_core_there) == machine_.socket_of(core);
      ++t.data[static_cast<unsigned>(same_socket ? origin::llc_same_socket : origin::llc_other_socket)];
      return (same_socket ? machine_.transfer_llc : machine_.transfer_socket) + extra;
    }
    ++t.data[static_cast<unsigned>(origin::memory)];
    return machine_.memory + extra;
  }

  cycles get_shared(traffic& t, unsigned core, line_record& l, const line_access& a, bool& unblock) {
    ++t.gets;
    const unsigned own = machine_.llc_of(core);
    cycles cost = 0;
    if (l.owner != 0) {
      const unsigned p = l.owner - 1u;
      const unsigned theirs = machine_.llc_of(p);
      ++t.forwards_gets;
      cost = transferred(t, core, p);
      if (l.dirty() && moesi_) {
        l.state = line_state::owned;
      } else {
        if (const bool dirty = l.dirty(); dirty || (l.llcs & llc_bit(theirs)) == 0) {
          ++(dirty ? t.writebacks_forward : t.llc_updates);
          ++t.data_messages;
          keep_in_llc(core, theirs, l, a.line, dirty);
        }
        l.owner = 0;
      }
    } else if (const unsigned sharer = sharer_nearby(core, l); sharer != 0) {
      ++t.forwards_gets;
      cost = transferred(t, core, sharer - 1);
      unblock = false;
    } else {
      cost = below(t, core, l, a);
      // Exclusive, if nobody else has a copy. A victim LLC gives its copy away with it, and that it was dirty.
      if (l.holders.empty() && (l.llcs & ~llc_bit(own)) == 0) {
        l.owner = static_cast<std::uint8_t>(core + 1);
        l.state = line_state::exclusive;
        if (machine_.policy == llc_policy::victim) {
          if (l.dirty_llc != 0) l.state = line_state::modified;
          drop_llcs(l, a.line);
        }
      } else {
        unblock = false;
      }
    }
    fill_llc(core, l, a.line);
    return cost;
  }

  cycles get_modified(traffic& t, unsigned core, line_record& l, const line_access& a) {
    ++t.getm;
    core_set others = l.holders;
    cycles cost = 0;
    if (const unsigned from = l.owner != 0 ? l.owner : sharer_nearby(core, l); from != 0) {
      ++t.forwards_getm;
      cost = transferred(t, core, from - 1);
      others.remove(from - 1);
    } else {
      cost = below(t, core, l, a);
    }
    if (!others.empty()) cost = std::max(cost, away_.farthest(core, others));
    invalidate(t, core, l, others, a.line);
    fill_llc(core, l, a.line);
    return cost;
  }

  cycles upgrade(traffic& t, unsigned core, line_record& l, const line_access& a) {
    ++t.upgrades;
    ++t.control_messages;  // the directory's ack
    core_set others = l.holders;
    others.remove(core);
    invalidate(t, core, l, others, a.line);
    return away_.farthest(core, others);
  }

  // Everybody else loses the line to `core`: `told` are sent invalidations, a former owner was told by the forward. The
  // LLCs' copies are dead from now on; the requester's own LLC keeps its room, unless it is a victim cache.
  void invalidate(traffic& t, unsigned core, line_record& l, const core_set& told, line_id n) {
    core_set losers = l.holders;
    losers.remove(core);
    if (!losers.empty()) {
      t.invalidations += losers.count();
      if (!told.empty()) t.control_messages += 2 * told.count();
      history_.taken(l, losers);
      if constexpr (Finite) losers.each([&](unsigned c) { remove_private(c, n); });
      l.holders = l.holders.without(losers);
    }
    l.owner = 0;
    drop_llcs(l, n, machine_.policy == llc_policy::victim ? 0 : llc_bit(machine_.llc_of(core)));
  }

  void classify(traffic& t, unsigned core, line_record& l, const line_access& a) {
    if (!l.ever.has(core)) {
      ++t.cold;
    } else if (!history_.lost_to_writer(l, core)) {
      ++t.capacity;
    } else if (history_.written_since_loss(l, core, a.offset, a.size)) {
      ++t.true_sharing;
    } else {
      ++t.false_sharing;
    }
  }

  // LLCs. With infinite caches they have room for everything; only the bits in the line's record matter.

  // A line on its way to `core` passes its LLC.
  void fill_llc(unsigned core, line_record& l, line_id n) {
    const unsigned llc = machine_.llc_of(core);
    if (machine_.policy == llc_policy::victim || (l.llcs & llc_bit(llc)) != 0) return;
    keep_in_llc(core, llc, l, n, false);
  }
  // `core` is whose doing it is. Data that comes down does not make the LLC's copy recent; only a hit there does.
  void keep_in_llc(unsigned core, unsigned llc, line_record& l, line_id n, bool dirty) {
    if (dirty) l.dirty_llc = static_cast<std::uint8_t>(llc + 1);
    if constexpr (Finite) {
      if ((l.llcs & llc_bit(llc)) == 0) {
        if (const std::uint32_t victim = llc_.insert(llc, n); victim != 0) evict_llc(core, llc, victim - 1);
      }
    }
    l.llcs |= llc_bit(llc);
  }
  void drop_llcs(line_record& l, line_id n, unsigned except = 0) {
    if constexpr (Finite) {
      for (unsigned left = l.llcs & ~except; left != 0; left &= left - 1) {
        llc_.remove(static_cast<unsigned>(std::countr_zero(left)), n);
      }
    }
    l.llcs &= except;
    l.dirty_llc = 0;
  }
  void evict_llc(unsigned core, unsigned llc, line_id n) {
    line_record& l = lines_[n];
    l.llcs &= ~llc_bit(llc);
    traffic& t = at(core, l.field);
    bool dirty = l.dirty_llc == llc + 1;
    if (dirty) l.dirty_llc = 0;
    if (machine_.policy == llc_policy::inclusive) {
      const core_set outside = l.holders.without(away_.same_llc(llc * machine_.cores_per_llc));
      l.holders.without(outside).each([&](unsigned c) {
        t.control_messages += 2;  // told, and its ack
        if (l.owner == c + 1) {
          t.data_messages += l.dirty();
          dirty |= l.dirty();
          l.owner = 0;
        }
        remove_private(c, n);
        history_.dropped(l, c);
        ++t.evictions;
      });
      l.holders = outside;
    }
    t.writebacks_llc += dirty;
    t.data_messages += dirty;
  }

  // Private caches. L2 includes L1; a machine may have no L2. Evictions are told to the directory, which stays exact.

  void fill_private(unsigned core, line_id n) {
    lru_sets& last = l2_.present() ? l2_ : l1_;
    if (const std::uint32_t victim = last.insert(core, n); victim != 0) evict_private(core, victim - 1);
    if (l2_.present()) l1_.insert(core, n);
  }
  void remove_private(unsigned core, line_id n) {
    l1_.remove(core, n);
    if (l2_.present()) l2_.remove(core, n);
  }
  // The line is here, but not in L1.
  unsigned refill_l1(unsigned core, line_id n) {
    [[maybe_unused]] const bool found = l2_.touch(core, n);
    assert(found);
    l1_.insert(core, n);  // what has to go stays in L2
    return 1;
  }
  void evict_private(unsigned core, line_id n) {
    line_record& l = lines_[n];
    const unsigned llc = machine_.llc_of(core);
    if (l2_.present()) l1_.remove(core, n);
    traffic& t = at(core, l.field);
    ++t.evictions;
    ++t.control_messages;  // the put of a clean line, or the ack of a dirty one's
    const bool owned = l.owner == core + 1;
    const bool dirty = owned && l.dirty();
    l.holders.remove(core);
    history_.dropped(l, core);
    if (owned) l.owner = 0;
    if (dirty) {
      const bool past = machine_.policy == llc_policy::noninclusive && (l.llcs & llc_bit(llc)) == 0;
      ++t.writebacks_eviction;
      t.writebacks_llc += past;
      t.data_messages += past ? 2 : 1;
      if (!past) keep_in_llc(core, llc, l, n, true);
      return;
    }
    if (owned) ++t.control_messages;  // an exclusive line's put is acked
    if (machine_.policy == llc_policy::victim && l.owner == 0 && (l.llcs & llc_bit(llc)) == 0) {
      ++t.llc_updates;
      ++t.data_messages;
      keep_in_llc(core, llc, l, n, false);
    }
  }

  machine machine_;
  distances away_;
  unsigned cores_, fields_;
  bool moesi_;
  cycles request_;
  cycles hit_cost_[access_kinds][2]{};
  growing_array<line_record> lines_;
  sharing_history history_;
  lru_sets l1_, l2_, llc_;
  std::vector<traffic> counts_;
  std::vector<std::uint64_t> taken_;
};

}  // namespace tally::sim
