// Runs a strategy's model programs and its mutants as tests, and prints what was searched and how.
//
//   TALLY_MODEL_SCALE   times the usual number of schedules: 1 by default, 100 in the nightly preset, 0.01 for a quick look
//   TALLY_MODEL_REPORT  a file to append the table of mutants to, for scripts/verification
#include "tests/model/suite.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <set>

namespace tally::model {
namespace {

double scale() {
  const char* text = std::getenv("TALLY_MODEL_SCALE");
  return text == nullptr ? 1 : std::atof(text);
}
std::uint64_t scaled(double n) { return std::max<std::uint64_t>(100, static_cast<std::uint64_t>(n * scale())); }

constexpr double random_schedules = 1.05e6;  // of a variant, over its programs that no full search exhausts
constexpr double full_schedules = 12000;     // at which a search that should be complete gives up, with two threads
constexpr double bounded_schedules = 12000;
constexpr double first_tries = 40, tries = 60000;  // random schedules a mutant must survive: of each program, and of all together

struct tally_of_variant {
  int programs = 0, full = 0, bounded = 0;
  std::uint64_t full_schedules = 0, bounded_schedules = 0, random_schedules = 0;
  double seconds = 0;
};

std::map<std::string, tally_of_variant>& results() {
  static std::map<std::string, tally_of_variant> all;
  return all;
}

// The share of a variant's random schedules that one program gets is known when it is known how many are complete without; so the
// tree searches of a variant come first, and remember.
struct searched {
  bool complete = false;
};
std::map<const subject*, searched>& searches() {
  static std::map<const subject*, searched> all;
  return all;
}

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

void expect_no_failure(const subject& of, const plan& p, const outcome& o) {
  static constexpr const char* kinds[] = {"random", "bounded", "full"};
  EXPECT_EQ(o.failure, "") << of.variant << " " << of.name << ", " << of.threads << " threads, "
                           << kinds[static_cast<int>(p.kind)] << " search, schedule " << o.schedules << "\n"
                           << o.history;
}

class tree_test : public ::testing::Test {
 public:
  explicit tree_test(const subject& of) : of_(of) {}
  void TestBody() override {
    tally_of_variant& sum = results()[of_.variant];
    const double start = now();
    ++sum.programs;
    // Every schedule of at most three switches comes first: where these are too many, so are all. Where they are not, the search
    // of all of them, if it ends.
    const plan bounded{search::bounded, of_.threads, scaled(of_.threads == 2 ? bounded_schedules : bounded_schedules / 4), 3, 1};
    outcome o = check(bounded, of_.make);
    expect_no_failure(of_, bounded, o);
    sum.bounded_schedules += o.schedules;
    if (o.complete && o.failure.empty()) {
      const plan full{search::full, of_.threads, scaled(of_.threads == 2 ? full_schedules : full_schedules / 6), 0, 1};
      o = check(full, of_.make);
      expect_no_failure(of_, full, o);
      sum.full_schedules += o.schedules;
      searches()[&of_].complete = o.complete;
      (o.complete ? sum.full : sum.bounded) += 1;
    }
    sum.seconds += now() - start;
  }

 private:
  const subject& of_;
};

class random_test : public ::testing::Test {
 public:
  random_test(const std::vector<subject>& all, const subject& of) : all_(all), of_(of) {}
  void TestBody() override {
    const auto is_open = [](const subject& o) { return !searches()[&o].complete; };
    if (!is_open(of_)) return;  // every schedule has been seen
    const auto open =
        std::count_if(all_.begin(), all_.end(), [&](const subject& o) { return o.variant == of_.variant && is_open(o); });
    tally_of_variant& sum = results()[of_.variant];
    const double start = now();
    const plan p{search::random, of_.threads, scaled(random_schedules / static_cast<double>(open)), 0, 1};
    const outcome o = check(p, of_.make);
    expect_no_failure(of_, p, o);
    sum.random_schedules += o.schedules;
    sum.seconds += now() - start;
  }

 private:
  const std::vector<subject>& all_;
  const subject& of_;
};

// --- mutants ---

// A mutant of a shared header is one strategy's to kill: the first of these that is built on it.
bool is_ours(std::string_view strategy, const mutation& m) {
  if (m.what == change::step) return true;
  if (m.where.field == "collections" || m.where.field == "reconciles") return false;  // statistics: the unit tests' business
  const std::string_view file = m.where.at.file_name();
  static const std::vector<std::pair<std::string_view, std::string_view>> homes{
      {"harness/counting/counting.hpp", "atomic"},     {"harness/counting/counted_slots.hpp", "atomic"},
      {"harness/counting/epoch.hpp", "atomic"},        {"harness/counting/owner_registry.hpp", "biased"},
      {"harness/heap/tracing.hpp", "mark_sweep"},      {"harness/heap/world.hpp", "mark_sweep"},
      {"harness/heap/parcel_cells.hpp", "mark_sweep"}, {"harness/heap/weak_cells.hpp", "deferred"}};
  for (const auto& [header, home] : homes) {
    if (file.ends_with(header)) return home == strategy;
  }
  const auto slash = file.find_last_of('/');
  return file.find("/harness/") == file.npos && file.find("/tests/model/") == file.npos && !file.starts_with("tests/model/") &&
         !file.starts_with("harness/") && file.substr(slash + 1).starts_with(strategy);
}

struct mutant_entry {
  mutation what;
  std::vector<const subject*> reached_by;
};

std::vector<mutant_entry> mutants_of(std::string_view strategy, const std::vector<subject>& subjects) {
  std::vector<mutation> all;
  std::vector<std::vector<mutation>> by_subject;
  for (const subject& of : subjects) {
    by_subject.push_back(mutations_of({search::random, of.threads, 300}, of.make));
    for (const mutation& m : by_subject.back()) {
      const auto same = [&m](const mutation& o) { return o.same_as(m); };
      if (is_ours(strategy, m) && std::none_of(all.begin(), all.end(), same)) all.push_back(m);
    }
  }
  name_all(all);
  std::vector<mutant_entry> entries;
  for (const mutation& m : all) {
    entries.push_back({m, {}});
    for (std::size_t i = 0; i < subjects.size(); ++i) {
      const auto same = [&m](const mutation& o) { return o.same_as(m); };
      if (std::any_of(by_subject[i].begin(), by_subject[i].end(), same)) entries.back().reached_by.push_back(&subjects[i]);
    }
  }
  return entries;
}

// tests/model/equivalent.txt, and equivalent.txt in a folder of strategies outside of the tree: "strategy | mutant | why it
// changes nothing that can be observed", one a line.
std::map<std::string, std::string> equivalents_of(std::string_view strategy) {
  std::map<std::string, std::string> all;
  for (const char* folder : {TALLY_SOURCE_DIR "/tests/model", TALLY_EXTRA_DIR}) {
    if (*folder == '\0') continue;  // no such folder was given
    std::ifstream file(folder + std::string("/equivalent.txt"));
    for (std::string line; std::getline(file, line);) {
      const auto one = line.find(" | "), two = line.find(" | ", one + 3);
      if (line.starts_with('#') || two == line.npos) continue;
      if (line.substr(0, one) == strategy) all[line.substr(one + 3, two - one - 3)] = line.substr(two + 3);
    }
  }
  return all;
}

class mutants_test : public ::testing::Test {
 public:
  mutants_test(std::string_view strategy, const std::vector<subject>& all) : strategy_(strategy), all_(all) {}
  void TestBody() override {
    const auto entries = mutants_of(strategy_, all_);
    const auto equivalent = equivalents_of(strategy_);
    std::set<std::string> known;
    int killed = 0, same = 0;
    std::ofstream report;
    if (const char* path = std::getenv("TALLY_MODEL_REPORT")) report.open(path, std::ios::app);
    for (const mutant_entry& m : entries) {
      known.insert(m.what.name);
      const bool listed = equivalent.contains(m.what.name);
      const subject* killer = nullptr;
      outcome last;
      std::uint64_t spent = 0;
      mutate(&m.what);
      // A short look at every program first: most mutants die soon.
      for (const bool first : {true, false}) {
        const double each =
            first ? first_tries : std::max(first_tries, scale() * tries / static_cast<double>(m.reached_by.size()));
        for (const subject* of : m.reached_by) {
          last = check({search::random, of->threads, static_cast<std::uint64_t>(each), 0, first ? 1U : 2U}, of->make, false);
          spent += last.schedules;
          if (!last.failure.empty()) {
            killer = of;
            break;
          }
        }
        if (killer != nullptr) break;
      }
      mutate(nullptr);
      const std::string how = killer == nullptr
                                  ? fmt::format("survives {} schedules", spent)
                                  : fmt::format("killed by {} ({}, {} threads) after {} schedules: {}", killer->name,
                                                killer->variant, killer->threads, spent, last.failure);
      fmt::print("{}: {}\n", m.what.name, how);
      std::fflush(stdout);
      if (report.is_open()) {
        report << strategy_ << '\t' << m.what.name << '\t' << (killer != nullptr ? killer->name : "equivalent") << '\t'
               << (killer != nullptr                  ? killer->variant
                   : equivalent.contains(m.what.name) ? equivalent.at(m.what.name)
                                                      : "?")
               << '\t' << (killer != nullptr ? killer->threads : 0) << '\t' << spent << '\t' << last.failure << '\n';
      }
      if (killer != nullptr) {
        ++killed;
        EXPECT_FALSE(listed) << m.what.name << " is listed as equivalent, but dies";
      } else {
        ++same;
        EXPECT_TRUE(listed) << m.what.name << " survives, and is not listed as equivalent";
      }
    }
    for (const auto& [name, why] : equivalent)
      EXPECT_TRUE(known.contains(name)) << "listed as equivalent, but no such mutant: " << name;
    fmt::print("{}: {} mutants, {} killed, {} equivalent\n", strategy_, entries.size(), killed, same);
  }

 private:
  std::string strategy_;
  const std::vector<subject>& all_;
};

class summary : public ::testing::Environment {
 public:
  explicit summary(std::string_view strategy) : strategy_(strategy) {}
  void TearDown() override {
    for (const auto& [variant, r] : results()) {
      fmt::print(
          "{} {}: {} programs; full search complete for {} ({} schedules), of three switches for {} more ({}), random: {}; "
          "{:.1f} s\n",
          strategy_, variant, r.programs, r.full, r.full_schedules, r.bounded, r.bounded_schedules, r.random_schedules,
          r.seconds);
    }
  }

 private:
  std::string strategy_;
};

}  // namespace

int run(int argc, char** argv, std::string_view strategy, std::vector<subject> subjects, std::string_view why_not) {
  ::testing::InitGoogleTest(&argc, argv);
  if (subjects.empty()) {
    fmt::print("{} is not model-checked: {}\n", strategy, why_not);
    return 0;
  }
  static std::vector<subject> all;
  all = std::move(subjects);
  const auto label = [](std::string s) {
    std::replace_if(s.begin(), s.end(), [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; }, '_');
    return s;
  };
  for (const subject& of : all) {
    const std::string name = fmt::format("{}_{}_{}_threads", of.name, label(of.variant), of.threads);
    ::testing::RegisterTest("EverySchedule", name.c_str(), nullptr, nullptr, __FILE__, __LINE__,
                            [&of]() -> ::testing::Test* { return new tree_test(of); });
  }
  for (const subject& of : all) {
    const std::string name = fmt::format("{}_{}_{}_threads", of.name, label(of.variant), of.threads);
    ::testing::RegisterTest("RandomSchedules", name.c_str(), nullptr, nullptr, __FILE__, __LINE__,
                            [&of]() -> ::testing::Test* { return new random_test(all, of); });
  }
  ::testing::RegisterTest("Mutants", "are_all_killed_or_equivalent", nullptr, nullptr, __FILE__, __LINE__,
                          [strategy]() -> ::testing::Test* { return new mutants_test(strategy, all); });
  ::testing::AddGlobalTestEnvironment(new summary(strategy));
  return RUN_ALL_TESTS();
}

}  // namespace tally::model
