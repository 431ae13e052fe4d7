#include "harness/trace/info.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "harness/trace/replay_plan.hpp"

namespace tally::recorded {
namespace {

// What nothing had released when the recording ended.
struct left_alive {
  std::uint64_t made = 0, bytes = 0, shared = 0;  // shared: of those made, met by more than one thread
  std::uint64_t from_before = 0;                  // mortal ones
};

left_alive left_of(const recording& r) {
  left_alive left;
  for (const object_facts& o : r.objects) {
    if (o.dies || o.immortal) continue;
    if (o.existing) {
      ++left.from_before;
    } else {
      ++left.made, left.bytes += o.bytes, left.shared += o.shared ? 1 : 0;
    }
  }
  return left;
}

// Which mechanism would catch a recorded increment or decrement. What is from before the recording (functions, code, classes, modules,
// and what else the program had loaded) has no thread that made it in sight.
struct ladder {
  std::uint64_t operations = 0;
  std::uint64_t immortal = 0;
  std::uint64_t owner = 0, foreign = 0;              // of what the recording sees made: by the thread that made it, or another
  std::uint64_t before_stack = 0, before_other = 0;  // of what is from before: by the interpreter's loop, or by C code
  // Of those of made objects that their maker counts: what [Choi18] calls operations of the owner.
  [[nodiscard]] double owner_share() const {
    return owner + foreign == 0 ? 0 : static_cast<double>(owner) / static_cast<double>(owner + foreign);
  }
};

ladder ladder_of(const recording& r) {
  ladder all;
  for (const event& e : r.events) {
    const bool immortal = e.what == kind::immortal_increment || e.what == kind::immortal_decrement;
    if (!immortal && e.what != kind::increment && e.what != kind::decrement && e.what != kind::last_decrement) continue;
    const object_facts& o = r.objects[e.object];
    ++all.operations;
    ++(immortal               ? all.immortal
       : o.existing           ? (e.interpreter ? all.before_stack : all.before_other)
       : e.thread == o.thread ? all.owner
                              : all.foreign);
  }
  return all;
}

struct loaded {
  recording file;
  plan one;  // in recorded order
  double parallelism = 1;
  std::uint64_t waits = 0;
};

loaded load(recording r) {
  loaded l{std::move(r), {}};
  l.one = make_plan(l.file, layout::one_stream);
  if (l.file.sums.threads > 1 && !l.one.graph) {
    const plan p = make_plan(l.file, layout::stream_per_thread);
    l.parallelism = p.parallelism;
    l.waits = p.waits;
    l.one.by_path = p.by_path;  // who is foreign is a matter of threads
  }
  return l;
}

std::vector<std::pair<const char*, std::uint64_t>> by_path(const plan& of) {
  const paths& p = of.by_path;
  std::vector<std::pair<const char*, std::uint64_t>> all{
      {"owner", p.owner},       {"foreign", p.foreign}, {"paired", p.paired_owner + p.paired_foreign},
      {"immortal", p.immortal}, {"last", p.last},       {"new", p.born}};
  if (of.graph) all.emplace_back("slot writes", p.written);
  return all;
}

}  // namespace

std::string info_text(const std::string& file) { return info_text(read_recording(find_recording(file))); }
std::string info_json(const std::string& file) { return info_json(read_recording(find_recording(file))); }

std::string info_text(recording r) {
  const loaded l = load(std::move(r));
  const totals& t = l.file.sums;
  std::string s = fmt::format("{}: {}\n", l.file.name, l.file.program);
  if (!l.file.description.empty()) s += fmt::format("  what it does    {}\n", l.file.description);
  if (!l.file.runtime.empty()) s += fmt::format("  recorded on     {}\n", l.file.runtime);
  s += fmt::format("  content         {}; every balance and total checked\n", l.file.content_hash);
  s += fmt::format("  version         {}{}\n", l.file.version, l.one.graph ? "" : ": nothing says what refers to what");
  s += fmt::format("  events          {}: {} increments, {} decrements, {} last decrements, {} births,\n", t.events, t.increfs,
                   t.decrefs, t.last_decrefs, t.news);
  s += fmt::format("                  {} increments and {} decrements of immortal objects\n", t.immortal_increfs,
                   t.immortal_decrefs);
  s += fmt::format("  objects         {}: {} made, {} from before ({} of them immortal), {} died\n", t.objects, t.created,
                   t.existing, t.immortal_objects, t.died);
  if (l.one.graph) {
    const graph_plan& g = *l.one.graph;
    s += fmt::format("  slots           {}, written {} times\n", t.slots, t.slot_writes);
    s += fmt::format(
        "  freed           {} objects made by counting alone, {} of them in the recording and {} when its threads let go\n",
        t.created - g.leaked, t.created - g.alive, g.alive - g.leaked);
    s +=
        fmt::format("  cyclic          {} objects made are on cycles that nothing else frees, or reached from these\n", g.leaked);
  }
  s += fmt::format("  alive at once   {} objects, {} bytes\n", t.max_live_objects, t.max_live_bytes);
  const left_alive left = left_of(l.file);
  s += fmt::format("  left alive      {} objects made, {} bytes, {} of them met by more than one thread; {} from before\n",
                   left.made, left.bytes, left.shared, left.from_before);
  s += fmt::format("  repairs         {}{}\n", l.file.repairs,
                   l.file.repairs == 0 ? "" : ": uses of dead objects, or of counts that were not recorded (FORMAT.md)");
  s += fmt::format("  threads         {}, with {} switches; {} objects met by more than one\n", t.threads, t.thread_switches,
                   t.shared_objects);
  s += fmt::format("  a replay        {} operations:", l.one.operations);
  const char* separator = "";
  for (const auto& [path, n] : by_path(l.one)) {
    s += fmt::format("{} {:.1f} % {}", std::exchange(separator, ","),
                     100.0 * static_cast<double>(n) / static_cast<double>(std::max<std::uint64_t>(l.one.operations, 1)), path);
  }
  const ladder who = ladder_of(l.file);
  const auto share = [&who](std::uint64_t n) {
    return 100.0 * static_cast<double>(n) / static_cast<double>(std::max<std::uint64_t>(who.operations, 1));
  };
  s += fmt::format(
      "\n  who counts      {} increments and decrements: {:.1f} % of immortal objects, {:.1f} % by the maker, {:.1f} % by "
      "another thread;\n"
      "                  of objects from before, {:.1f} % by the interpreter's loop, {:.1f} % by C code\n",
      who.operations, share(who.immortal), share(who.owner), share(who.foreign), share(who.before_stack),
      share(who.before_other));
  s +=
      fmt::format("  owner           {:.1f} % of what counts objects that were made is their maker's\n", 100 * who.owner_share());
  s += fmt::format("  pairs           {}, at most {} held at once\n", l.one.pairs, l.one.most_held);
  if (t.threads > 1 && !l.one.graph) {
    s += fmt::format("  parallelism     {:.2f} at unit cost, {} waits{}\n", l.parallelism, l.waits,
                     l.parallelism < 1.5 ? ": serial, backs no scaling claim" : "");
  } else {
    s += fmt::format("  parallelism     none: {}\n", t.threads > 1 ? "slot writes replay in the recorded order" : "one thread");
  }
  return s;
}

std::string info_json(recording r) {
  const loaded l = load(std::move(r));
  const totals& t = l.file.sums;
  auto j = nlohmann::ordered_json::parse(l.file.header);
  j["file"] = l.file.name;
  j["content_hash"] = l.file.content_hash;
  j["checked"] = true;
  j["version"] = l.file.version;
  if (l.one.graph) {
    j["freed_by_counting"] = t.created - l.one.graph->leaked;
    j["cyclic"] = l.one.graph->leaked;
  }
  j["operations"] = l.one.operations;
  const left_alive left = left_of(l.file);
  j["left_alive"] = left.made;
  j["left_alive_bytes"] = left.bytes;
  j["left_alive_shared"] = left.shared;
  j["left_from_before"] = left.from_before;
  j["paths"] = nlohmann::ordered_json::object();
  for (const auto& [path, n] : by_path(l.one)) j["paths"][path] = n;
  const ladder who = ladder_of(l.file);
  j["who_counts"] = {{"operations", who.operations}, {"immortal", who.immortal},         {"owner", who.owner},
                     {"foreign", who.foreign},       {"before_stack", who.before_stack}, {"before_other", who.before_other}};
  j["pairs"] = l.one.pairs;
  j["most_pairs_held"] = l.one.most_held;
  j["waits"] = l.waits;
  j["parallelism"] = l.parallelism;
  return j.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";  // a path need not be UTF-8
}

}  // namespace tally::recorded
