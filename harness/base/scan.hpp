// Values that one flag gives a parameter: v1,v2 | a..b | a..b+step | a..b*factor, in any mixture.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tally {

class scan {
 public:
  // At most 1000 values. Throws usage_error that begins with `flag`.
  [[nodiscard]] static scan read(std::string_view flag, std::string_view text);

  // `whole`: what a range makes is rounded, each number once.
  [[nodiscard]] std::vector<std::string> values(bool whole) const;
  // As it was typed.
  [[nodiscard]] const std::string& text() const { return text_; }

  friend bool operator==(const scan&, const scan&) = default;

 private:
  struct piece {
    std::string word;  // a value; empty: a range
    double from = 0, to = 0, by = 1;
    bool times = false;  // by is a factor
    template <class F>
    void each(F f) const;  // value of a range
    friend bool operator==(const piece&, const piece&) = default;
  };
  static piece read_range(std::string_view flag, std::string_view text, std::size_t dots, double from);

  [[nodiscard]] std::size_t steps() const;

  std::string text_;
  std::vector<piece> pieces_;
};

}  // namespace tally
