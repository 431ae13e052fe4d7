// Line hand-offs as a thread sees them in the results of its own read-modify-writes.
//
// A thread remembers what it left in a word. If its next RMW of that word finds something else, another thread wrote in between:
// the line was handed over, there and back. The observed policy (memory/observed.hpp) stamps every write, so that a foreign
// copy and drop, which leave the count as it was, are seen, too. What is counted is counted by the thread that finds out, in
// memory of its own: watching moves no line.
//
// What it can't see: hand-offs by plain loads and stores; lines that moved because of another word in them; words that fell out
// of the thread's memory (those RMWs are counted as unknown). So it is a lower bound of the line transfers, exact for a count
// that is alone in its line and only written by RMWs.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace tally {

// A number for each name of a field, the same for all fields of that name. At most handoff_watch::most_fields.
[[nodiscard]] std::size_t observed_field_number(std::string_view name);
[[nodiscard]] std::string_view observed_field_name(std::size_t number);
[[nodiscard]] std::size_t observed_fields();

struct handoff_counts {
  std::uint64_t rmws = 0;      // read-modify-writes that wrote
  std::uint64_t known = 0;     // of them, those whose word this thread had written before and still remembered
  std::uint64_t handoffs = 0;  // of them, those that found a foreign write
  handoff_counts& operator+=(const handoff_counts& o) {
    rmws += o.rmws;
    known += o.known;
    handoffs += o.handoffs;
    return *this;
  }
  [[nodiscard]] handoff_counts since(const handoff_counts& o) const {
    return {rmws - o.rmws, known - o.known, handoffs - o.handoffs};
  }
};

// One thread's.
class handoff_watch {
 public:
  static constexpr std::size_t most_fields = 32;

  // An RMW of `word` that found `found` and left `left`.
  void rmw(std::size_t field, const void* word, std::uint64_t found, std::uint64_t left) {
    entry& e = entry_of(word);
    handoff_counts& c = counts_[field];
    ++c.rmws;
    if (e.word == word) {
      ++c.known;
      c.handoffs += e.left != found ? 1 : 0;
    }
    e = {word, left};
  }
  // A store: tells nothing, but is no foreign write.
  void wrote(const void* word, std::uint64_t left) { entry_of(word) = {word, left}; }

  [[nodiscard]] const std::array<handoff_counts, most_fields>& counts() const { return counts_; }

  // The calling thread's. Elsewhere than in thread-local storage, which is at the base of a thread's stack: schemes that scan
  // stacks would scan it in every stop, observed or not.
  static handoff_watch& mine() {
    static thread_local const std::unique_ptr<handoff_watch> watch = std::make_unique<handoff_watch>();
    return *watch;
  }

 private:
  struct entry {
    const void* word = nullptr;
    std::uint64_t left = 0;
  };
  // 16 KiB: within L1 on every machine, and more words than a lane of these workloads contends for.
  static constexpr std::size_t entries = 1024;
  entry& entry_of(const void* word) { return table_[(reinterpret_cast<std::uintptr_t>(word) >> 3) * 0x9e3779b97f4a7c15U >> 54]; }
  std::array<entry, entries> table_{};
  std::array<handoff_counts, most_fields> counts_{};
};

// What a lane saw in its window, by field; fields that it did not touch are left out.
struct field_handoffs {
  std::size_t field = 0;
  handoff_counts counts;
};
using handoff_totals = std::array<handoff_counts, handoff_watch::most_fields>;
[[nodiscard]] std::vector<field_handoffs> handoffs_between(const handoff_totals& opened, const handoff_totals& closed);

}  // namespace tally
