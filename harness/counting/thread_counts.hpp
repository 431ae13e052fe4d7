// Counts that every thread keeps for itself, of objects that many others refer to: a type by its instances, code by its functions. What
// a word that all threads count in would cost is an array per context here, of plain words; an object has a place in it.
//
// Their sum is the object's count. Nobody knows it while threads run, so such an object ends only where it is asked for: total()
// gathers the contexts' counts of one object, and needs the promise that nobody counts it meanwhile. A context that ends has its
// counts kept by the table.
//
// Progress: count() is wait-free where there is a place for the object; else it takes the table's lock and memory, and where there is
// none of that it says so: the caller counts another way.
// Source: [CPython], Python/uniqueid.c.
#pragma once

#include <algorithm>
#include <cstdint>
#include <mutex>
#include <new>
#include <utility>
#include <vector>

#include "harness/memory/policy.hpp"

namespace tally {

template <class M>
class thread_count_table {
 public:
  // A context's counts: as many places as the table had when it came, or when it last needed more.
  class counts {
   public:
    explicit counts(thread_count_table& table) : table_(table) {
      const std::lock_guard hold(table_.lock_);
      grow(table_.size());  // may throw: nothing refers to this yet
      next_ = table_.first_;
      table_.first_ = this;
    }
    ~counts() {
      const std::lock_guard hold(table_.lock_);
      if (!mutant<M, "thread counts: a context takes its counts with it">()) {
        for (std::uint32_t i = 0; i < size_; ++i) table_.left_[i] += counts_[i].load();
      }
      counts** at = &table_.first_;
      while (*at != this) at = &(*at)->next_;
      *at = next_;
      if (memory_ != nullptr) M::free(memory_);
    }
    counts(const counts&) = delete;
    counts& operator=(const counts&) = delete;

    // False: there is no memory for it.
    [[nodiscard]] bool count(std::uint32_t place, std::int64_t by) {
      if (place >= size_ && !enlarge()) [[unlikely]]
        return false;
      counts_[place].store(counts_[place].load() + by);
      return true;
    }

   private:
    friend thread_count_table;
    using word = var<M, std::int64_t, "thread_count">;
    [[gnu::noinline]] bool enlarge() {
      const std::lock_guard hold(table_.lock_);
      try {
        grow(table_.size());
      } catch (const std::bad_alloc&) {
        return false;
      }
      return true;
    }
    // A line before and one behind are nobody's: contexts share none.
    void grow(std::uint32_t n) {
      if (n <= size_) return;
      constexpr std::size_t line = 64;
      auto* const memory = static_cast<std::byte*>(M::alloc(n * sizeof(word) + 2 * line));
      auto* const fresh = new (memory + line) word[n];
      for (std::uint32_t i = 0; i < size_; ++i) fresh[i].store(counts_[i].load());
      counts_ = fresh;
      size_ = n;
      if (void* old = std::exchange(memory_, memory)) M::free(old);
    }
    std::int64_t take(std::uint32_t place) {
      if (place >= size_) return 0;
      const std::int64_t n = counts_[place].load();
      counts_[place].store(0);
      return n;
    }

    thread_count_table& table_;
    counts* next_ = nullptr;  // guarded by the table's lock
    void* memory_ = nullptr;
    word* counts_ = nullptr;
    std::uint32_t size_ = 0;
  };

  // A place whose counts are 0. Throws std::bad_alloc.
  [[nodiscard]] std::uint32_t join() {
    const std::lock_guard hold(lock_);
    if (!free_.empty()) {
      const std::uint32_t place = free_.back();
      free_.pop_back();
      return place;
    }
    free_.reserve(left_.size() + 1);  // so that giving it back can't fail
    left_.push_back(0);
    return size() - 1;
  }
  // What all contexts counted there, those that are gone included; gives the place back. Nobody may be counting there: the caller
  // orders all counts before this.
  [[nodiscard]] std::int64_t leave(std::uint32_t place) {
    const std::lock_guard hold(lock_);
    std::int64_t n = std::exchange(left_[place], 0);
    for (counts* c = first_; c != nullptr && !mutant<M, "thread counts: those who are there are not asked">(); c = c->next_) {
      n += c->take(place);
    }
    free_.push_back(place);
    return n;
  }

 private:
  [[nodiscard]] std::uint32_t size() const { return static_cast<std::uint32_t>(left_.size()); }

  typename M::mutex lock_;
  counts* first_ = nullptr;
  std::vector<std::int64_t> left_;  // by place; by contexts that are gone
  std::vector<std::uint32_t> free_;
};

}  // namespace tally
