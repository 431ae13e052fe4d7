// The simulated policy's way into the run of this thread, and the process's operator new while a guest runs.
#include <cstdlib>
#include <new>

#include "harness/sim/cores/multicore_access.hpp"
#include "harness/sim/cores/simulated.hpp"

namespace tally::sim {

void announce(const void* at, unsigned size, std::uint16_t field, access_kind kind) {
  if (multicore* m = running) [[likely]]
    m->access(at, size, field, kind);
}

void announce_store(const void* at, unsigned size, std::uint16_t field) {
  if (multicore* m = running) [[likely]]
    m->note_store(m->access(at, size, field, access_kind::store));
}
void announce_rmw(const void* at, unsigned size, std::uint16_t field) {
  if (multicore* m = running) [[likely]]
    m->note_rmw(m->access(at, size, field, access_kind::rmw), field);
}

void note_failed_cas(std::uint16_t field) {
  if (multicore* m = running) m->note_failed_cas(field);
}

void note_rmw(const void* at, std::uint16_t field) {
  if (multicore* m = running) [[likely]]
    m->note_rmw(m->word_of(at), field);
}
void note_store(const void* at) {
  if (multicore* m = running) [[likely]]
    m->note_store(m->word_of(at));
}

void* allocate(std::size_t bytes) {
  multicore* m = running;
  if (m == nullptr) return native::alloc(bytes);
  const bool guest = m->guest();
  m->set_guest(false);  // the space's own tables
  void* p = m->memory().allocate(bytes, m->core());
  m->set_guest(guest);
  return p;
}

void release(void* p) {
  if (!space::anywhere(p)) return native::free(p);
  multicore* m = running;
  if (m == nullptr || !m->memory().contains(p)) return;  // of a run that is over: its memory is wiped
  const bool guest = m->guest();
  m->set_guest(false);
  m->memory().free(p);
  m->set_guest(guest);
}

std::byte* reserve(std::size_t bytes) { return running == nullptr ? native::reserve(bytes) : running->memory().reserve(bytes); }
void unreserve(std::byte* at, std::size_t bytes) {
  if (!space::anywhere(at)) return native::unreserve(at, bytes);
  if (running != nullptr) running->memory().unreserve(at, bytes);
}

}  // namespace tally::sim

namespace {

using tally::sim::running;
using tally::sim::space;

void* plain_new(std::size_t bytes) {
  if (running != nullptr && running->guest()) [[unlikely]]
    return tally::sim::allocate(bytes);
  for (;;) {
    if (void* p = std::malloc(bytes == 0 ? 1 : bytes)) [[likely]]
      return p;
    const std::new_handler handler = std::get_new_handler();
    if (handler == nullptr) throw std::bad_alloc();
    handler();
  }
}
void* aligned_new(std::size_t bytes, std::size_t alignment) {
  if (running != nullptr && running->guest()) [[unlikely]] {
    tally::sim::multicore& m = *running;
    m.set_guest(false);
    void* p = m.memory().allocate_aligned(bytes, alignment, m.core());
    m.set_guest(true);
    return p;
  }
  for (;;) {
    if (void* p = std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment)) [[likely]]
      return p;
    const std::new_handler handler = std::get_new_handler();
    if (handler == nullptr) throw std::bad_alloc();
    handler();
  }
}
void any_delete(void* p) noexcept {
  if (space::anywhere(p)) [[unlikely]]
    return tally::sim::release(p);
  std::free(p);
}

}  // namespace

// What libstdc++'s own do, and the guest's branch. The array, nothrow and sized forms of the library call these.
void* operator new(std::size_t bytes) { return plain_new(bytes); }
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return aligned_new(bytes, static_cast<std::size_t>(alignment));
}
void operator delete(void* p) noexcept { any_delete(p); }
void operator delete(void* p, std::size_t) noexcept { any_delete(p); }
void operator delete(void* p, std::align_val_t) noexcept { any_delete(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { any_delete(p); }
