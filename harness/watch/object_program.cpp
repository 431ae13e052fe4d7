#include "harness/watch/object_program.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <map>
#include <utility>

#include "harness/base/text.hpp"

namespace tally {
namespace {

// Beyond them a program is a mistake, and what it costs has no bound.
constexpr std::size_t most_text = std::size_t{64} << 20, most_statements = 2'000'000, longest_name = 64;
constexpr std::size_t most_nested = 20;  // loops inside each other: as CPython
constexpr std::uint64_t most_slots = 1000, most_threshold = std::numeric_limits<std::int32_t>::max(), most_turns = 1'000'000'000;

// What may follow a statement's word: v a variable, p a place (X.i), n a number, g a generation or nothing; * what `new` has.
struct grammar_row {
  std::string_view word;
  statement_kind kind;
  std::string_view operands, form;
  std::uint64_t most = 0;  // of its numbers
};
constexpr std::array grammar{
    grammar_row{"new", statement_kind::make, "vn*", "new X SLOTS, new X SLOTS note, or new X SLOTS revive V", most_slots},
    grammar_row{"leaf", statement_kind::leaf, "v", "leaf X"},
    grammar_row{"let", statement_kind::let, "vv", "let Y X"},
    grammar_row{"get", statement_kind::get, "vp", "get Y X.i"},
    grammar_row{"set", statement_kind::set, "pv", "set X.i Y"},
    grammar_row{"clear", statement_kind::clear, "p", "clear X.i"},
    grammar_row{"del", statement_kind::del, "v", "del X"},
    grammar_row{"weak", statement_kind::weak, "vv", "weak W X"},
    grammar_row{"up", statement_kind::up, "vv", "up Y W"},
    grammar_row{"collect", statement_kind::collect, "g", "collect, or collect G", 2},
    grammar_row{"threshold", statement_kind::threshold, "nnn", "threshold A B C", most_threshold},
    grammar_row{"disable", statement_kind::disable, "", "disable"},
    grammar_row{"enable", statement_kind::enable, "", "enable"},
    grammar_row{"freeze", statement_kind::freeze, "", "freeze"},
    grammar_row{"unfreeze", statement_kind::unfreeze, "", "unfreeze"},
    grammar_row{"count", statement_kind::count, "v", "count X"},
    grammar_row{"state", statement_kind::state, "", "state"},
    grammar_row{"who", statement_kind::who, "v", "who X"},
    grammar_row{"repeat", statement_kind::repeat, "n", "repeat TIMES", most_turns},
    grammar_row{"end", statement_kind::end, "", "end"},
};

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

// A word in a message: short, and nothing that a terminal would obey.
std::string shown(std::string_view word) {
  constexpr std::size_t most = 40;
  std::string out;
  for (const char c : word.substr(0, most)) out += c > ' ' && c <= '~' ? c : '?';
  return word.size() > most ? out + "..." : out;
}

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  line = line.substr(0, line.find('#'));
  constexpr std::string_view blanks = " \t\r\f\v";
  while (true) {
    const auto begin = line.find_first_not_of(blanks);
    if (begin == std::string_view::npos) return words;
    const auto end = std::min(line.find_first_of(blanks, begin), line.size());
    words.push_back(line.substr(begin, end - begin));
    line.remove_prefix(end);
  }
}

std::uint64_t saturated_product(std::uint64_t a, std::uint64_t b) {
  return b != 0 && a > std::numeric_limits<std::uint64_t>::max() / b ? std::numeric_limits<std::uint64_t>::max() : a * b;
}
std::uint64_t saturated_sum(std::uint64_t a, std::uint64_t b) {
  return a > std::numeric_limits<std::uint64_t>::max() - b ? std::numeric_limits<std::uint64_t>::max() : a + b;
}

class parser {
 public:
  parser(std::string_view file, std::uint64_t steps) : limit_(steps) { program_.file = file; }

  object_program read(std::string_view text) {
    if (text.size() > most_text) refuse(fmt::format("a program has at most {} MiB", most_text >> 20));
    for (line_ = 1;; ++line_) {
      const auto end = text.find('\n');
      if (const auto words = words_of(text.substr(0, end)); !words.empty()) read_statement(words);
      if (end == std::string_view::npos) break;
      text.remove_prefix(end + 1);
    }
    if (!open_.empty()) refuse(program_.statements[open_.back().at].line, "no `end` closes this loop");
    if (program_.statements.empty()) refuse(1, "there is no statement in it");
    check_slots();
    program_.steps = steps_;
    return std::move(program_);
  }

 private:
  struct open_loop {
    std::size_t at;
    std::uint64_t steps, turns;  // before it
  };

  [[noreturn]] void refuse(std::uint32_t line, std::string_view what) const {
    throw usage_error(program_.place(line) + std::string(what));
  }
  [[noreturn]] void refuse(std::string_view what) const { refuse(line_, what); }

  void read_statement(const std::vector<std::string_view>& words) {
    if (program_.statements.size() == most_statements)
      refuse(fmt::format("a program has at most {} statements", most_statements));
    const auto row = std::ranges::find(grammar, words[0], &grammar_row::word);
    if (row == grammar.end()) refuse_word(words[0]);
    program_statement s;
    s.kind = row->kind;
    s.line = line_;
    for (const auto w : words) s.text += (s.text.empty() ? "" : " ") + std::string(w.substr(0, longest_name + 16));
    std::size_t at = 1;
    const auto next = [&] {
      if (at == words.size()) refuse(fmt::format("{}: too few words; it is: {}", row->word, row->form));
      return words[at++];
    };
    for (const char operand : row->operands) {
      switch (operand) {
        case 'v': s.variables.push_back(variable(next())); break;
        case 'p': read_place(s, next()); break;
        case 'n': s.numbers.push_back(number(next(), row->most)); break;
        case 'g':
          if (at < words.size()) s.numbers.push_back(number(next(), row->most));
          break;
        default: read_finalizer(s, words, at); break;
      }
    }
    if (at < words.size()) {
      refuse(fmt::format("{}: '{}' is a word too many; it is: {}", row->word, shown(words[at]), row->form));
    }
    if (s.kind == statement_kind::make) largest_ = std::max(largest_.value_or(0), s.numbers[0]);
    count_steps(s);
    program_.statements.push_back(std::move(s));
  }
  [[noreturn]] void refuse_word(std::string_view word) const {
    std::vector<std::string> names;
    for (const auto& r : grammar) names.emplace_back(r.word);
    throw usage_error(no_such(program_.file + ":" + std::to_string(line_) + ":", shown(word), "statement", names));
  }

  // Loops: what stands between is done as often as they say.
  void count_steps(program_statement& s) {
    const std::size_t here = program_.statements.size();
    if (s.kind == statement_kind::repeat) {
      if (open_.size() == most_nested) refuse(fmt::format("loops are at most {} deep", most_nested));
      open_.push_back({here, std::exchange(steps_, 0), std::exchange(turns_, 0)});
      return;
    }
    if (s.kind != statement_kind::end) {
      steps_ = saturated_sum(steps_, 1);
    } else {
      if (open_.empty()) refuse("`end` without a `repeat`");
      const open_loop loop = open_.back();
      open_.pop_back();
      program_statement& begin = program_.statements[loop.at];
      s.partner = loop.at;
      begin.partner = here;
      steps_ = saturated_sum(loop.steps, saturated_product(begin.numbers[0], steps_));
      turns_ = saturated_sum(loop.turns, saturated_product(begin.numbers[0], saturated_sum(turns_, 1)));
      if (steps_ > limit_ || turns_ > limit_) refuse_steps(begin.line);
    }
    if (steps_ > limit_) refuse_steps(line_);
  }
  [[noreturn]] void refuse_steps(std::uint32_t line) const {
    refuse(line, fmt::format("more than {} steps; --steps allows up to {}", limit_, most_steps));
  }

  std::uint32_t variable(std::string_view name) {
    const bool fine = is_letter(name[0]) && name.size() <= longest_name &&
                      std::ranges::all_of(name, [](char c) { return is_letter(c) || is_digit(c) || c == '_'; });
    if (!fine) refuse(fmt::format("{}: a name is a letter, then letters, digits and _, at most {}", shown(name), longest_name));
    const auto [it, is_new] = places_.try_emplace(std::string(name), static_cast<std::uint32_t>(program_.variables.size()));
    if (is_new) program_.variables.emplace_back(name);
    return it->second;
  }
  void read_place(program_statement& s, std::string_view word) {
    const auto dot = word.find('.');
    const std::string_view index = dot == std::string_view::npos ? "" : word.substr(dot + 1);
    if (dot == 0 || index.empty() || !std::ranges::all_of(index, is_digit)) {
      refuse(fmt::format("{}: a slot is a name, a point and a number, such as x.0", shown(word)));
    }
    s.variables.push_back(variable(word.substr(0, dot)));
    s.slot = static_cast<std::uint32_t>(number(index, most_slots - 1));
  }
  std::uint64_t number(std::string_view word, std::uint64_t most) const {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (error != std::errc{} || end != word.data() + word.size() || value > most) {
      refuse(fmt::format("{}: a whole number from 0 to {} is wanted", shown(word), most));
    }
    return value;
  }
  void read_finalizer(program_statement& s, const std::vector<std::string_view>& words, std::size_t& at) {
    if (at == words.size()) return;
    const std::string_view word = words[at++];
    if (word == "note") {
      s.object = object_kind::note;
    } else if (word == "revive") {
      s.object = object_kind::revive;
      if (at == words.size()) refuse("new: revive needs the variable that the object is stored in; it is: new X SLOTS revive V");
      s.variables.push_back(variable(words[at++]));
    } else {
      refuse(fmt::format("{}: a finaliser is note, or revive V", shown(word)));
    }
  }

  void check_slots() const {
    for (const auto& s : program_.statements) {
      const bool has_place = s.kind == statement_kind::get || s.kind == statement_kind::set || s.kind == statement_kind::clear;
      if (!has_place || s.slot < largest_.value_or(0)) continue;
      const std::string of = program_.variables[s.variables[s.kind == statement_kind::get ? 1 : 0]];
      refuse(s.line, largest_ ? fmt::format("{}.{}: no object here has such a slot; the largest has {}, which count from 0", of,
                                            s.slot, counted(*largest_, "slot"))
                              : fmt::format("{}.{}: no object here has slots: there is no `new`", of, s.slot));
    }
  }

  const std::uint64_t limit_;
  object_program program_;
  std::uint32_t line_ = 1;
  std::map<std::string, std::uint32_t, std::less<>> places_;  // of variables
  std::vector<open_loop> open_;
  std::uint64_t steps_ = 0, turns_ = 0;   // of the loop that is open, or all
  std::optional<std::uint64_t> largest_;  // slots of an object
};

}  // namespace

object_program parse_program(std::string_view text, std::string_view file, std::uint64_t steps) {
  return parser(file, steps).read(text);
}

}  // namespace tally
