// The conformance suite must be able to fail: strategies that are wrong on purpose, and what catches them.
#include <gmock/gmock.h>

#include "harness/counting/counting.hpp"
#include "tests/conform/sequences.hpp"
#include "tests/conform/support.hpp"
#ifdef TALLY_RAPIDCHECK
#include "tests/conform/model.hpp"
#endif

namespace tally::conform {
namespace {

enum class defect { none, leaks, frees_early, loses_what_others_drop, crashes };

// A plain count that forgets every third increment (frees early), every third decrement (leaks), or a decrement by a context that
// did not make the object, when one such has copied it (for which two contexts are needed); or that crashes there. Dead objects
// are poisoned and kept to the heap's end, so that the test itself stays defined.
template <defect D>
class broken_heap : public counting_heap<broken_heap<D>, native> {
 public:
  using counting_heap<broken_heap<D>, native>::counting_heap;
  static constexpr bool single_threaded = D == defect::leaks || D == defect::frees_early;
  struct header {
    object_word<native> word;
    std::int64_t count = 0;
    std::int64_t bytes = 0;
    int maker = 0;
    bool copied = false;
  };
  class context : public counting_context<context, broken_heap, header> {
   public:
    using counting_context<context, broken_heap, header>::counting_context;
    void init(header& h) {
      h.count = 1;
      h.bytes = static_cast<std::int64_t>(h.word.bytes());
      h.maker = number_;
    }
    void increment(header& h) {
      h.copied = h.copied || h.maker != number_;
      h.count += D == defect::frees_early && ++calls_ % 3 == 0 ? 0 : 1;
    }
    bool decrement(header& h) {
      if (D == defect::crashes && h.maker != number_ && h.copied) std::abort();
      const bool forgets = (D == defect::leaks && ++calls_ % 3 == 0) ||
                           (D == defect::loses_what_others_drop && h.maker != number_ && std::exchange(h.copied, false));
      return (h.count -= forgets ? 0 : 1) == 0;
    }
    void dispose(header& h) {
      __builtin_memset(static_cast<void*>(&h + 1), 0x5a, static_cast<std::size_t>(h.bytes) - sizeof h);
      this->heap_.dead_.push_back(&h);
    }

   private:
    static inline int contexts_ = 0;
    int calls_ = 0, number_ = ++contexts_;
  };
  ~broken_heap() {
    for (header* h : dead_) native::free(h);
  }

  template <class T>
  using ref = typename context::template ref<T>;
  template <class T>
  using slot = typename context::template slot<T>;
  template <class T>
  using parcel = typename context::template parcel<T>;
  template <class T>
  using root = counted_root<broken_heap, T>;

 private:
  std::vector<header*> dead_;
};
static_assert(strategy<broken_heap<defect::none>>);

#ifdef TALLY_RAPIDCHECK
template <defect D>
bool passes() {
  return rc::check([] { check_against_model<broken_heap<D>>(); });
}
TEST(Negative, TheModelPassesTheSameStrategyWithoutADefect) { EXPECT_TRUE(passes<defect::none>()); }
TEST(Negative, TheModelCatchesALeak) { EXPECT_FALSE(passes<defect::leaks>()); }
TEST(Negative, TheModelCatchesAnEarlyFree) { EXPECT_FALSE(passes<defect::frees_early>()); }
#endif

template <defect D>
finding found_by_sequences() {
  return search(subject_of<broken_heap<D>>("broken"), 1, 0, 2000);
}
TEST(Negative, SequencesPassTheSameStrategyWithoutADefect) {
  const finding f = found_by_sequences<defect::none>();
  EXPECT_EQ(f.failure, "") << f.sequence;
}
TEST(Negative, SequencesCatchALeakAndAnEarlyFreeAndShowThemInFewSteps) {
  const finding leak = found_by_sequences<defect::leaks>(), early = found_by_sequences<defect::frees_early>();
  EXPECT_THAT(leak.failure, ::testing::HasSubstr("objects live"));
  EXPECT_LE(leak.steps, 5U) << leak.sequence;
  EXPECT_THAT(early.failure, ::testing::HasSubstr("objects live"));
  EXPECT_EQ(early.steps, 5U) << early.sequence;
}
TEST(Negative, SequencesCatchWhatNeedsTwoContextsAndSayHow) {
  const finding f = found_by_sequences<defect::loses_what_others_drop>();
  EXPECT_EQ(f.steps, 3U);
  EXPECT_EQ(f.sequence,
            "  0: #0 = make\n"
            "  0: gives #0 to 1\n"
            "  1: copies #0\n"
            "  0: drops all that is left\n")
      << f.failure;
}
TEST(Negative, SequencesThatCrashAreShrunkLikeOthers) {
  const finding f = found_by_sequences<defect::crashes>();
  EXPECT_EQ(f.failure, "signal 6");
  EXPECT_EQ(f.sequence,
            "  0: #0 = make\n"
            "  0: gives #0 to 1\n"
            "  1: copies #0\n"
            "  0: drops all that is left\n");
}
TEST(Negative, ASequenceOfItsSeedAndNumberIsTheSameAgain) {
  const auto once = found_by_sequences<defect::leaks>(), again = found_by_sequences<defect::leaks>();
  EXPECT_EQ(once.sequence, again.sequence);
  EXPECT_EQ(once.number, again.number);
}

TEST(Negative, HoldsTellsALeakFromABalance) {
  auto heap = make_heap<broken_heap<defect::leaks>>();
  with_context(*heap, [](auto& c) {
    for (int i = 0; i < 9; ++i) c.drop(make<node<broken_heap<defect::leaks>>>(c, {}, 1u));
  });
  EXPECT_FALSE(holds(*heap, 0));
  EXPECT_TRUE(holds(*heap, 3));
}

}  // namespace
}  // namespace tally::conform
