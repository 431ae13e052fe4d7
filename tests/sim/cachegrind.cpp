// One core against cachegrind: Valgrind's Lackey traces a program, its cachegrind counts the misses of the same program, and
// the memory system fed with the trace must count the same: I1, D1 and LL misses, of reads and writes, exactly, for several
// geometries. cachegrind's caches are two levels, LRU, and its LL is shared by code and data and includes nothing. So here
// the instruction stream is a second core, whose L1 is the I1; there is no L2, and the LLC is noninclusive.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/sim_machine.hpp"

namespace tally::sim::sim_cachegrind {
namespace {

struct geometry {
  cache_geometry i1, d1, ll;
};

struct traced {
  char kind;  // I, L, S, M
  std::uint64_t address;
  unsigned size;
};

class folder {
 public:
  folder() {
    std::string form = (std::filesystem::temp_directory_path() / "tally_cachegrind_XXXXXX").string();
    if (mkdtemp(form.data()) != nullptr) path = form;
  }
  ~folder() { std::filesystem::remove_all(path); }
  std::filesystem::path path;
};

bool run(const std::vector<std::string>& command) {
  const pid_t child = fork();
  if (child == 0) {
    std::vector<char*> words;
    for (const std::string& w : command) words.push_back(const_cast<char*>(w.c_str()));
    words.push_back(nullptr);
    clearenv();  // the same stack, whatever the caller's environment
    setenv("PATH", "/usr/local/bin:/usr/bin:/bin", 1);
    execvp(words[0], words.data());
    _exit(127);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

std::vector<traced> trace_of(const std::string& program, const std::filesystem::path& in) {
  std::vector<traced> all;
  if (!run({"valgrind", "--tool=lackey", "--trace-mem=yes", "--log-file=" + (in / "trace").string(), program})) return all;
  std::ifstream lines(in / "trace");
  for (std::string line; std::getline(lines, line);) {
    // "I  00401000,4", " L 1ffefffe50,8", " S ...", " M ..."; what Valgrind says of itself begins with ==.
    if (line.size() < 6 || line[0] == '=') continue;
    const char kind = line[0] == 'I' ? 'I' : line[1];
    if (std::string("ILSM").find(kind) == std::string::npos) continue;
    traced t{kind, 0, 0};
    if (std::sscanf(line.c_str() + 3, "%lx,%u", &t.address, &t.size) == 2) all.push_back(t);
  }
  return all;
}

// The events that cachegrind names, summed over the program.
std::map<std::string, std::uint64_t> cachegrind(const std::string& program, const geometry& g, const std::filesystem::path& in) {
  const auto form = [](const cache_geometry& c) { return std::to_string(c.bytes) + "," + std::to_string(c.ways) + ",64"; };
  std::map<std::string, std::uint64_t> all;
  if (!run({"valgrind", "-q", "--tool=cachegrind", "--cache-sim=yes", "--I1=" + form(g.i1), "--D1=" + form(g.d1),
            "--LL=" + form(g.ll), "--log-file=" + (in / "log").string(), "--cachegrind-out-file=" + (in / "out").string(),
            program})) {
    return all;
  }
  std::ifstream lines(in / "out");
  std::vector<std::string> events;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string head;
    words >> head;
    if (head == "events:") {
      for (std::string e; words >> e;) events.push_back(e);
    } else if (head == "summary:") {
      for (const std::string& e : events) words >> all[e];
    }
  }
  return all;
}

std::map<std::string, std::uint64_t> ours(const std::vector<traced>& trace, const geometry& g) {
  machine m = testing::flat_machine();
  m.l1 = g.d1;  // the same for both streams
  m.l2 = {};
  m.llc = g.ll;
  m.policy = llc_policy::noninclusive;
  // Fields: instructions, reads, writes.
  memory_system memory(m, 2, {.infinite = false, .fields = 3});
  // Far apart regions get numbers of their own; the set index is in the low bits.
  std::map<std::uint64_t, line_id> regions;
  constexpr unsigned region_bits = 20;
  std::map<std::string, std::uint64_t> all;
  for (const traced& t : trace) {
    const unsigned core = t.kind == 'I' ? 1 : 0;
    const field_id field = t.kind == 'I' ? 0 : t.kind == 'S' ? 2 : 1;  // cachegrind calls a modification a read
    const auto kind = t.kind == 'S' ? access_kind::store : t.kind == 'M' ? access_kind::rmw : access_kind::load;
    ++all[t.kind == 'I' ? "Ir" : t.kind == 'S' ? "Dw" : "Dr"];
    bool missed = false;
    bool missed_ll = false;
    for (std::uint64_t at = t.address / line_bytes; at <= (t.address + t.size - 1) / line_bytes; ++at) {
      const auto region = regions.emplace(at >> (region_bits - 6), regions.size()).first->second;
      const line_id line = (region << (region_bits - 6)) | static_cast<line_id>(at & ((1u << (region_bits - 6)) - 1));
      const traffic old = memory.counts(core, field);
      memory.perform(core, 0, {line, field, 0, 1, kind});
      const traffic& now = memory.counts(core, field);
      missed |= now.gets + now.getm > old.gets + old.getm;
      missed_ll |= now.from(origin::memory) > old.from(origin::memory);
      if (t.kind != 'I' && at != t.address / line_bytes) ADD_FAILURE() << "an access of the program crosses a line";
    }
    all[t.kind == 'I' ? "I1mr" : t.kind == 'S' ? "D1mw" : "D1mr"] += missed;
    all[t.kind == 'I' ? "ILmr" : t.kind == 'S' ? "DLmw" : "DLmr"] += missed_ll;
  }
  return all;
}

TEST(Cachegrind, CountsTheSameMissesForTheSameAddresses) {
  if (!run({"valgrind", "-q", "--version"})) {
    GTEST_SKIP() << "valgrind was not found: one core was not held against cachegrind";
  }
  const folder in;
  ASSERT_FALSE(in.path.empty());
  const std::vector<traced> trace = trace_of(TALLY_TRACED_PROGRAM, in.path);
  ASSERT_GT(trace.size(), 100000u);
  const geometry geometries[] = {
      {{4096, 2}, {4096, 2}, {65536, 8}},
      {{1024, 1}, {1024, 1}, {32768, 4}},      // direct-mapped
      {{32768, 8}, {32768, 8}, {262144, 16}},  // the data fits into LL
      {{2048, 4}, {2048, 4}, {49152, 12}},
  };
  for (const geometry& g : geometries) {
    const auto theirs = cachegrind(TALLY_TRACED_PROGRAM, g, in.path);
    ASSERT_EQ(theirs.size(), 9u);
    auto mine = ours(trace, g);
    EXPECT_EQ(mine, theirs) << g.d1.bytes << " bytes, " << g.d1.ways << " ways";
    std::printf("D1 %lu bytes %u ways: %lu read and %lu write misses, LL %lu and %lu; %zu accesses\n", g.d1.bytes, g.d1.ways,
                mine["D1mr"], mine["D1mw"], mine["DLmr"], mine["DLmw"], trace.size());
  }
}

}  // namespace
}  // namespace tally::sim::sim_cachegrind
