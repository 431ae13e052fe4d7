// The text files of hardware counters: their formulas, their strict reader, and the codes of the groups that come with Tally.
#include "harness/counters/perf_group.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/perf_event.h>

#include "harness/base/files.hpp"
#include "harness/contract/workload.hpp"
#include "harness/counters/perf.hpp"

namespace tally::unit_perf_group {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

const cpu_identity zen4{"AuthenticAMD", 25, 17}, icelake{"GenuineIntel", 6, 106}, skylake{"GenuineIntel", 6, 85},
    sapphire{"GenuineIntel", 6, 143}, arm{"unknown", 0, 0};

std::string refused(const std::string& text) {
  try {
    (void)parse_counter_group("groups/mine.group", text);
  } catch (const usage_error& e) {
    return e.what();
  }
  return "accepted";
}

// ---- formulas

measured_value value_of(const std::string& text) {
  const std::vector<std::string> known{"a", "b", "zero", "gone"};
  return formula(text, known).evaluate([](const std::string& name) -> measured_value {
    if (name == "gone") return {0, "EACCES: not allowed"};
    return {name == "a" ? 12.0 : name == "b" ? 4.0 : 0.0, ""};
  });
}

TEST(formula, follows_the_rules_of_arithmetic) {
  EXPECT_EQ(value_of("a + b * 2").value, 20);
  EXPECT_EQ(value_of("(a + b) * 2").value, 32);
  EXPECT_EQ(value_of("a - b - 2").value, 6) << "from left to right";
  EXPECT_EQ(value_of("a / b / 2").value, 1.5);
  EXPECT_EQ(value_of("-a + 2 * -b").value, -20);
  EXPECT_EQ(value_of("1e9 * a").value, 12e9);
  EXPECT_EQ(value_of(" ( ( a ) ) ").value, 12);
}

TEST(formula, what_can_not_be_computed_has_a_reason_and_no_value) {
  EXPECT_THAT(value_of("a / zero").absent, HasSubstr("divides by zero"));
  EXPECT_EQ(value_of("a + gone / b").absent, "EACCES: not allowed");
  EXPECT_THAT(value_of("1e308 * 1e308").absent, HasSubstr("not finite"));
  EXPECT_EQ(value_of("zero / a").absent, "");
}

TEST(formula, bad_text_is_refused_with_its_place) {
  const auto place = [](const std::string& text) -> std::string {
    try {
      (void)value_of(text);
    } catch (const formula_error& e) {
      return std::to_string(e.at) + " " + e.what();
    }
    return "accepted";
  };
  EXPECT_THAT(place("a + c"), StartsWith("4 c: no such event"));
  EXPECT_EQ(place("a + "), "4 ends too early");
  EXPECT_EQ(place("2 * (a + b"), "4 this ( is not closed");
  EXPECT_EQ(place("a b"), "2 'b' is not expected here");
  EXPECT_EQ(place("a + ) b"), "4 ')' is not expected here");
  EXPECT_EQ(place("3a"), "0 this is no number");
  EXPECT_EQ(place(""), "0 ends too early");
  EXPECT_EQ(place("a ^ b"), "2 '^' is not expected here");
  EXPECT_THAT(place(std::string(10000, '(')), HasSubstr("too deep"));
}

// ---- text files

const std::string head = "summary s\non any\n";

TEST(counter_group, every_error_names_file_and_line) {
  EXPECT_EQ(refused(head + "event a = generic:cycles ; src\nmetric m 1/op = a / ops ; per op"), "accepted");
  EXPECT_EQ(refused(""), "mine.group:1: a group needs a summary");
  EXPECT_EQ(refused("summary s\n"), "mine.group:2: a group needs a section: on any, or on VENDOR FAMILY/MODEL");
  EXPECT_EQ(refused("summary s\nevent a = generic:cycles ; x"), "mine.group:2: event: must stand below an `on`");
  EXPECT_EQ(refused(head), "mine.group:3: the section above has no event");
  EXPECT_EQ(refused(head + "event a = generic:cycles ; x\n"), "mine.group:4: the section above has no metric");
  EXPECT_EQ(refused(head + "evnt a = generic:cycles ; x"), "mine.group:3: evnt: no such statement; did you mean event?");
  EXPECT_EQ(refused(head + "event a = generic:cycels ; x"),
            "mine.group:3: event a: generic: cycels: no such event; did you mean cycles?");
  EXPECT_EQ(refused(head + "event a = generic:cycles"), "mine.group:3: event: NAME ... = ... ; its source");
  EXPECT_EQ(refused(head + "event a = generic:cycles ;"), "mine.group:3: event: a part is empty");
  EXPECT_EQ(refused(head + "event 2a = generic:cycles ; x"),
            "mine.group:3: '2a' is no name: letters, digits and _, not a digit first");
  EXPECT_EQ(refused(head + "event ops = generic:cycles ; x"), "mine.group:3: ops is the harness's own");
  EXPECT_EQ(refused(head + "event a = generic:cycles ; x\nevent a = generic:cycles ; x"), "mine.group:4: a is there already");
  EXPECT_EQ(refused(head + "event a user = generic:cycles ; x"), "mine.group:3: event a: user is not expected before =");
  EXPECT_EQ(refused(head + "event a = raw:umask=0x04 ; x"), "mine.group:3: event a: raw:umask=0x04: needs event=N");
  EXPECT_EQ(refused(head + "event a = raw:event=0xd2,umask=0x104 ; x"),
            "mine.group:3: event a: raw:event=0xd2,umask=0x104: umask is at most 0xff");
  EXPECT_EQ(refused(head + "event a = raw:event=0xzz ; x"), "mine.group:3: event a: raw:event=0xzz: event=0xzz is no number");
  EXPECT_EQ(refused(head + "event a = cache:l1d.read ; x"),
            "mine.group:3: event a: cache: : no such event; there is access, miss");
  EXPECT_EQ(refused(head + "event a = generic:cycles ; x\nmetric m 1/op = a / b ; y"),
            "mine.group:4: metric m: column 5 of the formula: b: no such event here; there is ops, seconds, lanes, a");
  EXPECT_EQ(refused(head + "event a = generic:cycles ; x\nmetric m = a ; y"), "mine.group:4: metric m: needs a unit");
  EXPECT_EQ(refused("summary s\nmultiplex scale 1.5\n"),
            "mine.group:2: multiplex: refuse, or scale and a share above 0, at most 1");
  EXPECT_EQ(refused("summary s\non GenuineIntel 6-85\n"),
            "mine.group:2: on GenuineIntel: 6-85 is not FAMILY/MODEL or FAMILY/FIRST-LAST");
  EXPECT_EQ(refused(head + "event a = generic:cycles ; x\nmetric m 1/op = a ; y\non GenuineIntel\n"),
            "mine.group:5: no section can follow `on any`: it would never be used");
  EXPECT_EQ(refused("summary s\nsummary t\n"), "mine.group:2: a second summary");
  EXPECT_EQ(refused("summary\n"), "mine.group:1: summary: nothing follows");
}

TEST(counter_group, the_first_section_that_fits_the_processor_is_used) {
  const auto g = parse_counter_group("g.group",
                                     "summary s # a comment\n"
                                     "on GenuineIntel 6/85 6/100-110\nevent i = generic:cycles ; x\nmetric m 1/op = i ; y\n"
                                     "on AuthenticAMD\nevent a = generic:cycles ; x\nmetric m 1/op = a ; y\n");
  EXPECT_EQ(g.name, "g");
  EXPECT_EQ(g.section_for(skylake)->events.front().name, "i");
  EXPECT_EQ(g.section_for(icelake)->events.front().name, "i");
  EXPECT_EQ(g.section_for(sapphire), nullptr);
  EXPECT_EQ(g.section_for(zen4)->events.front().name, "a");
  const resolved_group r = resolve(g, sapphire);
  EXPECT_THAT(r.absent, HasSubstr("no events are known for this processor (GenuineIntel 6/143)"));
  EXPECT_EQ(r.metrics.size(), 1U) << "a row says which figures are missing";
}

TEST(counter_group, the_processor_is_read_from_the_first_block_of_cpuinfo) {
  const auto id = read_cpuinfo(
      "processor\t: 0\nvendor_id\t: AuthenticAMD\ncpu family\t: 25\nmodel\t\t: 17\n"
      "model name\t: AMD EPYC\n\nprocessor\t: 1\nmodel\t\t: 99\n");
  EXPECT_EQ(id.text(), "AuthenticAMD 25/17");
  EXPECT_EQ(read_cpuinfo("").text(), "unknown 0/0");
}

TEST(counter_group, a_name_that_is_not_there_is_told_the_nearest) {
  try {
    (void)choose_counters({"cycels"});
    FAIL();
  } catch (const usage_error& e) {
    EXPECT_STREQ(e.what(), "--counters cycels: no such group of counters; did you mean cycles?");
  }
  EXPECT_THROW((void)choose_counters({"./nowhere.group"}), usage_error);
  EXPECT_THROW((void)choose_counters({"cycles", "cycles"}), usage_error);
}

// Every group that comes with Tally resolves for the processors that it names, with codes and no doubt about them: where an
// event has several encodings, libpfm4's table (of which none is for this machine) and the raw code say the same.
TEST(counter_group, the_groups_of_the_tree_are_sound) {
  ASSERT_GE(built_in_counters().size(), 6U);
  int compared = 0;
  for (const auto& g : built_in_counters()) {
    for (const auto& s : g.sections) {
      std::size_t hardware = 0;
      for (const auto& e : s.events) {
        std::optional<perf_code> first;
        for (const auto& text : e.encodings) {
          std::string reason;
          const auto code = encode(text, reason);
          if (!code) {
            EXPECT_FALSE(has_libpfm()) << g.name << " " << text << ": " << reason;
            continue;
          }
          if (first) {
            EXPECT_EQ(first->config, code->config) << g.name << " " << e.name;
            EXPECT_EQ(first->config1, code->config1) << g.name << " " << e.name;
            EXPECT_EQ(first->type, code->type) << g.name << " " << e.name;
            ++compared;
          }
          first = first ? first : code;
        }
        ASSERT_TRUE(first) << g.name << " " << e.name << ": a build without libpfm4 must have a code, too";
        hardware += first->type == PERF_TYPE_SOFTWARE ? 0 : 1;
        EXPECT_NE(e.encodings.back().substr(0, 4), "pfm:") << g.name << " " << e.name;
      }
      EXPECT_LE(hardware, 4U) << g.name << ": more than a hyper-thread of any of these processors can count at once";
    }
  }
  if (has_libpfm()) {
    EXPECT_GE(compared, 20);
  }
  for (const auto& name : {"cycles", "software", "caches", "transfers", "ownership"}) {
    const auto g = choose_counters({name}).front();
    for (const auto& cpu : {zen4, icelake, skylake, sapphire}) {
      const resolved_group r = resolve(g, cpu);
      EXPECT_EQ(r.absent, "") << name << " on " << cpu.text();
      for (const auto& e : r.events) EXPECT_EQ(e.absent, "") << name << " on " << cpu.text() << ": " << e.name;
    }
  }
}

TEST(counter_group, the_codes_of_the_coherence_events_are_those_of_the_vendors_lists) {
  const auto code_of = [](const char* group, const cpu_identity& cpu, const char* event) {
    for (const auto& e : resolve(choose_counters({group}).front(), cpu).events) {
      if (e.name == event) return e.code;
    }
    return perf_code{};
  };
  EXPECT_EQ(code_of("transfers", skylake, "hitm"), (perf_code{PERF_TYPE_RAW, 0x04d2, 0}));
  EXPECT_EQ(code_of("transfers", skylake, "remote_hitm"), (perf_code{PERF_TYPE_RAW, 0x04d3, 0}));
  EXPECT_EQ(code_of("transfers", icelake, "fwd"), (perf_code{PERF_TYPE_RAW, 0x04d2, 0}));
  EXPECT_EQ(code_of("ownership", skylake, "rfo_hitm"), (perf_code{PERF_TYPE_RAW, 0x01b7, 0x10003c0002}));
  EXPECT_EQ(code_of("ownership", icelake, "rfo_hitm"), (perf_code{PERF_TYPE_RAW, 0x01b7, 0x10003c0002}));
  EXPECT_EQ(code_of("ownership", sapphire, "rfo_hitm"), (perf_code{PERF_TYPE_RAW, 0x012a, 0x10003c0002}));
  EXPECT_EQ(code_of("ownership", zen4, "upgrades"), (perf_code{PERF_TYPE_RAW, 0x0860, 0}));
  EXPECT_EQ(code_of("transfers", zen4, "local_ccx"), (perf_code{PERF_TYPE_RAW, 0x0243, 0}));
}

TEST(counter_group, the_upper_bits_of_an_amd_event_go_where_the_register_has_them) {
  std::string reason;
  EXPECT_EQ(encode("raw:event=0x1c7,umask=0x3,cmask=1", reason)->config, 0x1010003c7ULL);
}

}  // namespace
}  // namespace tally::unit_perf_group
