#include "harness/counters/perf_formula.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace tally {

// sum = product {(+|-) product};  product = factor {(*|/) factor};  factor = number | name | ( sum ) | - factor
class formula::parser {
 public:
  parser(std::string_view text, std::span<const std::string> known, std::vector<step>& into)
      : text_(text), known_(known), into_(into) {}

  void whole() {
    sum();
    if (peek() != 0) throw formula_error(at_, fmt::format("'{}' is not expected here", peek()));
  }

 private:
  static constexpr int deepest = 64;

  char peek() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t')) ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  void sum() {
    product();
    for (char c = peek(); c == '+' || c == '-'; c = peek()) {
      ++at_;
      product();
      into_.push_back({c == '+' ? step_kind::add : step_kind::subtract, 0, {}});
    }
  }
  void product() {
    factor();
    for (char c = peek(); c == '*' || c == '/'; c = peek()) {
      ++at_;
      factor();
      into_.push_back({c == '*' ? step_kind::multiply : step_kind::divide, 0, {}});
    }
  }
  void factor() {
    if (++depth_ > deepest) throw formula_error(at_, "too deep");
    const char c = peek();
    if (c == '(') {
      const std::size_t open = at_++;
      sum();
      if (peek() != ')') throw formula_error(open, "this ( is not closed");
      ++at_;
    } else if (c == '-') {
      ++at_;
      factor();
      into_.push_back({step_kind::negate, 0, {}});
    } else if ((c >= '0' && c <= '9') || c == '.') {
      number();
    } else if (begins_name(c)) {
      name();
    } else {
      throw formula_error(at_, c == '\0' ? "ends too early" : fmt::format("'{}' is not expected here", c));
    }
    --depth_;
  }
  void number() {
    double value = 0;
    const char* const first = text_.data() + at_;
    const auto [end, error] = std::from_chars(first, text_.data() + text_.size(), value);
    if (error != std::errc{} || (end != text_.data() + text_.size() && begins_name(*end))) {
      throw formula_error(at_, "this is no number");
    }
    at_ += static_cast<std::size_t>(end - first);
    into_.push_back({step_kind::number, value, {}});
  }
  void name() {
    const std::size_t start = at_;
    while (at_ < text_.size() && (begins_name(text_[at_]) || (text_[at_] >= '0' && text_[at_] <= '9'))) ++at_;
    std::string name(text_.substr(start, at_ - start));
    if (std::ranges::find(known_, name) == known_.end()) {
      throw formula_error(start, fmt::format("{}: no such event here; there is {}", name, fmt::join(known_, ", ")));
    }
    into_.push_back({step_kind::name, 0, std::move(name)});
  }
  static bool begins_name(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

  std::string_view text_;
  std::span<const std::string> known_;
  std::vector<step>& into_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

formula::formula(std::string_view text, std::span<const std::string> known) { parser(text, known, steps_).whole(); }

measured_value formula::evaluate(const std::function<measured_value(const std::string&)>& named) const {
  std::vector<double> stack;
  for (const step& s : steps_) {
    if (s.kind == step_kind::number) {
      stack.push_back(s.number);
    } else if (s.kind == step_kind::name) {
      const measured_value v = named(s.name);
      if (!v.absent.empty()) return v;
      stack.push_back(v.value);
    } else if (s.kind == step_kind::negate) {
      stack.back() = -stack.back();
    } else {
      const double right = stack.back();
      stack.pop_back();
      double& left = stack.back();
      switch (s.kind) {
        case step_kind::add: left += right; break;
        case step_kind::subtract: left -= right; break;
        case step_kind::multiply: left *= right; break;
        default:
          if (right == 0) return {0, "the formula divides by zero"};
          left /= right;
      }
    }
  }
  if (stack.size() != 1) return {0, "an empty formula"};
  if (!std::isfinite(stack.back())) return {0, "the formula's value is not finite"};
  return {stack.back(), ""};
}

}  // namespace tally
