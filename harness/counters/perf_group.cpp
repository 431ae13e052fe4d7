#include "harness/counters/perf_group.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "harness/base/bundled.hpp"
#include "harness/base/files.hpp"
#include "harness/base/sourced.hpp"
#include "harness/base/text.hpp"

namespace tally {
namespace {

namespace fs = std::filesystem;

// The first word; what is left stays in `rest`.
std::string_view word(std::string_view& rest) {
  rest = trimmed(rest);
  const auto end = std::min(rest.find_first_of(" \t"), rest.size());
  const std::string_view w = rest.substr(0, end);
  rest = trimmed(rest.substr(end));
  return w;
}

bool is_name(std::string_view s) {
  return !s.empty() && (s[0] < '0' || s[0] > '9') && std::ranges::all_of(s, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

template <class Number>
bool whole_number(std::string_view s, Number& into) {
  const auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), into);
  return error == std::errc{} && end == s.data() + s.size();
}

class group_parser {
 public:
  explicit group_parser(const std::string& file) : file_(fs::path(file).filename().string()) {
    group_.name = fs::path(file).stem().string();
  }

  counter_group parse(std::string_view text) {
    std::istringstream in{std::string(text)};
    for (std::string line; std::getline(in, line);) {
      ++line_;
      std::string_view rest = trimmed(std::string_view(line).substr(0, line.find('#')));
      if (!rest.empty()) statement(word(rest), rest);
    }
    ++line_;
    if (group_.summary.empty()) fail("a group needs a summary");
    if (group_.sections.empty()) fail("a group needs a section: on any, or on VENDOR FAMILY/MODEL");
    finish_section();
    return std::move(group_);
  }

 private:
  [[noreturn]] void fail(const std::string& what) const { throw usage_error(fmt::format("{}:{}: {}", file_, line_, what)); }

  void statement(std::string_view keyword, std::string_view rest) {
    if (rest.empty()) fail(fmt::format("{}: nothing follows", keyword));
    if (keyword == "summary") {
      if (!group_.summary.empty()) fail("a second summary");
      group_.summary = rest;
    } else if (keyword == "note") {
      group_.notes.emplace_back(rest);
    } else if (keyword == "multiplex") {
      multiplex(rest);
    } else if (keyword == "on") {
      section(rest);
    } else if (keyword == "event") {
      event(rest);
    } else if (keyword == "metric") {
      metric(rest);
    } else {
      static const std::vector<std::string> known{"summary", "note", "multiplex", "on", "event", "metric"};
      fail(no_such("", keyword, "statement", known).substr(1));
    }
  }

  void multiplex(std::string_view rest) {
    const std::string_view how = word(rest);
    if (how == "refuse" && rest.empty()) {
      group_.least_share = 2;
    } else if (how != "scale" || !whole_number(rest, group_.least_share) || !(group_.least_share > 0) || group_.least_share > 1) {
      fail("multiplex: refuse, or scale and a share above 0, at most 1");
    }
  }

  void section(std::string_view rest) {
    if (!group_.sections.empty()) {
      finish_section();
      if (group_.sections.back().vendor == "any") fail("no section can follow `on any`: it would never be used");
    }
    counter_section s;
    s.vendor = word(rest);
    if (s.vendor == "any" && !rest.empty()) fail("on any: nothing else can be said");
    while (!rest.empty()) {
      const std::string_view m = word(rest);
      const auto slash = m.find('/');
      model_range r;
      const std::string_view models = slash == m.npos ? "" : m.substr(slash + 1);
      const auto dash = models.find('-');
      const bool fine = slash != m.npos && whole_number(m.substr(0, slash), r.family) &&
                        whole_number(models.substr(0, dash), r.first) &&
                        (dash == models.npos ? (r.last = r.first, true) : whole_number(models.substr(dash + 1), r.last));
      if (!fine || r.last < r.first) fail(fmt::format("on {}: {} is not FAMILY/MODEL or FAMILY/FIRST-LAST", s.vendor, m));
      s.models.push_back(r);
    }
    group_.sections.push_back(std::move(s));
  }

  counter_section& current(std::string_view keyword) {
    if (group_.sections.empty()) fail(fmt::format("{}: must stand below an `on`", keyword));
    return group_.sections.back();
  }

  // NAME words = middle ; end
  void split(std::string_view keyword, std::string_view rest, std::string_view& head, std::string_view& middle,
             std::string_view& end) const {
    const auto equals = rest.find('='), semicolon = rest.rfind(';');
    if (equals == rest.npos || semicolon == rest.npos || semicolon < equals) {
      fail(fmt::format("{}: NAME ... = ... ; {}", keyword, keyword == "event" ? "its source" : "its meaning"));
    }
    head = trimmed(rest.substr(0, equals));
    middle = trimmed(rest.substr(equals + 1, semicolon - equals - 1));
    end = trimmed(rest.substr(semicolon + 1));
    if (head.empty() || middle.empty() || end.empty()) fail(fmt::format("{}: a part is empty", keyword));
  }

  void event(std::string_view rest) {
    counter_section& s = current("event");
    std::string_view head, middle, end;
    split("event", rest, head, middle, end);
    counter_event e;
    e.name = word(head);
    if (head == "kernel") {
      e.kernel = true;
    } else if (!head.empty()) {
      fail(fmt::format("event {}: {} is not expected before =", e.name, head));
    }
    fresh(e.name);
    e.source = end;
    for (std::string_view more = middle; !more.empty();) {
      const auto bar = std::min(more.find('|'), more.size());
      const std::string_view one = trimmed(more.substr(0, bar));
      std::string ignored;
      try {
        (void)encode(one, ignored);
      } catch (const usage_error& wrong) {
        fail(fmt::format("event {}: {}", e.name, wrong.what()));
      }
      e.encodings.emplace_back(one);
      more = bar < more.size() ? more.substr(bar + 1) : std::string_view{};
    }
    s.events.push_back(std::move(e));
  }

  void metric(std::string_view rest) {
    counter_section& s = current("metric");
    std::string_view head, middle, end;
    split("metric", rest, head, middle, end);
    counter_metric m;
    m.name = word(head);
    m.unit = head;
    if (m.unit.empty()) fail(fmt::format("metric {}: needs a unit", m.name));
    fresh(m.name);
    m.text = middle;
    m.meaning = end;
    std::vector<std::string> known{"ops", "seconds", "lanes"};
    for (const auto& e : s.events) known.push_back(e.name);
    try {
      m.value = formula(middle, known);
    } catch (const formula_error& wrong) {
      fail(fmt::format("metric {}: column {} of the formula: {}", m.name, wrong.at + 1, wrong.what()));
    }
    s.metrics.push_back(std::move(m));
  }

  void fresh(const std::string& name) {
    if (!is_name(name)) fail(fmt::format("'{}' is no name: letters, digits and _, not a digit first", name));
    if (name == "ops" || name == "seconds" || name == "lanes") fail(fmt::format("{} is the harness's own", name));
    const counter_section& s = group_.sections.back();
    if (std::ranges::find(s.events, name, &counter_event::name) != s.events.end() ||
        std::ranges::find(s.metrics, name, &counter_metric::name) != s.metrics.end()) {
      fail(fmt::format("{} is there already", name));
    }
  }

  void finish_section() const {
    if (group_.sections.back().events.empty()) fail("the section above has no event");
    if (group_.sections.back().metrics.empty()) fail("the section above has no metric");
  }

  std::string file_;
  int line_ = 0;
  counter_group group_;
};

counter_group read_group(const fs::path& path) {
  const auto text = text_in(path);
  if (!text) throw usage_error(fmt::format("--counters {}: can't be read", path.string()));
  return parse_counter_group(path.string(), *text);
}

}  // namespace

std::string cpu_identity::text() const { return fmt::format("{} {}/{}", vendor, family, model); }

cpu_identity read_cpuinfo(const std::string& text) {
  cpu_identity id{"unknown", 0, 0};
  std::istringstream in(text);
  for (std::string line; std::getline(in, line) && !line.empty();) {  // the first processor
    const auto colon = line.find(':');
    if (colon == std::string::npos) continue;
    const std::string_view name = trimmed(std::string_view(line).substr(0, colon));
    const std::string_view value = trimmed(std::string_view(line).substr(colon + 1));
    if (name == "vendor_id") id.vendor = value;
    if (name == "cpu family") whole_number(value, id.family);
    if (name == "model") whole_number(value, id.model);
  }
  return id;
}

const cpu_identity& this_cpu() {
  static const cpu_identity mine = [] {
    std::ifstream in("/proc/cpuinfo");
    return read_cpuinfo({std::istreambuf_iterator<char>(in), {}});
  }();
  return mine;
}

bool counter_section::fits(const cpu_identity& cpu) const {
  if (vendor == "any") return true;
  return vendor == cpu.vendor && (models.empty() || std::ranges::any_of(models, [&](const model_range& r) {
                                    return r.family == cpu.family && r.first <= cpu.model && cpu.model <= r.last;
                                  }));
}

const counter_section* counter_group::section_for(const cpu_identity& cpu) const {
  const auto s = std::ranges::find_if(sections, [&](const counter_section& one) { return one.fits(cpu); });
  return s == sections.end() ? nullptr : &*s;
}

counter_group parse_counter_group(const std::string& file, std::string_view text) { return group_parser(file).parse(text); }

const std::vector<counter_group>& built_in_counters() {
  static const std::vector<counter_group> all = [] {
    std::vector<counter_group> groups;
    for (const auto& f : bundled_files(bundled::counters, ".group")) groups.push_back(read_group(f));
    return groups;
  }();
  return all;
}

namespace {

counter_group group_named(std::string_view flag, const std::string& typed) {
  if (typed.find('/') != std::string::npos || typed.ends_with(".group")) return read_group(typed);
  if (const std::string why = bundled_missing(bundled::counters); !why.empty()) throw results_error(why);
  const auto& all = built_in_counters();
  const auto found = std::ranges::find(all, typed, &counter_group::name);
  if (found != all.end()) return *found;
  std::vector<std::string> known;
  for (const auto& one : all) known.push_back(one.name);
  throw usage_error(no_such(flag, typed, "group of counters", known));
}

}  // namespace

counter_choice counter_choice::read(std::string_view flag, std::string_view text) {
  counter_choice c;
  c.typed = text;
  (void)group_named(flag, c.typed);
  return c;
}

std::vector<counter_group> choose_counters(const std::vector<std::string>& typed) {
  std::vector<counter_group> chosen;
  for (const auto& t : typed) {
    counter_group g = group_named("--counters", t);
    if (std::ranges::find(chosen, g.name, &counter_group::name) != chosen.end()) {
      throw usage_error(fmt::format("--counters {}: {} is there already", t, g.name));
    }
    chosen.push_back(std::move(g));
  }
  return chosen;
}

}  // namespace tally
