// The observed policy: the machine as it is, with every shared word watched for foreign writes.
//
// A word of up to 4 bytes is kept in 8, one of 8 bytes in 48 bits of 8; the rest is a stamp that every write advances. An RMW
// gets value and stamp in one piece, so that it sees in its own result whether anybody wrote since this thread did, even if the
// value came back to what it was. fetch_add and fetch_sub stay the one instruction that they are: the stamp is advanced by the
// same addition. Watching costs a few instructions and no shared access (memory/handoffs.hpp), but it costs: rows of this
// policy count hand-offs and never report a rate or a latency.
//
// What differs from native, beside that: words of 4 bytes and less take 8, so that headers grow within their line; exchange,
// fetch_or and fetch_and are CAS loops, since nothing else advances a stamp with them. Words of 8 bytes that use all of their
// bits (the object's type word, bitmaps of the block heap) are not watched.
#pragma once

#include <cstdio>
#include <cstdlib>

#include "harness/memory/handoffs.hpp"
#include "harness/memory/native.hpp"

namespace tally {

struct observed : native {
  static constexpr std::string_view name = "observed";

  template <class T, field_name Name>
  class watched {
    static_assert(sizeof(T) <= 8 && std::is_trivially_copyable_v<T>);
    static constexpr int value_bits = sizeof(T) <= 4 ? 32 : 48;
    static constexpr std::uint64_t one_stamp = std::uint64_t{1} << value_bits;
    static constexpr std::uint64_t value_mask = one_stamp - 1;

   public:
    // A new word in old memory: what this thread remembers of that address is no longer so.
    constexpr watched() { begin(0); }
    constexpr explicit watched(T v) : word_(bits_of(v)) { begin(bits_of(v)); }

    [[nodiscard]] T load(std::memory_order o) const { return value_of(word_.load(o)); }
    // A store can't see what it replaces, and need not: RMWs of others that come between its two halves are lost here as they
    // are lost in a plain store.
    void store(T v, std::memory_order o) {
      const std::uint64_t left = next(word_.load(std::memory_order_relaxed), v);
      word_.store(left, o);
      handoff_watch::mine().wrote(this, left);
    }
    T exchange(T v, std::memory_order o) {
      return update([v](T) { return v; }, o);
    }
    T fetch_or(T v, std::memory_order o) {
      return update([v](T old) { return static_cast<T>(old | v); }, o);
    }
    T fetch_and(T v, std::memory_order o) {
      return update([v](T old) { return static_cast<T>(old & v); }, o);
    }
    T fetch_add(T v, std::memory_order o) { return add(signed_of(v), o); }
    T fetch_sub(T v, std::memory_order o) { return add(-signed_of(v), o); }
    bool compare_exchange_weak(T& expected, T v, std::memory_order success, std::memory_order failure) {
      return compare_exchange_strong(expected, v, success, failure);
    }
    bool compare_exchange_strong(T& expected, T v, std::memory_order success, std::memory_order failure) {
      std::uint64_t found = word_.load(failure);
      for (;;) {
        if (const T value = value_of(found); value != expected) {
          expected = value;
          return false;
        }
        const std::uint64_t left = next(found, v);
        // Fails, too, if only the stamp has moved on: the value may be the expected one again.
        if (word_.compare_exchange_weak(found, left, success, failure)) {
          handoff_watch::mine().rmw(field(), this, found, left);
          return true;
        }
      }
    }

   private:
    constexpr void begin(std::uint64_t bits) const {
      if (!std::is_constant_evaluated()) handoff_watch::mine().wrote(this, bits);
    }
    static std::size_t field() { return number_; }
    static std::int64_t signed_of(T v) { return static_cast<std::make_signed_t<T>>(v); }
    static constexpr std::uint64_t bits_of(T v) {
      std::uint64_t bits = 0;
      if constexpr (std::is_pointer_v<T>) {
        bits = __builtin_bit_cast(std::uint64_t, v);
      } else {
        bits = static_cast<std::uint64_t>(v);
      }
      return bits & value_mask;
    }
    static T value_of(std::uint64_t word) {
      if constexpr (value_bits == 32) {
        return static_cast<T>(static_cast<std::uint32_t>(word));
      } else {
        // Signed values keep their sign, all ones stay all ones, and user-space addresses have a 0 there.
        const std::int64_t value = static_cast<std::int64_t>(word << 16) >> 16;
        if constexpr (std::is_pointer_v<T>) return reinterpret_cast<T>(value);
        else return static_cast<T>(value);
      }
    }
    static std::uint64_t next(std::uint64_t found, T v) {
      const std::uint64_t left = ((found & ~value_mask) + one_stamp) | bits_of(v);
      if (value_of(left) != v) [[unlikely]]
        does_not_fit();
      return left;
    }
    T add(std::int64_t by, std::memory_order o) {
      const std::uint64_t step = one_stamp + static_cast<std::uint64_t>(by);
      const std::uint64_t found = word_.fetch_add(step, o);
      handoff_watch::mine().rmw(field(), this, found, found + step);
      return value_of(found);
    }
    template <class F>
    T update(F&& f, std::memory_order o) {
      std::uint64_t found = word_.load(std::memory_order_relaxed);  // a guess for the CAS
      std::uint64_t left = next(found, f(value_of(found)));
      while (!word_.compare_exchange_weak(found, left, o, std::memory_order_relaxed)) left = next(found, f(value_of(found)));
      handoff_watch::mine().rmw(field(), this, found, left);
      return value_of(found);
    }
    [[noreturn, gnu::cold]] static void does_not_fit() {
      std::fprintf(stderr, "tally: a value of field %s does not fit into 48 bits: it can't be observed\n", Name.text);
      std::abort();
    }

    static inline const std::size_t number_ = observed_field_number(Name.view());
    std::atomic<std::uint64_t> word_{};
  };

  static constexpr bool uses_all_bits(std::string_view field, std::size_t bytes) {
    return bytes == 8 && (field == "type" || field == "mark" || field == "freelist");
  }
  template <class T, field_name Name>
  using atomic = std::conditional_t<uses_all_bits(Name.view(), sizeof(T)), native::atomic<T, Name>, watched<T, Name>>;
};

static_assert(memory_policy<observed> && reserving<observed>);

}  // namespace tally
