// Where refs can be when the world stops: each callee-saved register of two stopped threads, registers and stack of a blocked
// one, and a channel. And where they are no longer: every check has a control that the scan does not find everything.
//
// A value that this file wants found exists nowhere but in the place under test: the arrays hold the complements, and the
// registers are filled by a function in assembly.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <memory>
#include <thread>
#include <vector>

#include "harness/heap/parcel_cells.hpp"
#include "harness/heap/world.hpp"
#include "harness/memory/native.hpp"

// void tally_test_in_registers(const uintptr_t* complements, void (*f)(void*), void* argument): calls f(argument) with the
// complement of complements[i] in the i-th callee-saved register.
#if defined(__x86_64__)
constexpr std::size_t saved_registers = 6;
asm(R"(
  .text
  .type tally_test_in_registers, @function
tally_test_in_registers:
  push %rbx
  push %rbp
  push %r12
  push %r13
  push %r14
  push %r15
  sub $8, %rsp
  mov 0(%rdi), %rbx
  mov 8(%rdi), %rbp
  mov 16(%rdi), %r12
  mov 24(%rdi), %r13
  mov 32(%rdi), %r14
  mov 40(%rdi), %r15
  not %rbx
  not %rbp
  not %r12
  not %r13
  not %r14
  not %r15
  mov %rdx, %rdi
  call *%rsi
  add $8, %rsp
  pop %r15
  pop %r14
  pop %r13
  pop %r12
  pop %rbp
  pop %rbx
  ret
  .size tally_test_in_registers, . - tally_test_in_registers
)");
extern "C" void tally_test_in_registers(const std::uintptr_t*, void (*)(void*), void*);
#elif defined(__aarch64__)
constexpr std::size_t saved_registers = 11;
asm(R"(
  .text
  .type tally_test_in_registers, %function
tally_test_in_registers:
  stp x29, x30, [sp, #-96]!
  stp x19, x20, [sp, #16]
  stp x21, x22, [sp, #32]
  stp x23, x24, [sp, #48]
  stp x25, x26, [sp, #64]
  stp x27, x28, [sp, #80]
  ldp x19, x20, [x0]
  ldp x21, x22, [x0, #16]
  ldp x23, x24, [x0, #32]
  ldp x25, x26, [x0, #48]
  ldp x27, x28, [x0, #64]
  ldr x29, [x0, #80]
  mvn x19, x19
  mvn x20, x20
  mvn x21, x21
  mvn x22, x22
  mvn x23, x23
  mvn x24, x24
  mvn x25, x25
  mvn x26, x26
  mvn x27, x27
  mvn x28, x28
  mvn x29, x29
  mov x0, x2
  blr x1
  ldp x19, x20, [sp, #16]
  ldp x21, x22, [sp, #32]
  ldp x23, x24, [sp, #48]
  ldp x25, x26, [sp, #64]
  ldp x27, x28, [sp, #80]
  ldp x29, x30, [sp], #96
  ret
  .size tally_test_in_registers, . - tally_test_in_registers
)");
extern "C" void tally_test_in_registers(const std::uintptr_t*, void (*)(void*), void*);
#else
// Elsewhere: many values that live across a call; the compiler keeps as many in registers as it has.
constexpr std::size_t saved_registers = 12;
[[gnu::noinline]] void tally_test_in_registers(const std::uintptr_t* c, void (*f)(void*), void* argument) {
  std::uintptr_t a0 = ~c[0], a1 = ~c[1], a2 = ~c[2], a3 = ~c[3], a4 = ~c[4], a5 = ~c[5];
  std::uintptr_t a6 = ~c[6], a7 = ~c[7], a8 = ~c[8], a9 = ~c[9], a10 = ~c[10], a11 = ~c[11];
  asm volatile("" : "+r"(a0), "+r"(a1), "+r"(a2), "+r"(a3), "+r"(a4), "+r"(a5));
  asm volatile("" : "+r"(a6), "+r"(a7), "+r"(a8), "+r"(a9), "+r"(a10), "+r"(a11));
  f(argument);
  asm volatile("" : : "r"(a0), "r"(a1), "r"(a2), "r"(a3), "r"(a4), "r"(a5));
  asm volatile("" : : "r"(a6), "r"(a7), "r"(a8), "r"(a9), "r"(a10), "r"(a11));
}
#endif

namespace unit_roots {
namespace {

using tally::native;
using world = tally::world<native>;
using mutator = world::mutator;
using cells = tally::parcel_cells<native>;
using words = std::array<std::uintptr_t, saved_registers>;

// Complements of values that no program has lying about.
words unlikely_words(std::uintptr_t series) {
  words w{};
  for (std::size_t i = 0; i < w.size(); ++i) w[i] = ~((0x5EED'0000'0000'0000 >> (64 - 8 * sizeof(series))) + series * 4096 + i);
  return w;
}

// How many of the words whose complements are given are on the stacks of a stopped world.
std::size_t found(world& w, const words& complements) {
  std::vector<bool> seen(complements.size());
  w.for_each_stack_word([&](std::uintptr_t word) {
    for (std::size_t i = 0; i < complements.size(); ++i) {
      if (word == ~complements[i]) seen[i] = true;
    }
  });
  return static_cast<std::size_t>(std::count(seen.begin(), seen.end(), true));
}

// A thread that holds words in its registers: at a safepoint (polling until it is told to go on), or in a blocked region.
struct holder {
  world& w;
  bool in_blocked;
  std::unique_ptr<words> series[2] = {std::make_unique<words>(), std::make_unique<words>()};  // not on a stack
  std::atomic<int> phase{-1};                                                                 // which series its registers hold
  std::atomic<int> go_to{0};
  mutator* attached = nullptr;
  std::thread thread;

  holder(world& of, bool blocked, std::uintptr_t first, std::uintptr_t second) : w(of), in_blocked(blocked) {
    *series[0] = unlikely_words(first);
    *series[1] = unlikely_words(second);
    thread = std::thread([this] {
      mutator m(w);
      attached = &m;
      for (int p = 0; p < 2; ++p) tally_test_in_registers(series[p]->data(), &holder::hold, this);
    });
  }
  static void hold(void* self) {
    auto& h = *static_cast<holder*>(self);
    const int mine = h.phase.load() + 1;
    if (h.in_blocked) {
      h.attached->blocked([&] {
        h.phase = mine;
        native::wait_until([&] { return h.go_to.load() > mine; });
      });
    } else {
      h.phase = mine;
      while (h.go_to.load() <= mine) {
        if (h.attached->asked()) h.attached->attend();
      }
    }
  }
  void wait_for(int p) {
    native::wait_until([&] { return phase.load() == p; });
  }
};

TEST(Roots, EveryCalleeSavedRegisterOfStoppedAndBlockedThreadsIsFoundAndNothingThatIsGone) {
  world w;
  mutator me(w);
  holder stopped_a(w, false, 1, 2), stopped_b(w, false, 3, 4), blocked(w, true, 5, 6);
  const std::array<holder*, 3> all{&stopped_a, &stopped_b, &blocked};
  for (int phase = 0; phase < 2; ++phase) {
    me.blocked([&] {
      for (holder* h : all) h->wait_for(phase);
    });
    w.stop(me, [&] {
      for (holder* h : all) {
        EXPECT_EQ(found(w, *h->series[phase]), saved_registers) << "in phase " << phase;
        // The other series went through the very same frames before, or has not been there yet.
        EXPECT_EQ(found(w, *h->series[1 - phase]), 0u) << "in phase " << phase;
      }
      EXPECT_EQ(found(w, unlikely_words(7)), 0u);
    });
    for (holder* h : all) h->go_to = phase + 1;
  }
  me.blocked([&] {
    for (holder* h : all) h->thread.join();
  });
}

TEST(Roots, TheStoppersOwnRegistersAreFound) {
  world w;
  mutator me(w);
  struct frame {
    world& w;
    mutator& me;
    std::unique_ptr<words> complements, others;
    std::size_t hits = 0, other_hits = 0;
  } f{w, me, std::make_unique<words>(unlikely_words(11)), std::make_unique<words>(unlikely_words(12))};
  tally_test_in_registers(
      f.complements->data(),
      [](void* p) {
        auto& at = *static_cast<frame*>(p);
        at.w.stop(at.me, [&] {
          at.hits = found(at.w, *at.complements);
          at.other_hits = found(at.w, *at.others);
        });
      },
      &f);
  EXPECT_EQ(f.hits, saved_registers);
  EXPECT_EQ(f.other_hits, 0u);
}

// A frame of the caller that is at the stop, deep in the stack.
[[gnu::noinline]] std::size_t with_a_word_in_a_frame(std::uintptr_t complement, int depth, world& w, mutator& m, const words& c) {
  volatile std::uintptr_t there = depth == 0 ? ~complement : 0;
  std::size_t hits = 0;
  if (depth > 0) {
    hits = with_a_word_in_a_frame(complement, depth - 1, w, m, c);
  } else {
    w.stop(m, [&] { hits = found(w, c); });
    there = 0;
    std::size_t after = 0;
    w.stop(m, [&] { after = found(w, c); });
    EXPECT_EQ(after, 0u);
  }
  return hits + there;
}

TEST(Roots, AWordInAFrameIsFoundAndItsErasureIsSeen) {
  world w;
  mutator m(w);
  const auto c = std::make_unique<words>(unlikely_words(21));
  EXPECT_EQ(with_a_word_in_a_frame((*c)[0], 20, w, m, *c), 1u);
}

// Objects for cells; what a cell refers to is never read, so any address does.
void* object(std::uintptr_t n) { return reinterpret_cast<void*>(n * 16); }

std::vector<std::uintptr_t> in_cells(cells& c) {
  std::vector<std::uintptr_t> all;
  c.for_each([&](void* p) { all.push_back(reinterpret_cast<std::uintptr_t>(p) / 16); });
  std::sort(all.begin(), all.end());
  return all;
}

TEST(Roots, RefsInAChannelAreFoundInTheirCellsAndNoLongerWhenUnpacked) {
  cells all;
  native::channel<cells::cell*> channel(1024);
  cells::pool& mine = all.attach();
  for (std::uintptr_t i = 1; i <= 700; ++i) ASSERT_TRUE(channel.try_push(mine.fill(object(i))));
  EXPECT_EQ(in_cells(all).size(), 700u);
  std::thread([&] {  // unpacked by another thread, which has a pool of its own
    cells::pool& theirs = all.attach();
    cells::cell* c = nullptr;
    for (std::uintptr_t i = 1; i <= 699; ++i) {
      ASSERT_TRUE(channel.try_pop(c));
      ASSERT_EQ(theirs.empty(c), object(i));
    }
    all.detach(theirs);
  })
      .join();
  EXPECT_EQ(in_cells(all), std::vector<std::uintptr_t>{700});
  cells::cell* last = nullptr;
  ASSERT_TRUE(channel.try_pop(last));
  EXPECT_EQ(mine.empty(last), object(700));
  EXPECT_TRUE(in_cells(all).empty());
  all.detach(mine);
}

TEST(Roots, CellsThatCameBackFromOtherThreadsAreUsedAgain) {
  cells all;
  cells::pool& mine = all.attach();
  cells::pool& theirs = all.attach();
  std::vector<cells::cell*> first;
  for (std::uintptr_t i = 1; i <= 255; ++i) first.push_back(mine.fill(object(i)));
  for (cells::cell* c : first) (void)theirs.empty(c);
  std::vector<cells::cell*> again;
  for (std::uintptr_t i = 1; i <= 255; ++i) again.push_back(mine.fill(object(i)));
  std::sort(first.begin(), first.end());
  std::sort(again.begin(), again.end());
  EXPECT_EQ(first, again);
  for (cells::cell* c : again) (void)mine.empty(c);
  all.detach(theirs);
  all.detach(mine);
  cells::pool& next = all.attach();  // a later context gets the pool of one that left
  EXPECT_EQ(&next, &mine);
  all.detach(next);
}

TEST(Roots, ManyThreadsPassCellsInACircleWithoutLosingOne) {
  cells all;
  constexpr int threads = 4, rounds = 20'000;
  std::vector<std::unique_ptr<native::channel<cells::cell*>>> to;
  for (int i = 0; i < threads; ++i) to.push_back(std::make_unique<native::channel<cells::cell*>>(64));
  std::atomic<std::uintptr_t> in{0}, out{0};
  std::vector<std::thread> pool;
  for (int t = 0; t < threads; ++t) {
    pool.emplace_back([&, t] {
      cells::pool& mine = all.attach();
      std::uintptr_t sent = 0, got = 0;
      int received = 0;
      for (int i = 0; i < rounds || received < rounds;) {
        bool moved = false;
        const std::uintptr_t n = static_cast<std::uintptr_t>(t * rounds + i + 1);
        if (i < rounds) {
          cells::cell* c = mine.fill(object(n));
          if (to[static_cast<std::size_t>((t + 1) % threads)]->try_push(c)) {
            sent += n, ++i, moved = true;
          } else {
            (void)mine.empty(c);
          }
        }
        cells::cell* c = nullptr;
        if (to[static_cast<std::size_t>(t)]->try_pop(c)) {
          got += reinterpret_cast<std::uintptr_t>(mine.empty(c)) / 16, ++received, moved = true;
        }
        if (!moved) std::this_thread::yield();
      }
      in += sent;
      out += got;
      all.detach(mine);
    });
  }
  for (auto& t : pool) t.join();
  EXPECT_EQ(in.load(), out.load());
  EXPECT_TRUE(in_cells(all).empty());
}

}  // namespace
}  // namespace unit_roots
