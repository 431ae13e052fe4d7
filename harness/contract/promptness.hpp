// Promptness: how long an object is still there after its last reference was dropped.
//
// When that is only a workload knows, and when the object is freed only its heap. A workload that can say the first gives its object
// type a death_stamp and says last_drop<H>().of(object) just before the drop; objects that die together, in one drop of what leads to
// them, are all told of with one last_drop, which has read the clock once. On a policy that records deaths (memory/stamped.hpp) the
// free is then found in one of two ways:
//
//   one by one   the stamp ends with its object, and its destructor reads the clock: in whatever ends an object, just before its
//                memory is given back (or left to weak refs)
//   in stops     a heap that says frees_in_stops runs no destructor, or not for all: objects are on a list beside the heap, and each
//                stop says which of them it has left alive (note_stop). They are no larger, and end as they do elsewhere
//
// On every other policy nothing of this is in the code: stamps are empty, and what is said of them comes to no instruction.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>

namespace tally {

template <class M>
concept records_deaths = requires(typename M::death died, void* object, std::size_t bytes) {
  { M::dies(M::now(), bytes) } -> std::same_as<typename M::death>;
  M::awaits(object, died);
  M::freed(died);
};

template <class H>
concept frees_in_stops = requires { requires H::frees_in_stops; };

template <class H>
concept frees_one_by_one = records_deaths<typename H::memory> && !frees_in_stops<H>;

// A member of an object type, [[no_unique_address]] and called `death`.
template <class H>
struct death_stamp {
  static constexpr std::size_t bytes = 0;
};
template <frees_one_by_one H>
struct death_stamp<H> {
  using memory = typename H::memory;
  static constexpr std::size_t bytes = sizeof(typename memory::death);
  death_stamp() = default;
  ~death_stamp() { memory::freed(died); }
  death_stamp(const death_stamp&) = delete;
  death_stamp& operator=(const death_stamp&) = delete;
  typename memory::death died;
};

// The moment just before a drop that ends objects.
template <class H>
class last_drop {
 public:
  static constexpr bool recorded = false;
  template <class T>
  void of(T&, std::size_t = 0) const {}
};
template <class H>
  requires records_deaths<typename H::memory>
class last_drop<H> {
 public:
  static constexpr bool recorded = true;
  // The object ends with this drop. `behind`: bytes of payload behind it.
  template <class T>
  void of(T& object, std::size_t behind = 0) const {
    const auto died = memory::dies(now_, sizeof(T) - death_stamp<H>::bytes + behind);
    if constexpr (frees_in_stops<H>) {
      memory::awaits(&object, died);
    } else {
      object.death.died = died;
    }
  }

 private:
  using memory = typename H::memory;
  std::uint64_t now_ = memory::now();
};

// For a heap that frees in stops: at the end of one, with lives(object), the address of its payload. What does not live may be made
// anew from now on.
template <class M, class F>
inline void note_stop(F&& lives) {
  if constexpr (records_deaths<M>) M::stopped(lives);
}

}  // namespace tally
