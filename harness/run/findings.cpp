#include "harness/run/findings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <sstream>

#include "harness/base/bundled.hpp"
#include "harness/base/errors.hpp"
#include "harness/base/files.hpp"
#include "harness/base/text.hpp"

namespace tally {
namespace {

using namespace std::chrono_literals;

std::vector<std::string> words_of(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> words;
  for (std::string w; in >> w;) words.push_back(w);
  return words;
}

// Words with blanks or commas between them.
std::vector<std::string> listed(std::string text) {
  std::ranges::replace(text, ',', ' ');
  return words_of(text);
}

bool is_own_word(std::string_view key) {
  return key.starts_with("row.") || key == "simulated" || key == "interpreters" || key == "explained";
}

class reader {
 public:
  reader(std::string_view text, const std::string& label) : lines_(text, label, is_own_word) {
    out_.slug = std::filesystem::path(label).stem().string();
    out_.claim = lines_.about();
    if (out_.claim.empty()) lines_.refuse(0, "its first lines say what is claimed: # ...");
    for (const sourced_line& l : lines_.all()) one(l);
    if (out_.published.empty()) lines_.refuse(0, "published is missing");
    if (out_.checks.empty()) lines_.refuse(0, "a check.NAME is missing");
  }
  finding finish() { return std::move(out_); }

 private:
  void one(const sourced_line& l) {
    if (l.key == "published") {
      out_.published.push_back(l);
    } else if (l.key == "machine") {
      out_.machines.push_back(l);
    } else if (l.key == "explained") {
      out_.explained = l.value;
    } else if (l.key == "simulated") {
      if (l.value != "no") lines_.refuse(l.line, fmt::format("simulated: {} is not no", l.value));
      out_.simulated = false;
    } else if (l.key == "interpreters") {
      out_.interpreters = listed(l.value);
    } else if (l.key == "cores") {
      out_.cores = static_cast<int>(number(l, l.value));
    } else if (l.key.starts_with("row.")) {
      row(l);
    } else if (l.key.starts_with("check.")) {
      check(l);
    } else {
      lines_.refuse(l.line, fmt::format("no such key: {}", l.key));
    }
  }
  double number(const sourced_line& l, const std::string& text) const {
    double n = 0;
    if (!to_number(text, n) || !(n > 0) || n > 1e6)
      lines_.refuse(l.line, fmt::format("{}: {} is no number above 0", l.key, text));
    return n;
  }
  // Of a metric; what has the largest ones is in bytes or ns.
  double figure(const sourced_line& l, const std::string& text) const {
    double n = 0;
    if (!to_number(text, n) || !(n >= 0) || n > 1e15)
      lines_.refuse(l.line, fmt::format("{}: {} is no number from 0 on", l.key, text));
    return n;
  }
  void row(const sourced_line& l) {
    const auto words = words_of(l.value);
    if (words.size() != 3 && words.size() != 4) {
      lines_.refuse(l.line, fmt::format("{} is not STRATEGY WORKLOAD THREADS [MODE]", l.key));
    }
    finding_row r{l.key.substr(4), words[0], words[1], static_cast<int>(number(l, words[2]))};
    if (words.size() == 4) {
      const auto named = std::ranges::find(mode_names, words[3]);
      if (named == mode_names.end()) lines_.refuse(l.line, fmt::format("{}: no such mode: {}", l.key, words[3]));
      r.mode = static_cast<measure_mode>(named - mode_names.begin());
    }
    out_.rows.push_back(std::move(r));
  }
  // A / B METRIC in LOW .. HIGH, refuted above X, below Y; or without / B
  void check(const sourced_line& l) {
    const auto w = listed(l.value);
    const auto wrong = [&] {
      lines_.refuse(l.line,
                    fmt::format("{} is not A / B METRIC in LOW .. HIGH, refuted above X, below Y, or A METRIC in ...", l.key));
    };
    const bool is_ratio = w.size() > 1 && w[1] == "/";
    const std::size_t at = is_ratio ? 3 : 1;  // the metric
    if (w.size() < at + 8 || w.size() % 2 == 0 || w[at + 1] != "in" || w[at + 3] != ".." || w[at + 5] != "refuted") wrong();
    const auto bound = [&](std::size_t i) { return is_ratio ? number(l, w[i]) : figure(l, w[i]); };
    finding_check c{l.key.substr(6), w[0], is_ratio ? w[2] : "", w[at], bound(at + 2), bound(at + 4), {}, {}, l.source};
    for (std::size_t i = at + 6; i + 1 < w.size(); i += 2) {
      if (w[i] != "above" && w[i] != "below") wrong();
      (w[i] == "above" ? c.refuted_above : c.refuted_below) = bound(i + 1);
    }
    for (const auto& name : {c.over, c.under}) {
      if (!name.empty() && std::ranges::find(out_.rows, name, &finding_row::name) == out_.rows.end()) {
        lines_.refuse(l.line, fmt::format("{}: there is no row.{} before it", l.key, name));
      }
    }
    if (c.low > c.high || c.refuted_above.value_or(c.high) < c.high || c.refuted_below.value_or(c.low) > c.low) {
      lines_.refuse(l.line, fmt::format("{}: what refutes it is outside of its band", l.key));
    }
    out_.checks.push_back(std::move(c));
  }

  sourced_lines lines_;
  finding out_;
};

}  // namespace

suite_group finding_row::group() const {
  suite_group g;
  g.title = name;
  g.strategies = {name_spec::read("row", strategy)};
  g.workloads = {name_spec::read("row", workload)};
  g.threads.counts = {threads};
  g.modes = {mode};
  return g;
}

std::string finding_check::expected() const {
  std::string out = low == high ? number_text(low) : fmt::format("{} to {}", number_text(low), number_text(high));
  if (refuted_above) out += fmt::format("; refuted above {}", number_text(*refuted_above));
  if (refuted_below) out += fmt::format("{} below {}", refuted_above ? " or" : "; refuted", number_text(*refuted_below));
  return out;
}

std::string finding_check::subject() const {
  return under.empty() ? fmt::format("{}, {}", over, metric) : fmt::format("{} / {}, {}", over, under, metric);
}

const finding_row& finding::row(std::string_view name) const { return *std::ranges::find(rows, name, &finding_row::name); }

std::string finding::not_simulated(const finding_row& r) const {
  if (cores < 2 || !simulated) return "instructions are not modelled";
  if (r.mode != measure_mode::throughput) return fmt::format("{} is not modelled", name_of(r.mode));
  return "";
}

finding parse_finding(std::string_view text, const std::string& label) { return reader(text, label).finish(); }

std::vector<std::string> finding_slugs() {
  std::vector<std::string> slugs;
  for (const auto& file : bundled_files(bundled::findings, ".finding")) slugs.push_back(file.stem().string());
  return slugs;
}

std::vector<finding> choose_findings(const std::vector<std::string>& slugs) {
  if (const std::string why = bundled_missing(bundled::findings); !why.empty()) throw results_error(why);
  std::map<std::string, finding> all;
  for (const auto& file : bundled_files(bundled::findings, ".finding")) {
    const auto text = text_in(file);
    if (!text) throw usage_error(fmt::format("{}: can't be read", file.string()));
    all.emplace(file.stem().string(), parse_finding(*text, file.filename().string()));
  }
  std::vector<finding> chosen;
  if (slugs.empty()) {
    for (auto& [slug, f] : all) chosen.push_back(std::move(f));
    return chosen;
  }
  for (const auto& slug : slugs) {
    const auto found = all.find(slug);
    if (found == all.end()) throw usage_error(no_such("findings", slug, "finding", finding_slugs()));
    chosen.push_back(found->second);
  }
  return chosen;
}

std::string findings_suite_of(const std::vector<std::string>& slugs) {
  std::string name(findings_suite_name);
  for (const auto& s : slugs) name += (name.size() == findings_suite_name.size() ? "." : "+") + s;
  return name;
}

const suite_info& findings_suite(std::string_view name) {
  static std::map<std::string, suite_info, std::less<>> made;
  if (const auto there = made.find(name); there != made.end()) return there->second;
  std::vector<std::string> slugs;
  const std::string_view rest = name.substr(findings_suite_name.size());
  if (!rest.empty()) slugs = split(rest.substr(1), '+');
  suite_info suite{.name = std::string(name),
                   .summary = "the rows of published findings",
                   .how = {.processes = 8, .windows = 1, .ramp = 5ms, .window = 100ms, .briefs = 4},
                   .groups = {},
                   .fixed_threads = true,
                   .baseline = false};
  for (const finding& f : choose_findings(slugs)) {
    for (const finding_row& r : f.rows) {
      suite_group& g = suite.groups.emplace_back(r.group());
      g.cores = f.cores;
      g.beside = f.slug;
      g.simulated = f.not_simulated(r).empty();
    }
  }
  return made.emplace(std::string(name), std::move(suite)).first->second;
}

}  // namespace tally
