// What a person sees while a run goes on: one line that is rewritten on a terminal, a plain line now and then elsewhere.
#pragma once

#include <cstddef>
#include <cstdio>
#include <optional>
#include <string>

namespace tally {

class progress {
 public:
  enum class style { quiet, plain, terminal };
  // NO_COLOR and TERM=dumb are respected: no escape is ever written with them.
  static style detect(std::FILE* out, bool quiet);

  // `predicted_seconds`: of all windows, where that can be told.
  progress(std::FILE* out, style s, std::size_t total, std::optional<double> predicted_seconds)
      : out_(out), style_(s), total_(total), predicted_s_(predicted_seconds) {}

  // `done` windows are finished, `seconds` after the start; now measuring `what`.
  void show(std::size_t done, double seconds, const std::string& what);
  // How many windows there will be, as far as can be told now.
  void expect(std::size_t total) {
    total_ = total;
    about_ = true;
  }
  // A line of its own (an error row) that stays.
  void say(const std::string& line);
  void finish();

  // From the windows that are done; from the prediction while there are few; nothing where there is none.
  [[nodiscard]] static std::optional<double> left_seconds(std::size_t done, std::size_t total, double seconds,
                                                          std::optional<double> predicted_s);

 private:
  void write(const std::string& text);
  void clear();
  std::FILE* out_;
  style style_;
  std::size_t total_;
  bool about_ = false;  // the total may change
  std::optional<double> predicted_s_;
  double next_plain_s_ = 0;
  double next_draw_s_ = 0;
  bool drawn_ = false;
};

}  // namespace tally
