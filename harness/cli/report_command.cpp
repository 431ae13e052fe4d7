#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "harness/base/errors.hpp"
#include "harness/base/files.hpp"
#include "harness/cli/cli.hpp"
#include "harness/results/results_folder.hpp"
#include "harness/session/python_program.hpp"
#include "harness/session/report_session.hpp"

namespace tally::cli {
namespace {

struct report_options {
  std::string directory = (results_home / "latest").string();
  std::string out;
};

// A file without a name that what this process becomes can read; a pipe would hold too little.
std::string file_of(const std::string& text) {
  const int descriptor = ::memfd_create("words", 0);
  if (descriptor < 0) throw results_error(fmt::format("report: memfd_create: {}", std::strerror(errno)));
  if (const int error = write_durably(descriptor, text); error != 0) {
    throw results_error(fmt::format("report: {}", std::strerror(error)));
  }
  return fmt::format("/proc/self/fd/{}", descriptor);
}

int make_page(const report_options& o) {
  (void)find_python_program("report", plot_script);  // before the words are read
  const std::string words = file_of(report_words(o.directory));
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
