// What a generated model program includes: every program that the strategy supports, for every variant that is built, searched
// and reported; and the mutants.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "harness/counting/counting_heap.hpp"
#include "tests/model/cycle_programs.hpp"
#include "tests/model/deferred_programs.hpp"
#include "tests/model/owner_programs.hpp"
#include "tests/model/programs.hpp"
#include "tests/model/slot_programs.hpp"
#include "tests/model/weak_programs.hpp"

namespace tally::model {

// One program on one variant.
struct subject {
  std::string variant;  // "slot=epoch", "default"
  std::string name;     // of the program
  int threads = 2;
  std::function<std::unique_ptr<program>()> make;
};

namespace detail {

template <class Family, auto Options>
std::string variant_name() {
  using options = typename Family::options;
  static constexpr options chosen = Options, standard{};
  std::string name;
  for (const auto& t : Family::tunables) {
    if (t.chosen == nullptr || t.chosen(chosen) == t.chosen(standard)) continue;
    name +=
        (name.empty() ? "" : ",") + std::string(t.name) + "=" + std::string(t.values[static_cast<std::size_t>(t.chosen(chosen))]);
  }
  return name.empty() ? "default" : name;
}

template <class Program>
subject subject_of(std::string_view variant, std::string_view name, int threads) {
  return {std::string(variant), std::string(name), threads, [threads] { return std::make_unique<staged<Program>>(threads); }};
}

template <template <class> class Program, class H>
void add(std::vector<subject>& into, std::string_view variant, std::string_view name) {
  for (const int threads : {2, 3}) into.push_back(subject_of<Program<H>>(variant, name, threads));
}

// heap=block: the counts are those of the variant beside it, and the cells go round under a lock; a heap that commits a megabyte
// in every schedule is no small one.
template <class H>
concept counts_on_blocks = requires { requires H::source == object_source::block; };

template <class H>
void add_all(std::vector<subject>& into, std::string_view v) {
  if constexpr (collects_over_counts<H>) {
    add<garbage_cycle, H>(into, v, "garbage_cycle");
    add<moved_cycle, H>(into, v, "moved_cycle");
    add<weak_into_cycle, H>(into, v, "weak_into_cycle");
    add<revived_cycle, H>(into, v, "revived_cycle");
  }
  if (counts_on_blocks<H> && !collects_over_counts<H>) return;
  if constexpr (has_ends<H>) {
    add<revived, H>(into, v, "revived");
    add<observers_race, H>(into, v, "observers_race");
  }
  add<private_life, H>(into, v, "private_life");
  add<last_reference, H>(into, v, "last_reference");
  add<blocked_owner, H>(into, v, "blocked_owner");
  add<cascade, H>(into, v, "cascade");
  if constexpr (defers_stacks<H>) {
    add<deferred_by_all, H>(into, v, "deferred_by_all");
    add<deferred_by_threads, H>(into, v, "deferred_by_threads");
  }
  // stack=deferred: what is not deferred is counted as in the variant beside it.
  if (counts_on_blocks<H> || defers_stacks<H>) return;
  add<hand_off, H>(into, v, "hand_off");
  add<owner_exit, H>(into, v, "owner_exit");
  add<abandoned, H>(into, v, "abandoned");
  add<merge_and_copy, H>(into, v, "merge_and_copy");
  add<blocked_cascade, H>(into, v, "blocked_cascade");
  add<coming_back, H>(into, v, "coming_back");
  add<handed_back, H>(into, v, "handed_back");
  add<counted_by_others, H>(into, v, "counted_by_others");
  add<two_owners, H>(into, v, "two_owners");
  add<id_reuse, H>(into, v, "id_reuse");
  add<coming_and_going, H>(into, v, "coming_and_going");
  add<polling, H>(into, v, "polling");
  add<safepoints, H>(into, v, "safepoints");
  add<many_parcels, H>(into, v, "many_parcels");
  add<returned_parcels, H>(into, v, "returned_parcels");
  add<old_slots, H>(into, v, "old_slots");
  add<travelling, H>(into, v, "travelling");
  if constexpr (limits_heap<H>) add<full_heap, H>(into, v, "full_heap");
  if constexpr (requires { H::default_helpers; }) add<helped, H>(into, v, "helped");
  if constexpr (has_weak<H>) {
    add<upgrade, H>(into, v, "upgrade");
    add<downgrade, H>(into, v, "downgrade");
    add<upgraded_stays, H>(into, v, "upgraded_stays");
    add<weak_death, H>(into, v, "weak_death");
    add<weak_slots, H>(into, v, "weak_slots");
  }
  if constexpr (has_shared_slot<H>) {
    add<slot_load_and_store, H>(into, v, "slot_load_and_store");
    add<slot_compare_exchange, H>(into, v, "slot_compare_exchange");
    add<publication, H>(into, v, "publication");
    add<slot_exchange, H>(into, v, "slot_exchange");
    add<slot_one_winner, H>(into, v, "slot_one_winner");
    add<slot_retiring, H>(into, v, "slot_retiring");
    add<slot_put_back, H>(into, v, "slot_put_back");
    add<leaving_behind, H>(into, v, "leaving_behind");
    add<attaching_first, H>(into, v, "attaching_first");
    add<attaching_again, H>(into, v, "attaching_again");
  }
  if constexpr (has_borrow<H>) add<borrowing, H>(into, v, "borrowing");
  if constexpr (requires { H::frees_for_the_blocked; }) {
    add<each_freed_by_polls, H>(into, v, "each_freed_by_polls");
    if constexpr (H::frees_for_the_blocked) {
      add<freed_while_blocked, H>(into, v, "freed_while_blocked");
      add<each_freed_while_blocked, H>(into, v, "each_freed_while_blocked");
    }
  }
  if constexpr (has_immortal<H>) add<immortals, H>(into, v, "immortals");
}

template <class Family, auto... Options>
std::vector<subject> subjects_of(variant_list<Options...>) {
  std::vector<subject> all;
  (add_all<typename Family::template heap<modelled, Options>>(all, variant_name<Family, Options>()), ...);
  return all;
}
template <class Family, auto First, auto... Rest>
constexpr bool checkable(variant_list<First, Rest...>) {
  using heap = typename Family::template heap<native, First>;
  return instrumented<heap> && !single_threaded<heap> && !unique_ownership<heap>;
}

}  // namespace detail

// Registers the tests and runs them. An empty list: the strategy can't be checked this way, for the reason given.
int run(int argc, char** argv, std::string_view strategy, std::vector<subject> subjects, std::string_view why_not);

template <class Family>
int run_family(int argc, char** argv) {
  if constexpr (detail::checkable<Family>(typename Family::variants{})) {
    return run(argc, argv, Family::info.name, detail::subjects_of<Family>(typename Family::variants{}), "");
  } else {
    return run(argc, argv, Family::info.name, {}, "it is for one thread, counts nothing, or counts inside a library");
  }
}

}  // namespace tally::model
