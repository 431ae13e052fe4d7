// Makes sequences, and makes a failing one short.
#include <algorithm>
#include <array>
#include <cstdlib>

#include "harness/base/random.hpp"
#include "tests/conform/sequences/play.hpp"
#include "tests/conform/sequences/steps.hpp"

namespace tally::conform {
namespace {

double number_in(const char* variable, double otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::atof(text);
}

// The kinds that move references between contexts, and end them: present in three sequences of four, others in two.
constexpr std::uint64_t moves = [] {
  std::uint64_t all = 0;
  for (const kind k : {kind::copy, kind::drop, kind::give, kind::drop_all, kind::give_all}) all |= 1u << static_cast<unsigned>(k);
  return all;
}();

bool fails(const player_subject& of, const sequence& s) { return !play(of, s).empty(); }

// Leaves out as many steps as it can, in ever smaller runs.
bool leave_out(const player_subject& of, sequence& s) {
  bool shorter = false;
  for (std::size_t run = std::max<std::size_t>(s.steps.size() / 2, 1); run > 0; run /= 2) {
    for (std::size_t end = s.steps.size(); end >= run; --end) {
      sequence tried = s;
      const auto first = tried.steps.begin() + static_cast<std::ptrdiff_t>(end - run);
      tried.steps.erase(first, first + static_cast<std::ptrdiff_t>(run));
      if (!fails(of, tried)) continue;
      s = std::move(tried);
      shorter = true;
      end = std::min(end, s.steps.size() + 1);
    }
  }
  return shorter;
}

// Puts zeros in the place of operands.
bool simplify(const player_subject& of, sequence& s) {
  bool simpler = false;
  for (std::size_t i = 0; i < s.steps.size(); ++i) {
    for (const auto field : {&step::who, &step::a, &step::b}) {
      if (s.steps[i].*field == 0) continue;
      sequence tried = s;
      tried.steps[i].*field = 0;
      if (!fails(of, tried)) continue;
      s = std::move(tried);
      simpler = true;
    }
  }
  return simpler;
}

}  // namespace

std::uint64_t seed_of_sequences() { return static_cast<std::uint64_t>(number_in("TALLY_SEQUENCES_SEED", 1)); }
double scale_of_sequences() { return number_in("TALLY_SEQUENCES", 1); }

// Each sequence does without some kinds of steps, chosen anew: what needs many steps of few kinds, and none of another, would
// hardly ever come up if all were always mixed [Swarm12].
sequence random_sequence(const abilities& able, std::uint64_t seed, std::uint64_t number) {
  random_source random(seed, number);
  sequence s;
  s.contexts = able.alone ? 1 : 2 + static_cast<int>(random.below(max_contexts - 1));
  s.steps.resize(8 + random.below(33));
  // In half of them there are few objects, all from the start: much happens to each.
  const std::size_t few = random.chance(0.5) ? 1 + random.below(2) : s.steps.size();
  const std::uint64_t chosen = random() | (random() & moves);
  std::array<std::uint8_t, step_by_weight.size()> kinds{};
  std::size_t n = 0;
  for (const std::uint8_t k : step_by_weight) {
    if (!able.deferred && k >= static_cast<std::uint8_t>(kind::make_deferred)) continue;
    const bool makes = k == static_cast<std::uint8_t>(kind::make);
    if (makes ? few == s.steps.size() : (chosen >> k & 1) != 0) kinds[n++] = k;
  }
  std::uint8_t who = 0;
  for (std::size_t i = 0; i < s.steps.size(); ++i) {
    step& one = s.steps[i];
    if (random.chance(0.4)) who = static_cast<std::uint8_t>(random.below(static_cast<std::uint32_t>(s.contexts)));
    const bool starts = few < s.steps.size() && i < few;
    one.what = starts || n == 0 ? static_cast<std::uint8_t>(kind::make) : kinds[random.below(static_cast<std::uint32_t>(n))];
    one.who = who;
    one.a = static_cast<std::uint8_t>(random.below(256));
    one.b = static_cast<std::uint8_t>(random.below(256));
  }
  return s;
}

sequence shrink(const player_subject& of, sequence s) {
  for (bool on = true; on;) {
    on = leave_out(of, s);
    for (int fewer = 1; fewer < s.contexts; ++fewer) {
      sequence tried = s;
      tried.contexts = fewer;
      if (fails(of, tried)) s = std::move(tried);
    }
    on = simplify(of, s) || on;
  }
  return s;
}

finding search(const player_subject& of, std::uint64_t seed, std::uint64_t first, std::uint64_t sequences) {
  for (std::uint64_t i = first; i < first + sequences; ++i) {
    sequence s = random_sequence(of.able, seed, i);
    if (!fails(of, s)) continue;
    s = shrink(of, std::move(s));
    finding f;
    f.failure = play(of, s, &f.sequence);
    f.steps = s.steps.size();
    f.number = i;
    return f;
  }
  return {};
}

}  // namespace tally::conform
