#include "harness/report/comparison_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "harness/base/text.hpp"

namespace tally {
namespace {

constexpr std::size_t verdicts = static_cast<std::size_t>(change::fell) + 1;

// What a metric's better and worse sides are called.
struct side_words {
  std::string_view unit, better, worse;
};
constexpr std::array words_by_unit{side_words{"ns", "faster", "slower"}, side_words{"1/s", "faster", "slower"},
                                   side_words{"B", "smaller", "larger"}};
constexpr side_words other_words{"", "better", "worse"};

std::string figure_text(double value, const std::string& unit) {
  const bool plain = unit.empty() || unit == "1" || unit == "ratio";
  return fmt::format("{:.4g}{}{}", value, plain ? "" : " ", plain ? "" : unit);
}

std::string interval_text(const compared_figure& f) {
  const auto& c = f.ratio.confidence;
  return c && !f.exact ? fmt::format("[{:.3f}, {:.3f}]", c->low, c->high) : "";
}

std::string side_text(const compared_side& s) {
  return fmt::format("{} ({}; {})", s.name, s.origin.text(),
                     s.processes == 1 ? "1 process" : fmt::format("{} processes", s.processes));
}

// "2 slower, 1 faster, 37 no difference": what was said how often.
std::string counts_text(const std::vector<compared_figure>& figures) {
  std::vector<std::pair<std::string, std::size_t>> said;
  std::array<std::vector<const compared_figure*>, verdicts> by_verdict;
  for (const auto& f : figures) by_verdict.at(static_cast<std::size_t>(f.verdict)).push_back(&f);
  for (const auto v : {change::worse, change::better, change::rose, change::fell, change::none, change::doubtful, change::few}) {
    for (const auto* f : by_verdict.at(static_cast<std::size_t>(v))) {
      const std::string word = v == change::few ? "without a verdict" : verdict_word(*f);
      const auto found = std::ranges::find(said, word, &std::pair<std::string, std::size_t>::first);
      if (found != said.end()) {
        ++found->second;
      } else {
        said.emplace_back(word, 1);
      }
    }
  }
  std::vector<std::string> words;
  for (const auto& [word, n] : said) words.push_back(fmt::format("{} {}", n, word));
  return joined(words);
}

// What could have been seen: the median over the figures, and the ends.
std::string sight_text(const std::vector<compared_figure>& figures) {
  std::vector<double> seen;
  for (const auto& f : figures) {
    if (f.least_seen) seen.push_back(*f.least_seen);
  }
  if (seen.empty()) return "";
  const auto [least, most] = std::ranges::minmax(seen);
  return fmt::format(
      "The smallest difference that this comparison could have seen is {} (the median over the figures, from {} to {}).",
      percent_text(median(seen)), percent_text(least), percent_text(most));
}

// What the rank test says of the differences; "" without any.
std::string ranks_text(const std::vector<compared_figure>& figures) {
  const auto called = static_cast<std::size_t>(std::ranges::count_if(figures, &compared_figure::tested_different));
  const auto doubted = static_cast<std::size_t>(std::ranges::count_if(figures, &compared_figure::doubted_by_ranks));
  if (called == 0) return "";
  constexpr std::string_view second = "A second opinion, by the ranks of the processes' medians alone (Mann-Whitney),";
  if (doubted == 0)
    return fmt::format("{} agrees with {}.", second, called == 1 ? "the difference" : fmt::format("all {} differences", called));
  return fmt::format("{} does not see {} of {}; it is said beside them.", second, doubted, counted(called, "difference"));
}

std::vector<std::string> head_sentences(const told_comparison& t) {
  const auto& figures = t.result.figures;
  std::vector<std::string> all;
  all.push_back(fmt::format("{}, new over old{}: {}.", counted(figures.size(), "figure"),
                            t.result.tests != 0 ? ", with 95 % intervals" : "", counts_text(figures)));
  if (t.result.tests != 0) {
    all.push_back(
        fmt::format("A difference is what Holm's correction over {} leaves at {:g} %, and what is more than the A/A pairs of "
                    "both runs differ by.",
                    counted(t.result.tests, "figure"), 100 * significance));
    all.push_back(sight_text(figures));
    all.push_back(ranks_text(figures));
  }
  const auto few = std::ranges::count(figures, change::few, &compared_figure::verdict);
  if (few != 0) {
    all.push_back(
        fmt::format("{} from fewer than {} processes on a side: no interval, and no verdict. More processes (--processes {}) "
                    "on both sides give them.",
                    few == 1 ? "1 figure is" : fmt::format("{} figures are", few), t.processes_needed, t.processes_needed));
  }
  if (!t.differences.empty()) {
    all.push_back("Forced: the two sides differ in more than the revision, so that a difference may be one of these.");
  }
  return all;
}

std::string gate_text(const told_comparison& t) {
  if (!t.gate) return "";
  const auto worse = regressions(t.result, *t.gate);
  if (worse.empty()) return fmt::format("Gate of {:g} %: no figure's whole interval is beyond it.\n", *t.gate);
  std::vector<std::string> names;
  for (const auto* f : worse) names.push_back(fmt::format("{} ({})", f->row, f->metric));
  return fmt::format("Gate of {:g} %: a regression, {}.\n", *t.gate, joined(names));
}

std::string rows_list(std::string_view title, const std::vector<uncompared_row>& rows) {
  if (rows.empty()) return "";
  std::string out = fmt::format("{}\n", title);
  for (const auto& r : rows) out += fmt::format("  {}{}{}\n", r.row, r.why.empty() ? "" : ": ", r.why);
  return out;
}

constexpr std::string_view only_before = "Only in the old run:", only_after = "Only in the new run:",
                           unlike_rows = "Not compared, since they are not the same:";

struct table_line {
  std::string name, before, after, ratio, around, remark;
};

table_line line_of(const compared_figure& f, bool with_metric) {
  std::string remark = verdict_word(f);
  if (f.doubted_by_ranks()) remark += " (not by ranks)";
  if (f.verdict == change::none && f.least_seen) remark += fmt::format(" (could see {})", percent_text(*f.least_seen));
  return {with_metric ? fmt::format("{} {}", f.label, f.metric) : f.label,
          figure_text(f.before, f.unit),
          figure_text(f.after, f.unit),
          fmt::format("{:.3f}x", f.ratio.ratio),
          interval_text(f),
          remark};
}

bool several_metrics(const run_comparison& c) {
  for (std::size_t i = 1; i < c.figures.size(); ++i) {
    if (c.figures[i].row == c.figures[i - 1].row) return true;
  }
  return false;
}

std::string scenes_text(const run_comparison& c) {
  std::vector<table_line> lines;
  std::array<std::size_t, 5> widths{};
  for (const auto& f : c.figures) {
    const table_line& l = lines.emplace_back(line_of(f, several_metrics(c)));
    const std::array cells{&l.name, &l.before, &l.after, &l.ratio, &l.around};
    for (std::size_t i = 0; i < cells.size(); ++i) widths.at(i) = std::max(widths.at(i), cells.at(i)->size());
  }
  std::string out;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const compared_figure& f = c.figures[i];
    if (i == 0 || f.scene != c.figures[i - 1].scene) out += fmt::format("\n{}\n", f.title);
    const table_line& l = lines[i];
    std::string line = fmt::format("  {:{}}  {:>{}} -> {:>{}}  {:>{}}  {:{}}  {}", l.name, widths[0], l.before, widths[1],
                                   l.after, widths[2], l.ratio, widths[3], l.around, widths[4], l.remark);
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out + "\n";
}

// In a cell of a Markdown table.
std::string escaped_cell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|' || c == '\\' || c == '*' || c == '_' || c == '<' || c == '`') out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out;
}

std::string markdown_table(const std::vector<const compared_figure*>& figures) {
  std::string out =
      "| row | metric | old | new | new / old | 95 % interval | verdict |\n| --- | --- | ---: | ---: | ---: | --- | --- |\n";
  for (const auto* f : figures) {
    const table_line l = line_of(*f, false);
    out += fmt::format("| {}: {} | {} | {} | {} | {} | {} | {} |\n", escaped_cell(f->title), escaped_cell(l.name),
                       escaped_cell(f->metric), escaped_cell(l.before), escaped_cell(l.after), l.ratio, escaped_cell(l.around),
                       escaped_cell(l.remark));
  }
  return out + "\n";
}

std::string markdown_list(std::string_view title, const std::vector<uncompared_row>& rows) {
  if (rows.empty()) return "";
  std::string out = fmt::format("{}\n\n", title);
  for (const auto& r : rows)
    out += fmt::format("* {}{}{}\n", escaped_cell(r.row), r.why.empty() ? "" : ": ", escaped_cell(r.why));
  return out + "\n";
}

}  // namespace

std::string verdict_word(const compared_figure& f) {
  const auto found = std::ranges::find(words_by_unit, f.unit, &side_words::unit);
  const side_words& words = found == words_by_unit.end() ? other_words : *found;
  switch (f.verdict) {
    case change::few: return "";
    case change::doubtful: return "doubtful";
    case change::none: return f.exact ? "the same" : "no difference";
    case change::better: return std::string(words.better);
    case change::worse: return std::string(words.worse);
    case change::rose: return "higher";
    case change::fell: return "lower";
  }
  return "";
}

std::string differences_text(const std::vector<origin_difference>& all, const std::string& before, const std::string& after) {
  std::string out;
  for (const auto& d : all) out += fmt::format("  {}: {} in {}, {} in {}\n", d.field, d.here, before, d.there, after);
  return out;
}

std::string comparison_text(const told_comparison& t) {
  std::string out = fmt::format("Old: {}\nNew: {}\n", side_text(t.before), side_text(t.after));
  for (const auto& sentence : head_sentences(t)) out += sentence + "\n";
  out += differences_text(t.differences, t.before.name, t.after.name);
  out += scenes_text(t.result);
  out += rows_list(only_before, t.result.only_before) + rows_list(only_after, t.result.only_after) +
         rows_list(unlike_rows, t.result.unlike);
  return out + gate_text(t);
}

std::string comparison_markdown(const told_comparison& t) {
  std::string out =
      fmt::format("**Old:** {}\n**New:** {}\n\n", escaped_cell(side_text(t.before)), escaped_cell(side_text(t.after)));
  for (const auto& sentence : head_sentences(t)) out += escaped_cell(sentence) + "\n";
  for (const auto& d : t.differences) {
    out += fmt::format("* {}: {}, {}\n", escaped_cell(d.field), escaped_cell(d.here), escaped_cell(d.there));
  }
  out += "\n";
  std::vector<const compared_figure*> all, different;
  for (const auto& f : t.result.figures) {
    all.push_back(&f);
    if (f.verdict != change::none && f.verdict != change::few && f.verdict != change::doubtful) different.push_back(&f);
  }
  if (!different.empty()) out += markdown_table(different);
  out +=
      fmt::format("<details><summary>All {}</summary>\n\n{}</details>\n\n", counted(all.size(), "figure"), markdown_table(all));
  out += markdown_list(only_before, t.result.only_before) + markdown_list(only_after, t.result.only_after) +
         markdown_list(unlike_rows, t.result.unlike);
  return out + escaped_cell(gate_text(t)) + (t.gate ? "\n" : "");
}

}  // namespace tally
