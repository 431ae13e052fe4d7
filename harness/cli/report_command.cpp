#include <fmt/format.h>
#include <sys/types.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <memory>

#include "harness/base/errors.hpp"
#include "harness/base/files.hpp"
#include "harness/cli/cli.hpp"
#include "harness/results/results_folder.hpp"
#include "harness/session/python_program.hpp"
#include "harness/session/report_session.hpp"
#include "harness/session/session.hpp"

namespace tally::cli {
namespace {

struct report_options {
  std::string directory = (results_home / "latest").string();
  std::string out;
};

// The child's part; does not return. Without words nothing is written, and the page is not made.
[[noreturn]] void write_words(const std::string& directory, int descriptor) {
  int error = 0;
  try {
    error = write_durably(descriptor, report_words(directory));
  } catch (const std::exception& e) {
    error = -1;
    std::fprintf(stderr, "tally: report: %s\n", e.what());
  }
  ::_exit(error == 0 ? 0 : exit_harness);
}

// A file that ends with the words. A child judges while this process becomes a program that reads the same rows, which takes as long.
std::string words_of(const std::string& directory) {
  std::array<int, 2> ends{};
  if (::pipe(ends.data()) != 0) throw results_error(fmt::format("report: pipe: {}", std::strerror(errno)));
  const pid_t child = ::fork();
  if (child < 0) throw results_error(fmt::format("report: fork: {}", std::strerror(errno)));
  if (child == 0) {
    ::close(ends[0]);
    write_words(directory, ends[1]);
  }
  ::close(ends[1]);
  return fmt::format("/proc/self/fd/{}", ends[0]);
}

int make_page(const report_options& o) {
  (void)find_python_program("report", plot_script);  // before rows are read
  require_rows(o.directory);
  const std::string words = words_of(o.directory);
  const std::string page = o.out.empty() ? o.directory + "/report.html" : o.out;
  become_python("report", plot_script, {"--report", page, "--words", words, "--", o.directory});
}

}  // namespace

void add_report(CLI::App& app, action& run) {
  auto o = std::make_shared<report_options>();
  CLI::App* sub = app.add_subcommand("report", "a page of results: what was found, a decision map, plots with their tables");
  sub->add_option("directory", o->directory, "a results directory")->capture_default_str();
  sub->add_option("--out", o->out, "the page; report.html in that directory if not given");
  sub->callback([o, &run] { run = [o] { return make_page(*o); }; });
}

}  // namespace tally::cli
