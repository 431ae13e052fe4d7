#include "harness/session/session.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "harness/base/errors.hpp"
#include "harness/base/files.hpp"
#include "harness/base/program.hpp"
#include "harness/measure/environment.hpp"
#include "harness/report/listing.hpp"
#include "harness/results/binary.hpp"
#include "harness/results/results_folder.hpp"

namespace tally {
namespace {

namespace fs = std::filesystem;

fs::path resumed_directory(const session_flags& flags) {
  if (!flags.out.empty()) return flags.out;
  const fs::path latest = results_home / "latest";
  std::error_code error;
  return fs::is_symlink(latest) ? results_home / fs::read_symlink(latest, error) : latest;
}

// A results file belongs to one binary and, where time was measured, to one machine.
void refuse_strangers(const earlier_session& e, session_kind kind) {
  const session_config& there = e.config;
  if (there.executable != executable_hash()) {
    throw usage_error(fmt::format(
        "{}: it was {} by another binary (git {}, {}; this is git {}, {}); --from makes the same run anew", e.flag,
        kind == session_kind::run ? "measured" : "simulated", there.git, there.executable, built_as().git, executable_hash()));
  }
  if (kind == session_kind::run && there.machine != environment().machine_id) {
    throw usage_error(fmt::format("{}: it was measured on another machine ({}; this is {}); --from makes the same run anew",
                                  e.flag, there.machine, environment().machine_id));
  }
}

}  // namespace

void earlier_session::refuse(const std::string& difference) const {
  if (!difference.empty()) throw usage_error(fmt::format("{}: {}; --from makes a new run of it", flag, difference));
}

std::optional<earlier_session> find_earlier(const session_flags& flags, session_kind kind) {
  if (flags.resume && !flags.from.empty()) throw usage_error(fmt::format("--from {}: not together with --resume", flags.from));
  if (!flags.resume && flags.from.empty()) return std::nullopt;
  earlier_session e;
  e.directory = flags.resume ? resumed_directory(flags) : fs::path(flags.from);
  const char* flag = flags.resume ? "--resume" : "--from";
  e.flag = fmt::format("{} {}", flag, e.directory.string());
  e.config = read_config(flag, e.directory);
  if (e.config.kind != kind) {
    const std::string_view other = session_names.at(static_cast<std::size_t>(e.config.kind));
    const std::string& there = e.directory.native();
    throw usage_error(fmt::format("{}: that is {}; {} goes on with it", e.flag,
                                  e.config.kind == session_kind::sim ? "a simulation" : "no simulation",
                                  flags.resume ? command(other, "--resume", "--out", there) : command(other, "--from", there)));
  }
  if (flags.resume) refuse_strangers(e, kind);
  return e;
}

session_folder::session_folder(const session_flags& flags, const std::optional<earlier_session>& earlier, std::string_view name,
                               std::uint64_t seed, const std::string& config) {
  if (flags.resume) {
    directory_ = earlier->directory;
    file_.emplace(directory_ / "rows.jsonl");  // before it is read: nobody writes to it any more
    loaded_results loaded = load_results(directory_ / "rows.jsonl", damaged_end::set_aside);
    if (!loaded.message.empty()) complain(loaded.message);
    results_ = std::move(loaded.results);
    for (const auto& r : results_) there_.insert(r.row);
  } else {
    directory_ = flags.out.empty() ? fresh_directory(name, seed) : fs::path(flags.out);
    if (fs::exists(directory_ / "rows.jsonl")) {
      throw usage_error(fmt::format("--out {}: there is a run already; --resume goes on with it", directory_.string()));
    }
    make_directory("--out", directory_);
    write_whole(directory_ / "config.json", config);
    file_.emplace(directory_ / "rows.jsonl");
    point_latest(directory_);
  }
}

void session_folder::skip(const json& record) {
  result r = result_from(record);
  if (!there_.insert(r.row).second) return;
  file_->append(record);
  results_.push_back(std::move(r));
}

void complain(const std::string& sentence) {
  std::fputs(fmt::format("tally: {}{}", sentence, sentence.ends_with('\n') ? "" : "\n").c_str(), stderr);
}

void refuse_foreign_rows(const session_folder& folder, const std::set<std::string>& planned) {
  const auto& all = folder.results();
  const auto foreign = [&](const result& r) { return r.status != row_status::skipped && !planned.contains(r.row); };
  if (const auto found = std::ranges::find_if(all, foreign); found != all.end()) {
    throw usage_error(fmt::format("{}: {} is no row of this run; take the lines of other runs out of rows.jsonl",
                                  folder.directory().string(), found->row));
  }
}

std::string skipped_words(const std::vector<skipped_row>& skipped) {
  return skipped.empty() ? "" : fmt::format("Skipped:\n{}\n", skipped_text(skipped));
}

int exit_code_of(const std::vector<result>& results, bool interrupted) {
  if (interrupted) return exit_interrupted;
  const bool failed = std::ranges::any_of(results, [](const result& r) { return r.status == row_status::error; });
  return failed ? exit_harness : exit_fine;
}

}  // namespace tally
