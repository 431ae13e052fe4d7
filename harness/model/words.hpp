// The words of a program under the model checker: the modelled atomics, vars and locks, one function per access.
//
// A word holds nothing but a handle, and zero is a good one: so zeroed memory is a word of value 0, as it is natively, and no
// word needs a destructor. A handle knows its own address, hence words that are overwritten, moved or freed are found out.
#pragma once

#include <atomic>
#include <cstdint>
#include <source_location>
#include <string_view>

namespace tally::model {

enum class access : std::uint8_t { load, store, exchange, fetch_add, fetch_sub, fetch_or, fetch_and, compare_exchange };

// One access as it is written in the source.
struct site {
  std::string_view field;
  access what = access::load;
  std::memory_order order = std::memory_order_relaxed;
  std::source_location at;
  std::memory_order on_failure = std::memory_order_relaxed;  // of a compare_exchange
};

using handle = std::uintptr_t;  // of a word; 0: untouched, its value is 0

// `bytes`: of the word. Values are zero-extended.
std::uint64_t load(handle&, const site&);
void store(handle&, std::uint64_t, const site&);
std::uint64_t modify(handle&, std::uint64_t operand, unsigned bytes, const site&);
bool compare_exchange(handle&, std::uint64_t& expected, std::uint64_t desired, bool weak, const site&);
void begin(handle&, std::uint64_t value);  // a word that starts with another value than 0
std::uint64_t var_load(handle&, const site&);
void var_store(handle&, std::uint64_t, const site&);
void lock(handle&);
bool try_lock(handle&);
void unlock(handle&);

}  // namespace tally::model
