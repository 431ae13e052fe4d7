// Random sequences of whole operations, played by one thread on several contexts in turn, against a model that knows who owns
// what. What one context does is finished before the next one acts, so that nothing here is about interleaving: it is about what
// contexts leave for each other (counts, queues, retired objects, ids), which the operations of one context never show.
//
// This half knows no strategy and is compiled once. It acts through `machine`, which sequences.hpp makes of a heap.
//
// A step is a few small numbers, and every sequence of steps means something: an operand is taken modulo what exists, and a step
// that can't be taken is none. So any part of a failing sequence can be left out to see whether it still fails.
//
//   TALLY_SEQUENCES        times the usual number of sequences
//   TALLY_SEQUENCES_SEED   another seed than 1
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace tally::conform {

// What a machine can do: the contract's calls, on refs, parcels and weak refs that it keeps in numbered cells.
enum class call : std::uint8_t {
  attach,
  detach,
  make,
  copy,
  drop,
  pack,
  unpack,
  load,
  store,
  take,
  load_shared,
  store_shared,
  exchange,
  compare_exchange,
  downgrade,
  upgrade,
  copy_weak,
  drop_weak,
  load_weak,
  store_weak,
  share,
  poll,
  quiesce,
  collect,
  blocked,
  borrow,
  look,
  look_inside,
  load_root,
  store_root,
  look_in_root,
  make_immortal,
  release_immortal,
  make_deferred,
  release_deferred,
  make_in_vain
};

inline constexpr int no_cell = -1;
inline constexpr std::uint64_t nothing = ~std::uint64_t{0}, damaged = nothing - 1;  // instead of an object's stamp

// `a`: the cell of the holder, or of the only operand, or a root; `b`: of a ref that is stored or consumed (no_cell: null); `to`:
// of the result. Consumed cells are empty afterwards.
struct act {
  call what;
  int context;
  int a = no_cell, b = no_cell, to = no_cell;
  std::uint64_t stamp = 0;                        // of a new object; of one that becomes deferred: whether it has many edges
  const std::function<void()>* inside = nullptr;  // of a blocked region, or while a guard stands
};

struct abilities {
  // One thread may have several contexts attached and use them in turn. Else one, and others inside its blocked regions only.
  bool in_turn = true;
  bool alone = false;  // one context
  bool shared_slots = false, weak = false, borrow = false, collects = false, immortals = false, deferred = false;
  bool never_frees = false;
  bool prompt = false;     // live is exact after every operation
  bool estimates = false;  // live means nothing while contexts are attached
  std::int64_t slack = 0;  // of live, when none is
};

inline constexpr int max_contexts = 4, roots_used = 2, ref_cells = 64, parcel_cells_used = 64, weak_cells_used = 48;

class machine {
 public:
  virtual ~machine() = default;
  // Whether there is a result (or: whether it was exchanged); for look and look_inside, a stamp.
  virtual std::uint64_t perform(const act&) = 0;
  [[nodiscard]] virtual std::int64_t live() const = 0;
  [[nodiscard]] virtual std::int64_t live_bytes() const = 0;
  // With no context attached: what the heap keeps for weak refs beside their objects, if it can say.
  [[nodiscard]] virtual std::size_t weak_cells() = 0;
  virtual void settle() = 0;
};

struct step {
  std::uint8_t what, who, a, b;
};
struct sequence {
  int contexts = 2;
  std::vector<step> steps;
};

// A strategy, in one combination of its options.
struct player_subject {
  std::string name;
  abilities able;
  double share = 1;                // of the usual number of sequences: less where a heap is dear to make
  std::string_view bound_because;  // not able.in_turn
  // Calls the function with a machine over a new heap. When it returns false, machine and heap are left as they are: after a
  // failure nothing can be said of what their destructors would do.
  void (*with_machine)(const std::function<bool(machine&)>&);
};

// Empty: the sequence passed. With `trace`, what was done is written there.
std::string play(const player_subject&, const sequence&, std::string* trace = nullptr);

struct finding {
  std::string failure;   // empty: none
  std::string sequence;  // the shrunk one, readably
  std::size_t steps = 0;
  std::uint64_t number = 0;  // of the sequence that failed
};
[[nodiscard]] sequence random_sequence(const abilities&, std::uint64_t seed, std::uint64_t number);
[[nodiscard]] sequence shrink(const player_subject&, sequence);
[[nodiscard]] finding search(const player_subject&, std::uint64_t seed, std::uint64_t first, std::uint64_t sequences);

[[nodiscard]] std::uint64_t seed_of_sequences();
[[nodiscard]] double scale_of_sequences();

}  // namespace tally::conform
