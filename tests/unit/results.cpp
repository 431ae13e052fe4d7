// rows.jsonl: nothing lost, nothing silently dropped.
#include "harness/results/results_file.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "harness/base/files.hpp"
#include "harness/base/text.hpp"
#include "harness/contract/workload.hpp"

namespace tally::unit_results {
namespace {

using ::testing::HasSubstr;

class results : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "tally-results-XXXXXX").string();
    directory = ::mkdtemp(pattern.data());
    path = directory / "rows.jsonl";
  }
  void TearDown() override { std::filesystem::remove_all(directory); }
  static json row(int n) { return {{"schema", 1}, {"row", "r"}, {"process", n}, {"status", "ok"}}; }
  void write(const std::string& text) const { std::ofstream(path, std::ios::binary) << text; }
  [[nodiscard]] static std::string content(const std::filesystem::path& p) {
    std::ifstream in(p, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  std::filesystem::path directory, path;
};

TEST_F(results, what_is_appended_is_read_again) {
  {
    results_file f(path);
    f.append(row(0));
  }
  results_file(path).append(row(1));  // goes on at the end
  const auto loaded = load_results(path);
  ASSERT_EQ(loaded.results.size(), 2U);
  EXPECT_EQ(key_of(loaded.results[1]), window_key("r", 1, 0));
  EXPECT_EQ(loaded.message, "");
}

TEST_F(results, a_last_line_without_its_end_is_set_aside_and_said) {
  write(row(0).dump() + "\n" + row(1).dump().substr(0, 20));
  const auto loaded = load_results(path, damaged_end::set_aside);
  EXPECT_EQ(loaded.results.size(), 1U);
  EXPECT_EQ(loaded.message, path.string() + ": line 2, the last one, was damaged; it is set aside in rows.damaged");
  EXPECT_EQ(content(path), row(0).dump() + "\n");
  EXPECT_EQ(content(directory / "rows.damaged"), row(1).dump().substr(0, 20) + "\n");
}

TEST_F(results, a_whole_record_without_its_newline_is_damaged_too) {
  write(row(0).dump());  // cut by a kill: the next append would join it
  EXPECT_EQ(load_results(path, damaged_end::set_aside).results.size(), 0U);
  EXPECT_EQ(content(directory / "rows.damaged"), row(0).dump() + "\n");
}

TEST_F(results, who_only_reads_leaves_a_damaged_file_as_it_is) {
  const std::string text = row(0).dump() + "\n" + row(1).dump().substr(0, 20);
  write(text);
  const auto loaded = load_results(path);
  EXPECT_EQ(loaded.results.size(), 1U);
  EXPECT_EQ(loaded.message, path.string() + ": line 2, the last one, is damaged; it is left out");
  EXPECT_EQ(content(path), text);
  EXPECT_FALSE(std::filesystem::exists(directory / "rows.damaged"));
}

TEST_F(results, damage_before_the_end_is_refused_with_its_line) {
  write(row(0).dump() + "\n{\"schema\":1,\n" + row(2).dump() + "\n");
  try {
    (void)load_results(path);
    FAIL();
  } catch (const results_error& e) {
    EXPECT_THAT(e.what(), HasSubstr("line 2"));
  }
  EXPECT_FALSE(std::filesystem::exists(directory / "rows.damaged"));
}

TEST_F(results, what_is_no_record_is_refused_with_its_line_and_in_plain_words) {
  const std::vector<std::pair<std::string, std::string>> wrong{
      {R"({"schema":1,"row":"r"})", "not a record of results"},
      {R"({"schema":1,"row":7,"status":"ok"})", "not a record of results"},
      {R"({"schema":1,"row":"r","status":"fine"})", "status fine: no such value"},
      {R"({"schema":1,"row":"r","status":"ok","role":"other"})", "role other: no such value"},
      {R"({"schema":1,"row":"r","status":"ok","config":{"threads":"two"}})", "not a record of results"}};
  for (const auto& [line, why] : wrong) {
    write(row(0).dump() + "\n" + line + "\n");
    try {
      (void)load_results(path);
      FAIL() << line;
    } catch (const results_error& e) {
      EXPECT_THAT(e.what(), HasSubstr("line 2: " + why));
    }
  }
}

TEST_F(results, another_schema_is_refused) {
  write("{\"schema\":2,\"row\":\"r\"}\n");
  EXPECT_THROW((void)load_results(path), usage_error);
}

// A file-size limit stands for a full disk: the kernel takes a part of the line and refuses the rest.
TEST_F(results, a_disk_that_fills_up_leaves_whole_lines) {
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const rlimit tight{row(0).dump().size() + 11, before.rlim_max};
  {
    results_file f(path);
    f.append(row(0));
    setrlimit(RLIMIT_FSIZE, &tight);
    EXPECT_THROW(f.append(row(1)), results_error);
    EXPECT_EQ(content(path), row(0).dump() + "\n");
    setrlimit(RLIMIT_FSIZE, &before);
    f.append(row(1));  // there is room again
  }
  EXPECT_EQ(load_results(path).results.size(), 2U);
}

TEST_F(results, a_file_that_cannot_be_opened_is_refused) {
  EXPECT_THROW(results_file(directory / "no" / "rows.jsonl"), results_error);
  EXPECT_THROW((void)load_results(directory / "no" / "rows.jsonl"), results_error);
}

TEST_F(results, a_whole_file_is_replaced_or_left) {
  write_whole(directory / "config.json", "one");
  write_whole(directory / "config.json", "two");
  EXPECT_EQ(content(directory / "config.json"), "two");
  EXPECT_THROW(write_whole(directory / "no" / "config.json", "x"), results_error);
}

TEST_F(results, are_written_by_one_at_a_time) {
  results_file mine(path);
  mine.append(row(1));
  try {
    const results_file second(path);
    FAIL() << "two write to one file";
  } catch (const usage_error& e) {
    EXPECT_THAT(e.what(), ::testing::EndsWith(fmt::format("rows.jsonl: another tally is writing to it (process {})", getpid())));
  }
  std::filesystem::remove(path);
  EXPECT_THROW(mine.append(row(2)), results_error);
}

TEST(text, durations_are_spoken_as_people_do) {
  EXPECT_EQ(spoken_duration(1.26), "1.3 s");
  EXPECT_EQ(spoken_duration(47.4), "47 s");
  EXPECT_EQ(spoken_duration(754), "12 min 34 s");
  EXPECT_EQ(spoken_duration(9000), "2 h 30 min");
}

TEST(text, shares_are_told_in_per_cent_without_a_power_of_ten) {
  EXPECT_EQ(percent_text(0.0314), "3.1 %");
  EXPECT_EQ(percent_text(0.99), "99 %");
  EXPECT_EQ(percent_text(0.996), "100 %");
  EXPECT_EQ(percent_text(1.62), "162 %");
  EXPECT_EQ(percent_text(2e-15), "0 %");
}

}  // namespace
}  // namespace tally::unit_results
