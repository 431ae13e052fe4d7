// The hand-written code that the strategies' costs stand beside: what a C++ programmer would type without any harness.
#include <benchmark/benchmark.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <memory>

#include "harness/contract/strategy.hpp"
#include "harness/memory/native.hpp"
#include "harness/micro/micro.hpp"

namespace tally::micro {
namespace {

struct plain_object {
  std::uint64_t count = 1, type = 0;
  std::uint64_t payload[2]{};
};
struct atomic_object {
  std::atomic<std::uint32_t> count{1};
  std::uint32_t weak = 1;
  std::uint64_t type = 0;
  std::uint64_t payload[2]{};
};

void plain_copy_drop(benchmark::State& state) {
  auto* object = new plain_object;
  for (auto _ : state) {
    ++object->count;
    keep(object);
    if (--object->count == 0) std::abort();
  }
  delete object;
}
void atomic_copy_drop(benchmark::State& state) {
  auto* object = new atomic_object;
  for (auto _ : state) {
    object->count.fetch_add(1, std::memory_order_relaxed);
    keep(object);
    if (object->count.fetch_sub(1, std::memory_order_acq_rel) == 1) std::abort();
  }
  delete object;
}
void shared_ptr_copy_drop(benchmark::State& state) {
  const auto object = std::make_shared<std::uint64_t>(0);
  for (auto _ : state) {
    std::shared_ptr<std::uint64_t> copy = object;
    keep(copy);
  }
}
void shared_ptr_load_store(benchmark::State& state) {
  auto place = std::make_shared<std::uint64_t>(0);
  for (auto _ : state) {
    std::shared_ptr<std::uint64_t> copy = place;
    keep(copy);
    place = std::move(copy);
  }
}
void pointer_take_store(benchmark::State& state) {
  plain_object object;
  plain_object* place = &object;
  for (auto _ : state) {
    plain_object* taken = place;
    place = nullptr;
    keep(taken);
    place = taken;
    keep(&place);
  }
}
void pointer_read(benchmark::State& state) {
  plain_object object;
  std::atomic<plain_object*> place{&object};
  for (auto _ : state) keep(place.load(std::memory_order_acquire));
}
// The least that a strategy does who takes its objects from malloc: as many bytes by the same call, written, seen by somebody, and
// given back. The writes are no memset, since the compiler makes a calloc of malloc and memset, and glibc's calloc is several times
// as slow as malloc: it goes past the thread's cache of free chunks.
void malloc_free(benchmark::State& state) {
  for (auto _ : state) {
    auto* object = static_cast<std::uint64_t*>(native::alloc(sizeof(plain_object)));
    for (std::size_t word = 0; word < sizeof(plain_object) / sizeof *object; ++word) {
      object[word] = word + 1;
    }
    keep(object);
    native::free(object);
  }
}
void weak_lock(benchmark::State& state) {
  const auto object = std::make_shared<std::uint64_t>(0);
  const std::weak_ptr<std::uint64_t> weak = object;
  for (auto _ : state) {
    const auto copy = weak.lock();
    keep(copy);
  }
}
void atomic_shared_load(benchmark::State& state) {
  std::atomic<std::shared_ptr<std::uint64_t>> place(std::make_shared<std::uint64_t>(0));
  for (auto _ : state) {
    const auto copy = place.load();
    keep(copy);
  }
}

}  // namespace

void add_baselines(benchmark_list& into) {
  into.push_back({"make_drop", "(malloc+free)", malloc_free});
  into.push_back({"copy_drop", "(hand-written plain)", plain_copy_drop});
  into.push_back({"copy_drop", "(hand-written atomic)", atomic_copy_drop});
  into.push_back({"copy_drop", "(std::shared_ptr)", shared_ptr_copy_drop});
  into.push_back({"load_drop", "(std::shared_ptr)", shared_ptr_copy_drop});
  into.push_back({"load_store", "(std::shared_ptr)", shared_ptr_load_store});
  into.push_back({"take_store", "(pointer)", pointer_take_store});
  into.push_back({"upgrade_drop", "(std::weak_ptr)", weak_lock});
  into.push_back({"shared_load_drop", "(std::atomic<std::shared_ptr>)", atomic_shared_load});
  into.push_back({"borrow", "(pointer)", pointer_read});
}

}  // namespace tally::micro
