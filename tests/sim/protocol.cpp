// The protocol, row by row: what state, what event, what next, and exactly which messages. That the rows are all that there
// can be is checked too: every pair of a private cache's state and an event it can see, and every pair of a directory's
// state and a request.
//
// The line under test is line 0, cores 0 to 2 of one LLC. An event is a core and a letter: L load, S store, R
// read-modify-write, X the core runs other lines through the set until it drops line 0. States: M O E S, and - for invalid.
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <sstream>
#include <string>

#include "tests/support/sim_machine.hpp"

namespace tally::sim::sim_protocol {
namespace {

constexpr unsigned cores = 3;
constexpr field_id watched = 1;

struct row {
  const char* before;  // how to get there
  const char* states;  // of cores 0, 1, 2
  const char* event;
  const char* after;
  const char* says;  // everything that is counted for the event
};

// c: control messages, d: data messages; wb: write-backs.
const row both[] = {
    // Nobody has it.
    {"", "---", "0L", "E--", "gets memory cold c=2 d=1"},
    {"", "---", "0S", "M--", "getm memory cold c=2 d=1"},
    {"", "---", "0R", "M--", "getm memory cold c=2 d=1"},
    {"0L 0X", "---", "0L", "E--", "gets llc capacity c=2 d=1"},
    {"0S 0X", "---", "0L", "E--", "gets llc capacity c=2 d=1"},
    {"0S 0X", "---", "0R", "M--", "getm llc capacity c=2 d=1"},
    {"0S 0X", "---", "1S", "-M-", "getm llc cold c=2 d=1"},
    // One owner, clean.
    {"0L", "E--", "0L", "E--", "hit"},
    {"0L", "E--", "0S", "M--", "hit"},
    {"0L", "E--", "0R", "M--", "hit"},
    {"0L", "E--", "0X", "---", "evict c=2"},
    {"0L", "E--", "1L", "SS-", "gets forward core cold c=3 d=1"},
    {"0L", "E--", "1S", "-M-", "getm forward core inv cold c=3 d=1"},
    {"0L", "E--", "1R", "-M-", "getm forward core inv cold c=3 d=1"},
    // One owner, dirty.
    {"0S", "M--", "0L", "M--", "hit"},
    {"0S", "M--", "0S", "M--", "hit"},
    {"0S", "M--", "0R", "M--", "hit"},
    {"0S", "M--", "0X", "---", "evict wb-evict c=1 d=1"},
    {"0S", "M--", "1S", "-M-", "getm forward core inv cold c=3 d=1"},
    {"0S", "M--", "1R", "-M-", "getm forward core inv cold c=3 d=1"},
    {"0S 1S", "-M-", "0S", "M--", "getm forward core inv true c=3 d=1"},
    // Shared, clean.
    {"0L 1L", "SS-", "0L", "SS-", "hit"},
    {"0L 1L", "SS-", "0S", "M--", "upgrade inv c=5"},
    {"0L 1L", "SS-", "0R", "M--", "upgrade inv c=5"},
    {"0L 1L", "SS-", "0X", "-S-", "evict c=1"},
    {"0L 1L", "SS-", "2L", "SSS", "gets llc cold c=1 d=1"},
    {"0L 1L", "SS-", "2S", "--M", "getm llc inv=2 cold c=6 d=1"},
    {"0L 1L", "SS-", "2R", "--M", "getm llc inv=2 cold c=6 d=1"},
    {"0L 1L 2L", "SSS", "1S", "-M-", "upgrade inv=2 c=7"},
    {"0L 1L 0X", "-S-", "1S", "-M-", "upgrade c=3"},
    {"0L 1L 0X", "-S-", "0S", "M--", "getm llc inv capacity c=4 d=1"},
    {"0L 1L 0X 1X", "---", "2L", "--E", "gets llc cold c=2 d=1"},
    // A miss after a loss says why.
    {"0L 1L 2L 1S", "-M-", "0S", "M--", "getm forward core inv true c=3 d=1"},
};
const row mesi_only[] = {
    {"0S", "M--", "1L", "SS-", "gets forward core wb-forward cold c=3 d=2"},
    {"0S 1L", "SS-", "2L", "SSS", "gets llc cold c=1 d=1"},
    {"0S 1L", "SS-", "0S", "M--", "upgrade inv c=5"},
    {"0S 1L", "SS-", "0X", "-S-", "evict c=1"},
};
const row moesi_only[] = {
    {"0S", "M--", "1L", "OS-", "gets forward core cold c=3 d=1"},
    {"0S 1L", "OS-", "0L", "OS-", "hit"},
    {"0S 1L", "OS-", "0S", "M--", "upgrade inv c=5"},
    {"0S 1L", "OS-", "0R", "M--", "upgrade inv c=5"},
    {"0S 1L", "OS-", "1S", "-M-", "upgrade inv c=5"},
    {"0S 1L", "OS-", "1R", "-M-", "upgrade inv c=5"},
    {"0S 1L", "OS-", "1L", "OS-", "hit"},
    {"0S 1L", "OS-", "2L", "OSS", "gets forward core cold c=3 d=1"},
    {"0S 1L", "OS-", "2S", "--M", "getm forward core inv=2 cold c=5 d=1"},
    {"0S 1L", "OS-", "2R", "--M", "getm forward core inv=2 cold c=5 d=1"},
    {"0S 1L 2L", "OSS", "2S", "--M", "upgrade inv=2 c=7"},
    {"0S 1L", "OS-", "0X", "-S-", "evict wb-evict c=1 d=1"},
    {"0S 1L", "OS-", "1X", "O--", "evict c=1"},
    {"0S 1L 0X", "-S-", "2L", "-SS", "gets llc cold c=1 d=1"},
    {"0S 1L 1X", "O--", "0S", "M--", "upgrade c=3"},
    {"0S 1L 1X", "O--", "2L", "O-S", "gets forward core cold c=3 d=1"},
};

struct seen {
  std::set<std::string> cache;      // "E other-GetS"
  std::set<std::string> directory;  // "shared GetM"
};

class table {
 public:
  explicit table(protocol p) : protocol_(p) {}

  void run(const row& r) {
    SCOPED_TRACE(std::string(r.before) + " | " + r.event);
    memory_system memory(testing::flat_machine(), cores, {protocol_, false, 4});
    std::istringstream steps(r.before);
    for (std::string step; steps >> step;) go(memory, step);
    const std::string before = states(memory);
    EXPECT_EQ(before, r.states);
    const traffic old = memory.by_field(watched);
    go(memory, r.event);
    EXPECT_EQ(states(memory), r.after);
    EXPECT_EQ(difference(old, memory.by_field(watched)), wanted(r.says));
    note(before, r.event);
  }

  seen covered;

 private:
  static void go(memory_system& memory, const std::string& step) {
    const auto core = static_cast<unsigned>(step[0] - '0');
    const auto access = [&](line_id n, field_id f, access_kind k) { memory.perform(core, 0, {n, f, 0, 8, k}); };
    if (step[1] == 'X') {
      // The set's ways are filled with lines of this core's own.
      const machine m = testing::flat_machine();
      for (unsigned i = 1; i <= m.l2.ways; ++i) access(m.l2.sets() * (i + core * 8), 0, access_kind::load);
    } else {
      access(0, watched, step[1] == 'L' ? access_kind::load : step[1] == 'S' ? access_kind::store : access_kind::rmw);
    }
  }
  static char letter(line_state s) { return "SEOM-"[static_cast<unsigned>(s)]; }
  static std::string states(const memory_system& memory) {
    std::string all;
    for (unsigned c = 0; c < cores; ++c) all += letter(memory.line(0).in(c));
    return all;
  }

  static std::map<std::string, std::uint64_t> values(const traffic& t) {
    const auto hits = t.hits(access_kind::load) + t.hits(access_kind::store) + t.hits(access_kind::rmw);
    return {{"hit", hits},
            {"gets", t.gets},
            {"getm", t.getm},
            {"upgrade", t.upgrades},
            {"forward", t.forwards_gets + t.forwards_getm},
            {"inv", t.invalidations},
            {"llc", t.from(origin::llc)},
            {"core", t.from(origin::core_same_llc)},
            {"memory", t.from(origin::memory)},
            {"elsewhere", t.from(origin::llc_same_socket) + t.from(origin::llc_other_socket) + t.from(origin::core_same_socket) +
                              t.from(origin::core_other_socket)},
            {"wb-forward", t.writebacks_forward},
            {"wb-evict", t.writebacks_eviction},
            {"wb-llc", t.writebacks_llc},
            {"update", t.llc_updates},
            {"evict", t.evictions},
            {"cold", t.cold},
            {"capacity", t.capacity},
            {"true", t.true_sharing},
            {"false", t.false_sharing},
            {"c", t.control_messages},
            {"d", t.data_messages}};
  }
  static std::map<std::string, std::uint64_t> difference(const traffic& a, const traffic& b) {
    auto all = values(b);
    for (const auto& [name, v] : values(a)) all[name] -= v;
    std::erase_if(all, [](const auto& one) { return one.second == 0; });
    return all;
  }
  static std::map<std::string, std::uint64_t> wanted(const std::string& says) {
    std::map<std::string, std::uint64_t> all;
    std::istringstream words(says);
    for (std::string word; words >> word;) {
      const auto equals = word.find('=');
      all[word.substr(0, equals)] = equals == std::string::npos ? 1 : std::stoul(word.substr(equals + 1));
    }
    return all;
  }

  // What each private cache, and the directory, saw of the event.
  void note(const std::string& before, const std::string& event) {
    const auto core = static_cast<unsigned>(event[0] - '0');
    const char mine = before[core];
    covered.cache.insert(std::string(1, mine) + " own-" + event[1]);
    const bool writes = event[1] == 'S' || event[1] == 'R';
    const std::string request = event[1] == 'L' && mine == '-'           ? "GetS"
                                : writes && mine == '-'                  ? "GetM"
                                : writes && (mine == 'S' || mine == 'O') ? "Upgrade"
                                                                         : "";
    if (request.empty()) return;
    for (unsigned c = 0; c < cores; ++c) {
      if (c != core) covered.cache.insert(std::string(1, before[c]) + " other-" + request);
    }
    const bool owner = before.find_first_of("EM") != std::string::npos;
    const bool owned = before.find('O') != std::string::npos;
    const bool shared = before.find('S') != std::string::npos;
    covered.directory.insert((owner ? "owner " : owned ? "owned " : shared ? "shared " : "nobody ") + request);
  }

  protocol protocol_;
};

// All pairs that there are: E and M are alone, so that nobody can upgrade beside them, and S, E, O, M are never sent what
// only a cache without the line asks for itself.
void expect_all(const seen& covered, const std::string& states) {
  std::set<std::string> cache;
  for (const char s : states) {
    for (const char* own : {"own-L", "own-S", "own-R"}) cache.insert(std::string(1, s) + " " + own);
    if (s != '-') cache.insert(std::string(1, s) + " own-X");
    for (const char* other : {"other-GetS", "other-GetM", "other-Upgrade"}) {
      if ((s == 'E' || s == 'M') && std::string(other) == "other-Upgrade") continue;
      cache.insert(std::string(1, s) + " " + other);
    }
  }
  EXPECT_EQ(covered.cache, cache);
  std::set<std::string> directory{"nobody GetS", "nobody GetM", "owner GetS",    "owner GetM",
                                  "shared GetS", "shared GetM", "shared Upgrade"};
  if (states.find('O') != std::string::npos) directory.insert({"owned GetS", "owned GetM", "owned Upgrade"});
  EXPECT_EQ(covered.directory, directory);
}

TEST(ProtocolTable, MesiDoesWhatEveryRowSaysAndTheRowsAreAll) {
  table t(protocol::mesi);
  for (const row& r : both) t.run(r);
  for (const row& r : mesi_only) t.run(r);
  expect_all(t.covered, "-SEM");
}

TEST(ProtocolTable, MoesiDoesWhatEveryRowSaysAndTheRowsAreAll) {
  table t(protocol::moesi);
  for (const row& r : both) t.run(r);
  for (const row& r : moesi_only) t.run(r);
  expect_all(t.covered, "-SEOM");
}

// Sharing is told by bytes, and by what was written since the core lost the line.
TEST(Sharing, IsTrueOnlyIfATouchedByteWasWrittenSinceTheLoss) {
  memory_system memory(testing::flat_machine(), 3);
  const auto go = [&](unsigned core, unsigned offset, unsigned size, access_kind k) {
    const traffic old = memory.total();
    memory.perform(core, 0, {3, 0, static_cast<std::uint8_t>(offset), static_cast<std::uint8_t>(size), k});
    const traffic now = memory.total();
    if (now.true_sharing > old.true_sharing) return 't';
    if (now.false_sharing > old.false_sharing) return 'f';
    return now.cold > old.cold ? 'c' : '-';
  };
  EXPECT_EQ(go(0, 0, 8, access_kind::store), 'c');
  EXPECT_EQ(go(1, 8, 8, access_kind::store), 'c');   // never had it: cold, whatever it touches
  EXPECT_EQ(go(0, 0, 8, access_kind::load), 'f');    // 0 to 7 were written before it lost the line
  EXPECT_EQ(go(1, 15, 1, access_kind::store), '-');  // an upgrade needs no data
  EXPECT_EQ(go(0, 12, 4, access_kind::load), 't');   // one byte is enough
  EXPECT_EQ(go(1, 8, 4, access_kind::store), '-');
  EXPECT_EQ(go(2, 0, 1, access_kind::store), 'c');
  EXPECT_EQ(go(0, 4, 4, access_kind::load), 'f');  // two writers since, neither wrote these
  EXPECT_EQ(go(2, 63, 1, access_kind::store), '-');
  EXPECT_EQ(go(1, 0, 1, access_kind::load), 't');  // written by 2 before 0 read the line, but after 1 lost it
  EXPECT_EQ(go(0, 56, 8, access_kind::rmw), 't');
}

}  // namespace
}  // namespace tally::sim::sim_protocol
