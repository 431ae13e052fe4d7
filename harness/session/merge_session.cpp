#include "harness/session/merge_session.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

#include "harness/base/errors.hpp"
#include "harness/base/files.hpp"
#include "harness/base/terminal.hpp"
#include "harness/base/text.hpp"
#include "harness/report/run_summary.hpp"
#include "harness/results/merge.hpp"
#include "harness/run/suites.hpp"
#include "harness/session/session.hpp"

namespace tally {
namespace {

namespace fs = std::filesystem;

// A directory beside its place, removed unless it was put there.
class directory_aside {
 public:
  explicit directory_aside(fs::path place) : place_(std::move(place)), aside_(beside(place_)) {
    std::error_code error;
    fs::create_directories(aside_ / "plots", error);
    if (error) refused(aside_, error.value());
  }
  ~directory_aside() {
    std::error_code ignored;
    fs::remove_all(aside_, ignored);
  }
  directory_aside(const directory_aside&) = delete;
  directory_aside& operator=(const directory_aside&) = delete;
  [[nodiscard]] const fs::path& path() const { return aside_; }

  // One step: whoever looks sees what was there or what is. What was there is then aside, and goes with it.
  void put() {
    const bool there = fs::exists(place_);
    if (::renameat2(AT_FDCWD, aside_.c_str(), AT_FDCWD, place_.c_str(), there ? RENAME_EXCHANGE : RENAME_NOREPLACE) == 0) return;
    // A file system that knows no flags: an empty place is all that it can put a directory on.
    if (there || ::rename(aside_.c_str(), place_.c_str()) != 0) refused(place_, errno);
  }

 private:
  static fs::path beside(const fs::path& place) {
    const fs::path named = place.has_filename() ? place : place.parent_path();
    return named.parent_path() / fmt::format(".{}.merging-{}", named.filename().string(), ::getpid());
  }
  fs::path place_, aside_;
};

void check_out(const merge_options& o) {
  if (!fs::exists(o.out) || is_merge(o.out)) return;
  if (fs::exists(o.out / "rows.jsonl")) {
    throw usage_error(fmt::format("--out {}: there is a run that is no merge; name another directory", o.out.string()));
  }
  if (!fs::is_directory(o.out) || !fs::is_empty(o.out)) {
    throw usage_error(
        fmt::format("--out {}: there is something that is no merge of results; name another directory", o.out.string()));
  }
}

// By origin: a figure of one machine and build is never another's.
std::string summaries(const merged_files& merged, std::vector<estimate>& estimates) {
  std::string out;
  const estimator statistics(true);
  for (const auto& of : merged.origins) {
    const std::vector<scene_group> scenes = group_scenes(of.results, merged.order);
    std::vector<estimate> here = statistics.all(scenes);
    out += fmt::format("{}: {}\n\n{}", of.origin.name(), of.origin.text(),
                       summary_text(scenes, here, statistics, {"the baseline", true}));
    for (auto& e : here) {
      e.origin = of.origin.name();
      estimates.push_back(std::move(e));
    }
  }
  return out;
}

}  // namespace

int merge_session(const merge_options& o) {
  check_out(o);
  merger all;
  if (is_merge(o.out)) all.add(o.out);
  for (const auto& directory : o.directories) all.add(directory);
  for (const auto& sentence : all.complaints()) complain(sentence);
  if (all.empty()) throw results_error("merge: none of the directories has a row that can be used");
  const merged_files merged = all.files();
  const int code = all.complaints().empty() ? exit_fine : exit_harness;
  std::vector<estimate> estimates;
  const std::string words = summaries(merged, estimates);
  const bool same = text_in(o.out / "rows.jsonl") == merged.rows && text_in(o.out / "config.json") == merged.config;
  if (!same) {
    directory_aside aside(o.out);
    write_whole(aside.path() / "rows.jsonl", merged.rows);
    write_whole(aside.path() / "config.json", merged.config);
    write_estimates(aside.path(), estimates);
    aside.put();
  }
  if (o.quiet) return code;
  tell(words);
  tell(fmt::format(
      "{} of {} and {}{}.\nResults: {}\n", counted(merged.windows, "window"), counted(merged.runs, "run"),
      merged.origins.size() == 1 ? "one machine and build" : fmt::format("{} machines or builds", merged.origins.size()),
      all.repeated() == 0 ? "" : fmt::format("; {} were there already, and are there once", all.repeated()),
      (o.out / "rows.jsonl").string()));
  if (code != exit_fine)
    tell(fmt::format("{} of damage (above): the rest is there.\n", counted(all.complaints().size(), "place")));
  return code;
}

}  // namespace tally
