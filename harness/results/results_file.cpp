#include "harness/results/results_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <utility>

#include "harness/base/errors.hpp"
#include "harness/base/files.hpp"
#include "harness/base/text.hpp"

namespace tally {
namespace {

// "process 123", as /proc/locks says it (proc_locks(5)); empty where it does not.
std::string holder_of(int descriptor) {
  struct stat file{};
  if (::fstat(descriptor, &file) != 0) return "";
  std::ifstream locks("/proc/locks");
  const std::string inode = fmt::format(":{} ", file.st_ino);
  for (std::string line; std::getline(locks, line);) {
    std::istringstream words(line);
    std::string number, kind, mode, access, process;
    words >> number >> kind >> mode >> access >> process;
    if (kind == "FLOCK" && line.find(inode) != std::string::npos) return fmt::format(" (process {})", process);
  }
  return "";
}

// The rows of one origin in a file: one binary, one machine, no window twice.
class one_origin {
 public:
  // "" or why it is of another.
  [[nodiscard]] std::string refuses(const result& r) {
    if (r.status == row_status::skipped) return "";
    if (differs(executable_, r.executable)) return fmt::format("another binary's ({}, {} above)", r.executable, executable_);
    if (differs(machine_, r.machine)) return fmt::format("another machine's ({}, {} above)", r.machine, machine_);
    if (!windows_.insert(key_of(r)).second) {
      return fmt::format("process {}, block {} of {} is there already", r.process, r.block, r.row);
    }
    return "";
  }

 private:
  // Records of failures do not say their machine.
  static bool differs(std::string& known, const std::string& said) {
    if (known.empty()) known = said;
    return !said.empty() && said != known;
  }
  std::string executable_, machine_;
  std::set<window_key> windows_;
};

// A file has the rows of one run, or of several that were merged, each of an origin.
class one_file {
 public:
  [[nodiscard]] std::string refuses(const result& r) { return origins_[r.origin].refuses(r); }
  [[nodiscard]] std::string several() const {
    if (origins_.size() < 2) return "";
    std::vector<std::string> names;
    for (const auto& [name, of] : origins_) names.push_back(name);
    return fmt::format(
        "rows of several machines or builds ({}), which are not judged together; merge the runs of one of them alone",
        joined(names));
  }

 private:
  std::map<std::string, one_origin> origins_;
};

std::string whole_text(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) refused(path, errno);
  std::ostringstream text;
  text << in.rdbuf();
  return std::move(text).str();
}

// "" where the record is of the schema that this binary knows.
std::string other_schema(const json& record) {
  const auto schema = record.find("schema");
  if (schema != record.end() && *schema == schema_number) return "";
  return fmt::format("has schema {}, this binary knows schema {}",
                     schema == record.end() ? "none" : schema->dump(-1, ' ', false, json::error_handler_t::replace),
                     schema_number);
}

}  // namespace

results_file::results_file(const std::filesystem::path& path)
    : path_(path), descriptor_(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666)) {
  if (descriptor_ < 0) refused(path_, errno);
  if (::flock(descriptor_, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return;  // a file system may know no locks
  const std::string holder = holder_of(descriptor_);
  ::close(descriptor_);
  throw usage_error(fmt::format("{}: another tally is writing to it{}", path.string(), holder));
}

results_file::~results_file() { ::close(descriptor_); }

void results_file::append(const json& record) {
  const off_t before = ::lseek(descriptor_, 0, SEEK_END);
  const int error = write_durably(descriptor_, record.dump(-1, ' ', false, json::error_handler_t::replace) + "\n");
  if (error == 0) {
    struct stat file{};
    if (::fstat(descriptor_, &file) == 0 && file.st_nlink == 0) {
      throw results_error(fmt::format("{}: it was removed while results were written to it", path_.string()));
    }
    return;
  }
  if (before >= 0 && ::ftruncate(descriptor_, before) != 0) refused(path_, errno);
  refused(path_, error);
}

loaded_results load_results(const std::filesystem::path& path, damaged_end damaged) {
  const std::string text = whole_text(path);
  loaded_results loaded;
  std::size_t line = 1;
  one_file run;
  for (std::size_t begin = 0; begin < text.size(); ++line) {
    const std::size_t end = text.find('\n', begin);
    const bool whole = end != std::string::npos;
    const std::string one = text.substr(begin, whole ? end - begin : end);
    json record = json::parse(one, nullptr, false);
    const bool last = !whole || end + 1 == text.size();
    if (!whole || record.is_discarded() || !record.is_object()) {
      if (!last) {
        throw results_error(
            fmt::format("{}: line {} is not a record; take it out, and the others can be used", path.string(), line));
      }
      if (damaged == damaged_end::left_out) {
        loaded.message = fmt::format("{}: line {}, the last one, is damaged; it is left out", path.string(), line);
        break;
      }
      const auto aside = path.parent_path() / "rows.damaged";
      std::ofstream out(aside, std::ios::app | std::ios::binary);
      if (!(out << one << '\n' << std::flush)) refused(aside, errno);
      std::error_code error;
      std::filesystem::resize_file(path, begin, error);
      if (error) refused(path, error.value());
      loaded.message = fmt::format("{}: line {}, the last one, was damaged; it is set aside in {}", path.string(), line,
                                   aside.filename().string());
      break;
    }
    if (const std::string why = other_schema(record); !why.empty()) {
      throw usage_error(fmt::format("{}: line {} {}", path.string(), line, why));
    }
    try {
      loaded.results.push_back(result_from(record));
      if (const std::string why = run.refuses(loaded.results.back()); !why.empty()) {
        throw results_error("not of the run above it: " + why);
      }
    } catch (const results_error& e) {
      throw results_error(fmt::format("{}: line {}: {}", path.string(), line, e.what()));
    }
    begin = end + 1;
  }
  if (const std::string why = run.several(); !why.empty()) throw results_error(fmt::format("{}: {}", path.string(), why));
  return loaded;
}

std::vector<std::string> each_record(const std::filesystem::path& path, const std::function<void(json&, result&)>& use) {
  const std::string text = whole_text(path);
  std::vector<std::string> damaged;
  one_file file;
  std::size_t line = 1;
  for (std::size_t begin = 0, end = 0; begin < text.size(); begin = end + 1, ++line) {
    end = std::min(text.find('\n', begin), text.size());
    json record = json::parse(text.begin() + static_cast<std::ptrdiff_t>(begin), text.begin() + static_cast<std::ptrdiff_t>(end),
                              nullptr, false);
    std::string why;
    if (record.is_discarded() || !record.is_object()) {
      why = end == text.size() ? "is not a record: it was cut off" : "is not a record";
    } else if (why = other_schema(record); why.empty()) {
      try {
        result r = result_from(record);
        why = file.refuses(r);
        if (why.empty()) {
          use(record, r);
          continue;
        }
        why.insert(0, "is not of the run above it: ");
      } catch (const results_error& e) {
        why = fmt::format("can't be used: {}", e.what());
      }
    }
    damaged.push_back(fmt::format("{}: line {} {}; it is left out", path.string(), line, why));
  }
  return damaged;
}

}  // namespace tally
