// Which mutations there are of an access, and what they are called.
#include "harness/model/mutations.hpp"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "harness/model/changes.hpp"

namespace tally::model {
namespace checker {

change_list changes;

const char* text(access a) {
  static constexpr const char* names[] = {"load",      "store",    "exchange",  "fetch_add",
                                          "fetch_sub", "fetch_or", "fetch_and", "compare_exchange"};
  return names[static_cast<int>(a)];
}
const char* text(memory_order o) {
  switch (o) {
    case std::memory_order_relaxed: return "relaxed";
    case std::memory_order_consume: return "consume";
    case std::memory_order_acquire: return "acquire";
    case std::memory_order_release: return "release";
    case std::memory_order_acq_rel: return "acq_rel";
    default: return "seq_cst";
  }
}
bool same_place(const site& a, const site& b) {
  return a.at.line() == b.at.line() && a.at.column() == b.at.column() && a.what == b.what && a.order == b.order &&
         a.field == b.field && std::strcmp(a.at.file_name(), b.at.file_name()) == 0;
}

namespace {
// The weaker orders that are worth a mutant of their own: each step down, and relaxed.
std::vector<memory_order> weaker(access what, memory_order o) {
  using enum memory_order;
  switch (o) {
    case acquire:
    case release:
    case consume: return {relaxed};
    case acq_rel: return {acquire, release};
    case seq_cst:
      if (what == access::load) return {acquire, relaxed};
      if (what == access::store) return {release, relaxed};
      return {acq_rel, acquire, release};
    default: return {};
  }
}
}  // namespace

void write_record(const site& at, bool shared) {
  const auto key = std::tuple(at.at.file_name(), at.at.line(), at.at.column(), static_cast<int>(at.what),
                              static_cast<int>(at.order), at.field.data());
  if (!changes.known.emplace(key, true).second) return;
  const auto add = [&](change what, memory_order to) { changes.seen.push_back({what, at, to, {}}); };
  if (!shared) {
    if (at.what == access::store) add(change::skip, at.order);
    return;
  }
  for (const memory_order to : weaker(at.what, at.order)) add(change::weaken, to);
  if (at.what == access::compare_exchange && at.on_failure != std::memory_order_relaxed) {
    add(change::weaken_failure, std::memory_order_relaxed);
  }
  if (at.what != access::load) add(change::skip, at.order);
  if (at.what == access::store) add(change::delay, at.order);
  if (at.what != access::load && at.what != access::store) add(change::tear, at.order);
}

}  // namespace checker
using namespace checker;

bool mutant(std::string_view step) {
  if (changes.record) {
    const mutation m{change::step, {}, std::memory_order_relaxed, std::string(step)};
    if (std::none_of(changes.seen.begin(), changes.seen.end(), [&](const mutation& o) { return o.same_as(m); })) {
      changes.seen.push_back(m);
    }
  }
  return changes.active != nullptr && changes.active->what == change::step && changes.active->name == step;
}

bool mutation::same_as(const mutation& o) const {
  if (what != o.what || to != o.to) return false;
  return what == change::step ? name == o.name : same_place(where, o.where);
}

std::vector<mutation> mutations_of(const plan& p, const std::function<std::unique_ptr<program>()>& make) {
  changes.record = true;
  changes.seen.clear();
  changes.known.clear();
  static_cast<void>(check(p, make, false));
  changes.record = false;
  return std::move(changes.seen);
}

void mutate(const mutation* m) { changes.active = m; }

void name_all(std::vector<mutation>& all) {
  const auto function = [](const std::source_location& at) {
    std::string_view f = at.function_name();
    f = f.substr(0, f.find('('));
    const auto cut = f.find_last_of(": &*");
    return std::string(cut == f.npos ? f : f.substr(cut + 1));
  };
  const auto before = [](const mutation& a, const mutation& b) {
    return std::tuple(a.where.at.line(), a.where.at.column(), a.what, a.to) <
           std::tuple(b.where.at.line(), b.where.at.column(), b.what, b.to);
  };
  std::stable_sort(all.begin(), all.end(), before);
  std::map<std::string, int> used;
  for (mutation& m : all) {
    if (m.what == change::step) continue;
    std::string_view file = m.where.at.file_name();
    file = file.substr(file.find_last_of('/') + 1);
    std::string n = std::string(file) + " " + function(m.where.at) + ": " + std::string(m.where.field) + "." + text(m.where.what);
    switch (m.what) {
      case change::weaken: n += std::string(" ") + text(m.where.order) + " -> " + text(m.to); break;
      case change::weaken_failure: n += std::string(", failed, ") + text(m.where.on_failure) + " -> " + text(m.to); break;
      case change::skip: n += " skipped"; break;
      case change::delay: n += " delayed"; break;
      default: n += " torn"; break;
    }
    const int again = ++used[n];
    m.name = again == 1 ? n : n + " #" + std::to_string(again);
  }
}

}  // namespace tally::model
