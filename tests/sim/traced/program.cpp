// The program that Valgrind's Lackey traces and its cachegrind counts (../cachegrind.cpp): no library, no start-up code, no
// access that crosses a line, so that every access in the trace is one of these. Walks that fit, walks that don't, a
// shuffled list, a matrix by columns, and read-modify-writes.
namespace {

constexpr unsigned words = 16 * 1024;  // 128 KiB
alignas(64) unsigned long table[words];
alignas(64) unsigned long small[256];
alignas(64) unsigned int order[1024];

unsigned long state = 88172645463325252UL;
unsigned draw(unsigned n) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return static_cast<unsigned>(state >> 33) % n;
}

[[noreturn]] void leave(int code) {
#if defined(__x86_64__)
  asm volatile("syscall" : : "a"(60), "D"(code) : "rcx", "r11", "memory");
#elif defined(__aarch64__)
  register long number asm("x8") = 93;
  register long argument asm("x0") = code;
  asm volatile("svc 0" : : "r"(number), "r"(argument) : "memory");
#endif
  __builtin_unreachable();
}

struct sizes {
  unsigned rounds, words, small, order, matrix, bumps;
};

[[gnu::noinline]] void work(const sizes& n) {
  for (unsigned round = 0; round < n.rounds; ++round) {
    for (unsigned i = 0; i < n.words; i += 5) table[i] += round;  // a walk beyond every cache
    for (unsigned i = 0; i < n.small; ++i) small[i] = table[i * 8] + round;
  }
  for (unsigned i = 0; i < n.order; ++i) order[i] = i;
  for (unsigned i = n.order - 1; i > 0; --i) {
    const unsigned j = draw(i + 1);
    const unsigned t = order[i];
    order[i] = order[j];
    order[j] = t;
  }
  unsigned long sum = 0;
  for (unsigned round = 0; round < n.rounds; ++round) {
    for (unsigned i = 0; i < n.order; ++i) sum += table[order[i] * 16];
    for (unsigned c = 0; c < n.matrix; ++c) {
      for (unsigned r = 0; r < n.matrix; ++r) table[r * 256 + c] ^= sum;
    }
  }
  for (unsigned i = 0; i < n.bumps; ++i) ++table[draw(n.words)];
}

}  // namespace

// All code runs once on almost no data first. cachegrind looks both lines of an instruction that crosses a line up in its LL
// if either is new to its I1; the memory system is asked for the new one only. That way this happens while nothing competes
// with the code for LL's ways yet, and it makes no difference.
extern "C" [[noreturn]] void _start() {
  work({1, 1, 1, 2, 1, 1});
  work({4, words, 256, 1024, 64, 20000});
  leave(0);
}
