// From flags to rows.
#include "harness/run/plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "harness/base/text.hpp"
#include "harness/report/listing.hpp"
#include "harness/run/choices.hpp"
#include "harness/run/varied_numbers.hpp"
#include "tests/support/fake_registry.hpp"

namespace tally::unit_plan {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class plan_of : public ::testing::Test {
 protected:
  run_plan made(run_request r, int cores = 2) {
    if (r.seed == 0) r.seed = 1;
    return make_plan(all, r, testing::fake_machine(cores));
  }
  static std::vector<std::string> keys(const run_plan& p) {
    std::vector<std::string> k;
    for (const auto& r : p.rows) k.push_back(r.key());
    return k;
  }
  std::string refusal(const run_request& r) {
    try {
      (void)made(r);
    } catch (const usage_error& e) {
      return e.what();
    }
    return "";
  }
  static run_request selection(std::vector<name_spec> strategies, std::vector<name_spec> workloads, const char* threads) {
    run_request r;
    r.strategies = std::move(strategies);
    r.workloads = std::move(workloads);
    if (*threads != 0) r.threads = threads;
    return r;
  }
  registry all = testing::fake_registry();
};

TEST_F(plan_of, the_baseline_is_in_every_scene_twice_whether_it_was_asked_for_or_not) {
  EXPECT_THAT(keys(made(selection({"gil"}, {"spin"}, "1"))),
              ElementsAre("atomic|spin|1|throughput", "atomic|spin|1|throughput|aa", "gil|spin|1|throughput"));
  const auto p = made(selection({"atomic"}, {"spin"}, "1,2"));
  EXPECT_EQ(std::ranges::count(p.rows, row_role::again, &row_spec::role), 2);
  EXPECT_EQ(std::ranges::count(p.rows, row_role::baseline, &row_spec::role), 2);
}

TEST_F(plan_of, rows_that_cannot_run_are_listed_with_the_reason) {
  const auto p = made(selection({"plain", "sweep"}, {"spin", "pair"}, "1,2"));
  std::vector<std::string> told;
  for (const auto& s : p.skipped) {
    told.push_back(s.strategy + " " + s.workload + " " + std::to_string(s.threads) + " " + s.reason);
  }
  EXPECT_THAT(told, Contains("plain spin 2 not thread-safe"));
  EXPECT_THAT(told, Contains("plain pair 1 needs at least 2 threads"));
  EXPECT_THAT(told, Contains("sweep pair 2 needs weak refs"));
  EXPECT_THAT(keys(p), ::testing::Not(Contains(HasSubstr("sweep|pair"))));
}

TEST_F(plan_of, a_heap_axis_is_for_those_that_take_a_limit_and_multiples_are_of_the_payload) {
  auto r = selection({"sweep", "gil"}, {"spin"}, "1");
  r.heaps = {"2x", "3M"};
  const auto p = made(r);
  EXPECT_THAT(keys(p), ElementsAre("atomic|spin|1|throughput", "atomic|spin|1|throughput|aa", "sweep@2x|spin|1|throughput",
                                   "sweep@3M|spin|1|throughput", "gil|spin|1|throughput"));
  EXPECT_EQ(p.rows[2].heap.limit_bytes, 2'000'000U);
  EXPECT_EQ(p.rows[3].heap.limit_bytes, 3U << 20);
}

TEST_F(plan_of, a_multiple_of_a_payload_that_nobody_states_is_skipped) {
  all.strategies[3].variants[0].cells[1].unmet = "";
  auto r = selection({"sweep"}, {"pair"}, "2");
  r.heaps = {"2x"};
  EXPECT_THAT(refusal(r), HasSubstr("states its payload"));
}

TEST_F(plan_of, a_tracing_baseline_is_compared_at_the_same_limit) {
  auto r = selection({"sweep"}, {"spin"}, "1");
  r.heaps = {"2x", "3x"};
  r.baseline = "sweep";
  EXPECT_THAT(keys(made(r)), ElementsAre("sweep@2x|spin|1|throughput", "sweep@2x|spin|1|throughput|aa",
                                         "sweep@3x|spin|1|throughput", "sweep@3x|spin|1|throughput|aa"));
}

TEST_F(plan_of, allocators_are_rows_of_one_scene_and_the_baseline_is_under_the_first) {
  auto r = selection({"atomic", "gil"}, {"spin"}, "1");
  r.allocators = {"system", "mimalloc", "system"};
  const auto p = made(r);
  EXPECT_THAT(keys(p), ElementsAre("atomic|spin|1|throughput", "atomic|spin|1|throughput|aa", "atomic+mimalloc|spin|1|throughput",
                                   "gil|spin|1|throughput", "gil+mimalloc|spin|1|throughput"));
  std::set<std::string> scenes;
  for (const auto& row : p.rows) scenes.insert(row.scene());
  EXPECT_THAT(scenes, ElementsAre("spin|1|throughput"));
  EXPECT_EQ(p.rows[0].role, row_role::baseline);
  EXPECT_EQ(p.rows[2].role, row_role::measured);
  EXPECT_EQ(p.rows[2].allocator, "mimalloc");
  EXPECT_THAT(p.skipped, IsEmpty());
}

TEST_F(plan_of, a_baseline_that_was_not_asked_for_is_under_the_first_allocator_only) {
  auto r = selection({"gil"}, {"spin"}, "1");
  r.allocators = {"jemalloc", "system"};
  EXPECT_THAT(keys(made(r)), ElementsAre("atomic+jemalloc|spin|1|throughput", "atomic+jemalloc|spin|1|throughput|aa",
                                         "gil+jemalloc|spin|1|throughput", "gil|spin|1|throughput"));
}

TEST_F(plan_of, what_has_a_heap_of_its_own_is_measured_under_the_first_allocator) {
  auto r = selection({"sweep"}, {"spin"}, "1");
  r.allocators = {"system", "mimalloc"};
  r.heaps = {"2x"};
  const auto p = made(r);
  EXPECT_THAT(keys(p), ElementsAre("atomic|spin|1|throughput", "atomic|spin|1|throughput|aa", "sweep@2x|spin|1|throughput"));
  EXPECT_TRUE(p.rows.back().own_heap);
  EXPECT_THAT(skipped_text(p.skipped),
              HasSubstr("its objects are not malloc's:\n    sweep+mimalloc in spin with a heap of 2x\n"));
  r.allocators = {"mimalloc"};
  EXPECT_THAT(keys(made(r)), Contains("sweep+mimalloc@2x|spin|1|throughput"));
}

TEST_F(plan_of, an_allocator_that_is_missing_is_refused_with_its_package) {
  auto r = selection({"atomic"}, {"spin"}, "1");
  r.allocators = {"system", "mimalloc"};
  r.seed = 1;
  int asked = 0;
  const allocator_check none = [&](const allocator_info& a) { return ++asked, std::string_view(a.name) == "system"; };
  try {
    (void)make_plan(all, r, testing::fake_machine(2), none);
    FAIL() << "nothing was refused";
  } catch (const usage_error& e) {
    EXPECT_STREQ(e.what(), "--allocator mimalloc: libmimalloc.so.2 is not installed (Debian: apt-get install libmimalloc2.0)");
  }
  EXPECT_EQ(asked, 2);
}

TEST_F(plan_of, parameters_make_a_cross_product) {
  auto r = selection({"atomic"}, {"spin"}, "1");
  r.sets = {"sharing=private,shared", "size=1..4*2"};
  const auto p = made(r);
  std::set<std::string> labels;
  for (const auto& row : p.rows) labels.insert(row.workload_label);
  EXPECT_EQ(labels.size(), 6U);
  EXPECT_TRUE(labels.contains("spin sharing=shared size=4"));
}

TEST_F(plan_of, a_parameter_of_one_workload_leaves_the_others_alone) {
  auto r = selection({"atomic"}, {"spin", "pair"}, "2");
  r.sets = {"share=7"};
  EXPECT_THAT(keys(made(r)), Contains("atomic|spin|2|throughput"));
  r.sets = {"spin.size=3"};
  EXPECT_THAT(keys(made(r)), Contains("atomic|spin size=3|2|throughput"));
}

TEST_F(plan_of, what_is_wrong_is_named_with_its_flag_and_value) {
  EXPECT_EQ(refusal(selection({"atmoic"}, {}, "")), "--strategy atmoic: no such strategy; did you mean atomic?");
  EXPECT_THAT(refusal(selection({}, {"spn"}, "")), HasSubstr("--workload spn: no such workload; did you mean spin?"));
  EXPECT_THAT(refusal(selection({"atomic:order=strong"}, {}, "")), HasSubstr("order is one of relaxed, seq_cst"));
  EXPECT_THAT(refusal(selection({"atomic:ordr=relaxed"}, {}, "")), HasSubstr("did you mean order?"));
  EXPECT_THAT(refusal(selection({"gil:interval=5000"}, {}, "")), HasSubstr("between 1 and 1000"));
  EXPECT_THAT(refusal(selection({"plain"}, {"pair"}, "1")), HasSubstr("every row is skipped"));
  auto r = selection({"atomic"}, {"spin"}, "1");
  r.sets = {"siez=3"};
  EXPECT_THAT(refusal(r), HasSubstr("--set siez: no such parameter of the chosen workloads; did you mean size?"));
  r.sets = {"size=1000"};
  EXPECT_EQ(refusal(r), "--set size=1000: between 1 and 100 in spin");
  r.sets = {"sharing=privat"};
  EXPECT_EQ(refusal(r), "--set sharing=privat: did you mean private?");
  r.sets = {"size=99"};  // the workload's own opinion
  EXPECT_EQ(refusal(r), "--set size=99: unlucky");
  r.sets = {"size=1.5"};
  EXPECT_EQ(refusal(r), "--set size=1.5: a whole number");
  r.sets = {};
  r.baseline = "*";
  EXPECT_THAT(refusal(r), HasSubstr("--baseline *"));
}

TEST_F(plan_of, variants_are_chosen_by_option_and_by_glob) {
  EXPECT_THAT(keys(made(selection({"atomic:order=seq_cst"}, {"spin"}, "1"))), Contains("atomic:order=seq_cst|spin|1|throughput"));
  EXPECT_EQ(choose_strategies(all, "--strategy", "atomic:*").size(), 2U);
  EXPECT_EQ(choose_strategies(all, "--strategy", "*").size(), 4U);
  EXPECT_EQ(choose_strategies(all, "--strategy", "*:*").size(), 5U);
  EXPECT_EQ(choose_strategies(all, "--strategy", "gil:interval=20").front().label(), "gil:interval=20");
  // Of several those that have the option; and of those who have none, the complaint.
  EXPECT_EQ(choose_strategies(all, "--strategy", "*:order=seq_cst").size(), 1U);
  EXPECT_THAT(refusal(selection({"*:colour=blue"}, {"spin"}, "1")), HasSubstr("colour"));
  EXPECT_THAT(refusal(selection({"gil:order=seq_cst"}, {"spin"}, "1")), HasSubstr("order"));
}

TEST_F(plan_of, a_glob_with_an_option_means_those_that_have_it_with_this_value) {
  tunable_entry other = all.strategies[1].tunables.front();
  other.values = {"relaxed", "acquire"};
  variant_entry acquires = all.strategies[1].variants.front();
  acquires.options = {"acquire"};
  acquires.label = "order=acquire";
  all.strategies.push_back({"other", "its order has other values", "-", {other}, {all.strategies[1].variants.front(), acquires}});
  const auto chosen = [&](const char* typed) {
    std::vector<std::string> labels;
    for (const auto& c : choose_strategies(all, "--strategy", typed)) labels.push_back(c.label());
    return labels;
  };
  EXPECT_THAT(chosen("*:order=seq_cst"), ElementsAre("atomic:order=seq_cst"));
  EXPECT_THAT(chosen("*:order=acquire"), ElementsAre("other:order=acquire"));
  // Of nobody's value what there is, and not that others have no such option.
  EXPECT_THAT(refusal(selection({"*:order=strong"}, {"spin"}, "1")), HasSubstr("order is one of relaxed, seq_cst"));
  EXPECT_THAT(refusal(selection({"*:interval=5000"}, {"spin"}, "1")), HasSubstr("interval is between 1 and 1000"));
}

TEST_F(plan_of, a_suite_s_option_with_a_value_that_nobody_here_has_is_skipped) {
  const suite_group group{.title = "",
                          .strategies = {"gil", "*:order=acquire", "gil:interval=5000"},
                          .workloads = {"spin"},
                          .sets = {},
                          .threads = "1",
                          .modes = {measure_mode::throughput},
                          .heaps = {}};
  const suite_info suite{.name = "s", .summary = "", .how = standard_protocol(), .groups = {group}, .baseline = false};
  run_request r;
  r.suite = &suite;
  const auto p = made(r);
  EXPECT_THAT(keys(p), ElementsAre("gil|spin|1|throughput"));
  ASSERT_EQ(p.skipped.size(), 2U);
  EXPECT_EQ(p.skipped[0].strategy + ": " + p.skipped[0].reason, "*:order=acquire: not in this build");
  EXPECT_EQ(p.skipped[1].strategy + ": " + p.skipped[1].reason, "gil:interval=5000: not in this build");
}

TEST_F(plan_of, numbers_are_varied_one_at_a_time_and_within_their_limits) {
  strategy_entry& gil = all.strategies[2];
  gil.tunables.push_back({"least", "", "", {}, "1.5", 1.1, 4, true});
  gil.tunables.push_back({"off", "", "", {}, "0", 0, 9, true});
  gil.tunables.push_back({"rule", "", "", {"a", "b"}, "a", 0, 0, true});
  const auto labels = [&](const char* typed) {
    std::vector<std::string> of;
    for (const auto& s : choose_strategies(all, "--strategy", typed)) of.push_back(s.label());
    return of;
  };
  EXPECT_THAT(labels("gil:*tunables"), ElementsAre("gil", "gil:interval=13", "gil:interval=200", "gil:least=1.1", "gil:least=4"));
  EXPECT_THAT(labels("*:*tunables"), ElementsAre("gil", "gil:interval=13", "gil:interval=200", "gil:least=1.1", "gil:least=4"));
  EXPECT_EQ(name_spec("gil:*tunables").text(), "gil:*tunables");
  EXPECT_EQ(refusal(selection({"atomic:*tunables"}, {"spin"}, "1")),
            "--strategy atomic:*tunables: atomic has no number that can be varied");
  EXPECT_THAT(refusal(selection({"gil"}, {"spin:*tunables"}, "1")), HasSubstr("'*' is not name=value"));
  // The default is planned once, whoever asks for it.
  EXPECT_THAT(keys(made(selection({"gil", "gil:*tunables"}, {"spin"}, "1"))).size(), 7U);
  all.strategies[2].variants[0].can.oracle = oracle_class::never_frees;
  EXPECT_THAT(refusal(selection({"gil:*tunables"}, {"spin"}, "1")), HasSubstr("no number that can be varied"));
}

TEST_F(plan_of, a_number_that_an_option_gives_a_meaning_is_varied_with_it) {
  strategy_entry& atomic = all.strategies[1];
  atomic.tunables.push_back({"spins", "", "", {}, "8", 1, 100, true, "order=seq_cst"});
  std::vector<std::string> labels;
  for (const auto& s : choose_strategies(all, "--strategy", "atomic:*tunables")) labels.push_back(s.label());
  EXPECT_THAT(labels, ElementsAre("atomic:order=seq_cst", "atomic:order=seq_cst,spins=2", "atomic:order=seq_cst,spins=32"));
  // Of a choice that was made, as a runtime's is: around what it has, and nothing of other variants.
  const auto chosen = choose_strategies(all, "--strategy", "atomic:order=seq_cst,spins=40");
  labels.clear();
  for (const auto& s : with_numbers_varied(chosen.front(), false)) labels.push_back(s.label());
  EXPECT_THAT(labels,
              ElementsAre("atomic:order=seq_cst,spins=40", "atomic:order=seq_cst,spins=10", "atomic:order=seq_cst,spins=100"));
  EXPECT_THAT(with_numbers_varied(choose_strategies(all, "--strategy", "atomic").front(), false), IsEmpty());
}

TEST_F(plan_of, items_survive_the_way_to_the_worker) {
  auto r = selection({"gil:interval=20", "sweep"}, {"spin"}, "2");
  r.heaps = {"2x"};
  r.modes = {measure_mode::latency};
  r.allocators = {"mimalloc", "system"};
  for (const auto& item : made(r).items(0)) {
    const run_item back = item_from(json::parse(to_json(item).dump()));
    EXPECT_EQ(to_json(back), to_json(item));
    EXPECT_EQ(back.row.key(), item.row.key());
    EXPECT_EQ(find_row(all, back.row).strategy->name, item.row.strategy.substr(0, item.row.strategy.find(':')));
  }
}

TEST_F(plan_of, automatic_threads_are_powers_of_two_up_to_the_cores_then_the_hyper_threads) {
  EXPECT_THAT(automatic_threads(testing::fake_machine(1)), ElementsAre(1));
  EXPECT_THAT(automatic_threads(testing::fake_machine(6)), ElementsAre(1, 2, 4, 6));
  EXPECT_THAT(automatic_threads(testing::fake_machine(8, 2)), ElementsAre(1, 2, 4, 8, 16));
}

TEST_F(plan_of, more_threads_than_processors_are_allowed_and_marked) {
  const auto p = made(selection({"atomic"}, {"spin"}, "2,3"));
  EXPECT_FALSE(p.rows.front().oversubscribed);
  EXPECT_TRUE(p.rows.back().oversubscribed);
}

TEST_F(plan_of, a_value_is_the_same_however_it_is_typed) {
  run_request r = selection({"atomic"}, {"spin"}, "1");
  const auto labels = [&] {
    std::set<std::string> labelled;
    for (const auto& row : made(r).rows) labelled.insert(row.workload_label);
    return labelled;
  };
  r.sets = {"size=20,2e1,20.0"};
  EXPECT_EQ(labels(), std::set<std::string>{"spin size=20"});
  r.sets = {"size=1..4*1.5"};  // 1, 1.5, 2.25, 3.375
  EXPECT_EQ(labels(), (std::set<std::string>{"spin size=1", "spin size=2", "spin size=3"}));
}

TEST_F(plan_of, lists_are_split_where_that_is_unambiguous) {
  EXPECT_EQ(texts_of(name_spec::read_list("--strategy", "plain,biased:merge=a,slot=b,atomic")),
            "plain, biased:merge=a,slot=b, atomic");
  const auto values = [](const char* text) { return scan::read("--set x=", text).values(false); };
  EXPECT_THAT(values("1,4..16*2,x..y"), ElementsAre("1", "4", "8", "16", "x..y"));
  EXPECT_THAT(values("0..1+0.25"), ElementsAre("0", "0.25", "0.5", "0.75", "1"));
  for (const char* bad : {"8..4", "1..8*1", "1,,2", "1..2000", "1e13..1e14+1"})
    EXPECT_THROW((void)values(bad), usage_error) << bad;
}

TEST_F(plan_of, a_path_in_a_label_is_its_file_name) {
  EXPECT_EQ(without_directories("/home/me/x.rct"), "x.rct");
  EXPECT_EQ(without_directories("x.rct"), "x.rct");
}

TEST_F(plan_of, skipped_rows_are_told_by_reason) {
  const std::string text = skipped_text(made(selection({"plain", "sweep"}, {"spin", "pair"}, "2")).skipped);
  EXPECT_THAT(text, HasSubstr("not thread-safe:\n    plain in pair on 2 threads; spin on 2 threads\n"));
  EXPECT_THAT(text, HasSubstr("needs weak refs:\n    sweep in pair on 2 threads\n"));
}

TEST_F(plan_of, a_suite_may_have_no_baseline_and_groups_that_need_more_cores) {
  suite_group small{.title = "",
                    .strategies = {"gil"},
                    .workloads = {"spin"},
                    .sets = {},
                    .threads = "1",
                    .modes = {measure_mode::throughput},
                    .heaps = {}};
  suite_group large = small;
  large.strategies = {"atomic"};
  large.cores = 8;
  const suite_info suite{.name = "s", .summary = "", .how = standard_protocol(), .groups = {small, large}, .baseline = false};
  run_request r;
  r.suite = &suite;
  const auto here = made(r);
  EXPECT_THAT(keys(here), ElementsAre("gil|spin|1|throughput"));
  ASSERT_EQ(here.skipped.size(), 1U);
  EXPECT_EQ(here.skipped[0].reason, "needs 8 cores");
  EXPECT_THAT(keys(made(r, 8)), ElementsAre("gil|spin|1|throughput", "atomic|spin|1|throughput"));
}

TEST_F(plan_of, suites_name_what_is_not_built_as_skipped) {
  run_request r;
  r.suite = &suite_named("quick");
  EXPECT_THAT(refusal(r), HasSubstr("every row is skipped"));  // nothing of it is in the fake registry
}

}  // namespace
}  // namespace tally::unit_plan
