// A second simulator of the same machine, to hold the first one against: no directory, no bits, no counters of its own
// devising. Every private cache is a map from lines to states, every set a list, and every line has a version number that
// each copy of it carries, so that a stale copy that is ever served is an error here and not a plausible number. Who wrote
// which byte since when is looked up in a log of all writes. It is slow, and written from docs/simulator.md.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <list>
#include <map>
#include <optional>
#include <vector>

#include "harness/sim/caches/memory_system.hpp"

namespace tally::sim::testing {

class reference_system {
 public:
  reference_system(const machine& m, unsigned cores, const memory_options& o)
      : m_(m), o_(o), cores_(cores), private_(cores), llcs_(m.llc_of(cores - 1) + 1),
        counts_(cores, std::vector<traffic>(o.fields)), taken_(cores, std::vector<std::uint64_t>(cores)) {}

  // The whole access without any waiting for a busy line.
  cycles perform(unsigned core, const line_access& a) {
    const bool writes = a.kind != access_kind::load;
    const auto kind = static_cast<unsigned>(a.kind);
    traffic& t = counts_[core][a.field];
    auto mine = private_[core].lines.find(a.line);
    const bool have = mine != private_[core].lines.end();
    if (have && (!writes || mine->second.state == line_state::exclusive || mine->second.state == line_state::modified)) {
      const bool l1 = o_.infinite || in(private_[core].l1[set(m_.l1, a.line)], a.line);
      ++t.hit[kind][l1 ? 0 : 1][static_cast<unsigned>(mine->second.state)];
      check(mine->second.version, a.line);
      touch_private(core, a.line);
      if (writes) write(core, a);
      const cycles first = !writes ? m_.l1_hit : a.kind == access_kind::rmw ? m_.rmw_hit : m_.store_hit;
      return l1 ? first : first + m_.l2_hit - m_.l1_hit;
    }
    ++t.miss[kind];
    ++t.control_messages;
    if (!have) why(t, core, a);
    const cycles cost = !writes ? load(t, core, a) : store(t, core, a, have);
    info_[a.line].field = a.field;
    touch_private(core, a.line);
    if (writes) write(core, a);
    // The request's way is half an LLC hit; it may not be longer than the whole.
    const cycles whole = std::max<cycles>(cost, m_.llc_hit / 2);
    t.miss_cycles += whole;
    return whole;
  }

  [[nodiscard]] const traffic& counts(unsigned core, unsigned field) const { return counts_[core][field]; }
  [[nodiscard]] std::uint64_t taken(unsigned from, unsigned to) const { return taken_[from][to]; }
  [[nodiscard]] line_state state(unsigned core, line_id n) const {
    const auto found = private_[core].lines.find(n);
    return found == private_[core].lines.end() ? line_state::invalid : found->second.state;
  }
  [[nodiscard]] bool llc_has(unsigned llc, line_id n) const { return llcs_[llc].lines.count(n) != 0; }
  [[nodiscard]] bool llc_dirty(unsigned llc, line_id n) const { return llc_has(llc, n) && llcs_[llc].lines.at(n).dirty; }

 private:
  struct copy {
    line_state state = line_state::invalid;
    std::uint64_t version = 0;
    bool dirty = false;  // LLCs only
  };
  struct private_cache {
    std::map<line_id, copy> lines;
    std::map<unsigned, std::list<line_id>> l1, l2;  // by set, most recent first
  };
  struct llc_cache {
    std::map<line_id, copy> lines;
    std::map<unsigned, std::list<line_id>> sets;
  };
  enum class loss : std::uint8_t { never_had, to_writer, dropped };
  struct line_info {
    std::uint64_t version = 0;
    std::uint64_t in_memory = 0;
    unsigned field = 0;
    std::vector<line_access> log;          // all writes
    std::map<unsigned, loss> how;          // by core
    std::map<unsigned, std::size_t> when;  // length of the log when the core lost the line
  };

  static bool in(const std::list<line_id>& l, line_id n) { return std::find(l.begin(), l.end(), n) != l.end(); }
  static unsigned set(const cache_geometry& g, line_id n) { return n % g.sets(); }
  void check(std::uint64_t version, line_id n) {
    if (version != info_[n].version) ADD_FAILURE() << "stale data of line " << n << " was served";
  }
  [[nodiscard]] bool same_llc(unsigned a, unsigned b) const { return m_.llc_of(a) == m_.llc_of(b); }
  [[nodiscard]] cycles away(unsigned a, unsigned b) const {
    return same_llc(a, b) ? m_.transfer : m_.socket_of(a) == m_.socket_of(b) ? m_.transfer_llc : m_.transfer_socket;
  }

  void write(unsigned core, const line_access& a) {
    line_info& i = info_[a.line];
    i.field = a.field;
    i.log.push_back(a);
    private_[core].lines[a.line] = {line_state::modified, ++i.version, false};
  }

  void why(traffic& t, unsigned core, const line_access& a) {
    line_info& i = info_[a.line];
    switch (i.how[core]) {
      case loss::never_had: ++t.cold; return;
      case loss::dropped: ++t.capacity; return;
      case loss::to_writer: break;
    }
    for (std::size_t k = i.when[core]; k < i.log.size(); ++k) {
      if (i.log[k].offset >= a.offset + a.size || a.offset >= i.log[k].offset + i.log[k].size) continue;
      ++t.true_sharing;
      return;
    }
    ++t.false_sharing;
  }

  // Somebody's private copy goes to `core`.
  cycles forward(traffic& t, unsigned core, unsigned from, line_id n) {
    check(private_[from].lines.at(n).version, n);
    const bool near = m_.socket_of(core) == m_.socket_of(from);
    ++t.data[static_cast<unsigned>(same_llc(core, from) ? origin::core_same_llc
                                   : near               ? origin::core_same_socket
                                                        : origin::core_other_socket)];
    ++t.data_messages;
    ++t.control_messages;
    ++taken_[from][core];
    return away(core, from);
  }

  // Data for `core` when no private cache is asked.
  cycles fetch(traffic& t, unsigned core, const line_access& a) {
    const cycles extra = a.kind == access_kind::rmw ? m_.rmw_hit : 0;
    ++t.data_messages;
    const unsigned own = m_.llc_of(core);
    if (llc_has(own, a.line)) {
      check(llcs_[own].lines[a.line].version, a.line);
      ++t.data[static_cast<unsigned>(origin::llc)];
      touch_llc(own, a.line);
      return m_.llc_hit + extra;
    }
    for (unsigned other = 0; other < llcs_.size(); ++other) {
      if (!llc_dirty(other, a.line)) continue;
      check(llcs_[other].lines[a.line].version, a.line);
      const bool near = m_.socket_of(other * m_.cores_per_llc) == m_.socket_of(core);
      ++t.data[static_cast<unsigned>(near ? origin::llc_same_socket : origin::llc_other_socket)];
      return (near ? m_.transfer_llc : m_.transfer_socket) + extra;
    }
    check(info_[a.line].in_memory, a.line);
    ++t.data[static_cast<unsigned>(origin::memory)];
    return m_.memory + extra;
  }

  [[nodiscard]] std::optional<unsigned> owner(line_id n) const {
    for (unsigned c = 0; c < cores_; ++c) {
      const line_state s = state(c, n);
      if (s != line_state::invalid && s != line_state::shared) return c;
    }
    return {};
  }
  [[nodiscard]] std::vector<unsigned> holders(line_id n) const {
    std::vector<unsigned> all;
    for (unsigned c = 0; c < cores_; ++c) {
      if (state(c, n) != line_state::invalid) all.push_back(c);
    }
    return all;
  }
  // A sharer under the same LLC, where the LLC has no copy.
  [[nodiscard]] std::optional<unsigned> neighbour(unsigned core, line_id n) const {
    if (llc_has(m_.llc_of(core), n)) return {};
    for (const unsigned c : holders(n)) {
      if (same_llc(core, c)) return c;
    }
    return {};
  }

  cycles load(traffic& t, unsigned core, const line_access& a) {
    ++t.gets;
    const unsigned own = m_.llc_of(core);
    line_state mine = line_state::shared;
    cycles cost = 0;
    bool unblock = false;
    if (const auto p = owner(a.line)) {
      ++t.forwards_gets;
      unblock = true;
      cost = forward(t, core, *p, a.line);
      copy& theirs = private_[*p].lines[a.line];
      if (theirs.state != line_state::exclusive && o_.coherence == protocol::moesi) {
        theirs.state = line_state::owned;
      } else {
        const unsigned llc = m_.llc_of(*p);
        if (theirs.state == line_state::modified) {
          ++t.writebacks_forward;
          ++t.data_messages;
          put_llc(core, llc, a.line, true);
        } else if (!llc_has(llc, a.line)) {
          ++t.llc_updates;
          ++t.data_messages;
          put_llc(core, llc, a.line, false);
        }
        theirs.state = line_state::shared;
      }
    } else if (const auto s = neighbour(core, a.line)) {
      ++t.forwards_gets;
      cost = forward(t, core, *s, a.line);
    } else {
      const bool nobody = holders(a.line).empty();
      cost = fetch(t, core, a);
      bool elsewhere = false;
      for (unsigned other = 0; other < llcs_.size(); ++other) elsewhere |= other != own && llc_has(other, a.line);
      if (nobody && !elsewhere) {
        unblock = true;
        mine = line_state::exclusive;
        if (m_.policy == llc_policy::victim) {
          if (llc_dirty(own, a.line)) mine = line_state::modified;
          drop_llc(own, a.line);
        }
      }
    }
    if (unblock) ++t.control_messages;
    if (m_.policy != llc_policy::victim && !llc_has(own, a.line)) put_llc(core, own, a.line, false);
    arrive(core, a.line, mine, a.field);
    return cost;
  }

  cycles store(traffic& t, unsigned core, const line_access& a, bool have) {
    const unsigned own = m_.llc_of(core);
    ++t.control_messages;  // unblock
    cycles cost = 0;
    std::optional<unsigned> giver;
    if (have) {
      ++t.upgrades;
      ++t.control_messages;  // the directory's ack
      cost = m_.llc_hit;
    } else {
      ++t.getm;
      giver = owner(a.line);
      if (!giver) giver = neighbour(core, a.line);
      if (giver) {
        ++t.forwards_getm;
        cost = forward(t, core, *giver, a.line);
      } else {
        cost = fetch(t, core, a);
      }
    }
    cycles acks = 0;
    for (const unsigned c : holders(a.line)) {
      if (c == core) continue;
      ++t.invalidations;
      if (!giver || c != *giver) {
        t.control_messages += 2;
        acks = std::max(acks, away(core, c));
      }
      lose(c, a.line, loss::to_writer);
    }
    if (have && acks != 0) cost = acks;
    cost = std::max(cost, acks);
    for (unsigned llc = 0; llc < llcs_.size(); ++llc) {
      if (llc != own || m_.policy == llc_policy::victim) {
        drop_llc(llc, a.line);
      } else if (llc_has(llc, a.line)) {
        llcs_[llc].lines[a.line].dirty = false;
      }
    }
    if (have) return cost;
    if (m_.policy != llc_policy::victim && !llc_has(own, a.line)) put_llc(core, own, a.line, false);
    arrive(core, a.line, line_state::modified, a.field);
    return cost;
  }

  void lose(unsigned core, line_id n, loss how) {
    private_[core].lines.erase(n);
    if (!o_.infinite) {
      private_[core].l1[set(m_.l1, n)].remove(n);
      if (m_.l2.bytes != 0) private_[core].l2[set(m_.l2, n)].remove(n);
    }
    info_[n].how[core] = how;
    info_[n].when[core] = info_[n].log.size();
  }

  // The line is the most recent one of L1; of L2 only if it was not in L1.
  void touch_private(unsigned core, line_id n) {
    if (o_.infinite) return;
    private_cache& p = private_[core];
    auto& l1 = p.l1[set(m_.l1, n)];
    if (in(l1, n)) {
      l1.remove(n);
      l1.push_front(n);
      return;
    }
    if (m_.l2.bytes != 0) {
      auto& l2 = p.l2[set(m_.l2, n)];
      l2.remove(n);
      l2.push_front(n);
    }
    l1.push_front(n);
    if (l1.size() > m_.l1.ways) {
      const line_id out = l1.back();
      l1.pop_back();
      if (m_.l2.bytes == 0) evict(core, out);
    }
  }

  // A new line: room is made in the last private level first.
  void arrive(unsigned core, line_id n, line_state s, unsigned field) {
    private_cache& p = private_[core];
    info_[n].field = field;  // counts from now on, should the LLC lose the line to what is evicted here
    if (!o_.infinite) {
      const cache_geometry& g = m_.l2.bytes != 0 ? m_.l2 : m_.l1;
      auto& last = (m_.l2.bytes != 0 ? p.l2 : p.l1)[set(g, n)];
      if (last.size() == g.ways) evict(core, last.back());
    }
    p.lines[n] = {s, info_[n].version, false};
  }

  void evict(unsigned core, line_id n) {
    const copy gone = private_[core].lines.at(n);
    traffic& t = counts_[core][info_[n].field];
    ++t.evictions;
    ++t.control_messages;
    lose(core, n, loss::dropped);
    const unsigned llc = m_.llc_of(core);
    if (gone.state == line_state::modified || gone.state == line_state::owned) {
      check(gone.version, n);
      ++t.writebacks_eviction;
      ++t.data_messages;
      if (m_.policy != llc_policy::noninclusive || llc_has(llc, n)) return put_llc(core, llc, n, true);
      ++t.writebacks_llc;
      ++t.data_messages;
      info_[n].in_memory = gone.version;
      return;
    }
    if (gone.state == line_state::exclusive) ++t.control_messages;
    if (m_.policy == llc_policy::victim && !owner(n) && !llc_has(llc, n)) {
      ++t.llc_updates;
      ++t.data_messages;
      put_llc(core, llc, n, false);
    }
  }

  void touch_llc(unsigned llc, line_id n) {
    if (o_.infinite) return;
    auto& s = llcs_[llc].sets[set(m_.llc, n)];
    s.remove(n);
    s.push_front(n);
  }
  void drop_llc(unsigned llc, line_id n) {
    llcs_[llc].lines.erase(n);
    if (!o_.infinite) llcs_[llc].sets[set(m_.llc, n)].remove(n);
  }
  void put_llc(unsigned core, unsigned llc, line_id n, bool dirty) {
    const bool there = llc_has(llc, n);
    if (!there && !o_.infinite) {
      auto& s = llcs_[llc].sets[set(m_.llc, n)];
      if (s.size() == m_.llc.ways) evict_llc(core, llc, s.back());
    }
    copy& c = llcs_[llc].lines[n];
    c.version = info_[n].version;
    c.dirty |= dirty;
    if (!there) touch_llc(llc, n);
  }
  void evict_llc(unsigned core, unsigned llc, line_id n) {
    const copy gone = llcs_[llc].lines.at(n);
    drop_llc(llc, n);
    traffic& t = counts_[core][info_[n].field];
    bool dirty = gone.dirty;
    std::uint64_t version = gone.version;
    if (m_.policy == llc_policy::inclusive) {
      for (const unsigned c : holders(n)) {
        if (m_.llc_of(c) != llc) continue;
        const copy theirs = private_[c].lines.at(n);
        t.control_messages += 2;
        ++t.evictions;
        if (theirs.state == line_state::modified || theirs.state == line_state::owned) {
          dirty = true;
          version = theirs.version;
          ++t.data_messages;
        }
        lose(c, n, loss::dropped);
      }
    }
    if (!dirty) return;
    ++t.writebacks_llc;
    ++t.data_messages;
    info_[n].in_memory = version;
  }

  machine m_;
  memory_options o_;
  unsigned cores_;
  std::vector<private_cache> private_;
  std::vector<llc_cache> llcs_;
  std::map<line_id, line_info> info_;
  std::vector<std::vector<traffic>> counts_;
  std::vector<std::vector<std::uint64_t>> taken_;
};

}  // namespace tally::sim::testing
