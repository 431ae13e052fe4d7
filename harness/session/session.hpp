// What a run and a simulation have in common, from their flags to their exit code: the folder that results are kept in, going on
// with an earlier one or making it again, rows that were skipped, a file whose end is damaged.
#pragma once

#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "harness/results/result.hpp"
#include "harness/results/results_file.hpp"
#include "harness/session/config_file.hpp"

namespace tally {

enum exit_code : int {
  exit_fine = 0,
  exit_regression = 1,
  exit_inconclusive = 2,
  exit_harness = 3,
  exit_usage = 64,
  exit_interrupted = 130
};

struct session_flags {
  std::set<std::string> given;  // the flags of the request that were typed
  std::string out;              // --out
  std::string from;             // --from
  bool resume = false;
  bool plan_only = false;
  bool quiet = false;
};

// An earlier session, which --from makes again or --resume goes on with.
struct earlier_session {
  std::string flag;  // "--resume DIR", which opens messages
  std::filesystem::path directory;
  session_config config;
  // What was typed now differs from what it was: with --resume that is refused. `difference` is empty where there is none.
  void refuse(const std::string& difference) const;
};
// Nothing where neither flag was given. Throws usage_error: both were; there is no such session; it is of the other kind; it is
// gone on with by another binary or, where results are measured, on another machine.
[[nodiscard]] std::optional<earlier_session> find_earlier(const session_flags&, session_kind);

// The folder of a session.
class session_folder {
 public:
  // Makes it (`name` is in the name of one that the flags do not name), with `config` as its config.json, or goes on with what is
  // there and says what was damaged. Throws usage_error, results_error.
  session_folder(const session_flags&, const std::optional<earlier_session>&, std::string_view name, std::uint64_t seed,
                 const std::string& config);

  [[nodiscard]] const std::filesystem::path& directory() const { return directory_; }
  [[nodiscard]] std::vector<result>& results() { return results_; }
  [[nodiscard]] const std::vector<result>& results() const { return results_; }
  // Whether it has a record of the row.
  [[nodiscard]] bool has(const std::string& row) const { return there_.contains(row); }
  [[nodiscard]] results_file& file() { return *file_; }
  // A row that is not tried: its record is written once.
  void skip(const json& record);

 private:
  std::filesystem::path directory_;
  std::vector<result> results_;
  std::set<std::string> there_;  // rows
  std::optional<results_file> file_;
};

// "tally: ..." to standard error: what is left out, or why there is no result; the session goes on.
void complain(const std::string& sentence);
// Throws usage_error if a window of `results` is of no row that is planned.
void refuse_foreign_rows(const session_folder&, const std::set<std::string>& planned);
// "Skipped:" and the reasons; empty where nothing was.
[[nodiscard]] std::string skipped_words(const std::vector<skipped_row>&);
[[nodiscard]] int exit_code_of(const std::vector<result>&, bool interrupted);

}  // namespace tally
