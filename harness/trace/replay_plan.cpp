#include "harness/trace/replay_plan.hpp"

#include <algorithm>
#include <map>
#include <mutex>
#include <utility>

#include "harness/base/errors.hpp"
#include "harness/trace/first_references.hpp"
#include "harness/trace/graph_planner.hpp"
#include "harness/trace/pairs.hpp"
#include "harness/trace/waits.hpp"

namespace tally::recorded {
namespace {

// Gives out positions: used again by the lane that ended the object, so that only one lane at a time may write a position.
class positions {
 public:
  positions(std::size_t lanes, std::uint32_t first) : free_(lanes), next_(first) {}
  std::uint32_t take(std::size_t lane) {
    auto& f = free_[lane];
    if (f.empty()) {
      for (std::uint32_t i = chunk; i-- > 0;) f.push_back(next_ + i);
      next_ += chunk;
    }
    const std::uint32_t p = f.back();
    f.pop_back();
    return p;
  }
  void give(std::size_t lane, std::uint32_t position) { free_[lane].push_back(position); }
  [[nodiscard]] std::uint32_t end() const { return next_; }

 private:
  static constexpr std::uint32_t chunk = 16;  // so that lanes write to cache lines of their own
  std::vector<std::vector<std::uint32_t>> free_;
  std::uint32_t next_;
};

op op_for(const event& ev, const object_facts& o, bool pair, bool threads) {
  switch (ev.what) {
    case kind::increment: return pair ? op::paired_take : op::take;
    case kind::decrement: return pair ? op::paired_drop : op::drop;
    case kind::immortal_increment: return pair ? op::immortal_paired_take : op::immortal_take;
    case kind::immortal_decrement: return pair ? op::immortal_paired_drop : op::immortal_drop;
    case kind::last_decrement: return pair ? op::paired_last_drop : op::last_drop;
    default: return threads && o.shared ? op::make_shared : op::make;
  }
}

void tally_path(paths& p, op o, bool foreign) {
  if (o == op::make || o == op::make_shared) {
    ++p.born;
  } else if (immortal(o)) {
    ++p.immortal;
    p.paired_immortal += paired(o) ? 1 : 0;
  } else if (o == op::last_drop || o == op::paired_last_drop) {
    ++p.last;
  } else if (paired(o)) {
    ++(foreign ? p.paired_foreign : p.paired_owner);
  } else {
    ++(foreign ? p.foreign : p.owner);
  }
}

class planner {
 public:
  planner(const recording& r, layout how)
      : r_(r), threads_(how == layout::stream_per_thread), pairs_(r, how), references_(r),
        free_(threads_ ? r.sums.threads : 1, static_cast<std::uint32_t>(r.sums.existing)), position_(r.objects.size()) {
    p_.name = r.name;
    p_.content_hash = r.content_hash;
    p_.sums = r.sums;
    p_.recorded_threads = static_cast<std::uint16_t>(r.sums.threads);
    p_.pairs = pairs_.pairs;
    p_.dissolved_pairs = pairs_.dissolved;
    p_.most_held = pairs_.most_held;
    p_.streams.resize(threads_ ? r.sums.threads : 1);
  }

  plan make() {
    std::uint64_t longest = 0;
    if (threads_) {
      const waiting w(r_, pairs_);
      waits_ = w.waits;
      longest = w.longest;
      for (const auto& wait : waits_) posts_[wait.thread].push_back(wait.ordinal);
      for (auto& [thread, ordinals] : posts_) {
        std::ranges::sort(ordinals);
        const auto same = std::ranges::unique(ordinals);
        ordinals.erase(same.begin(), same.end());
      }
    }
    for (std::uint32_t e = 0; e < r_.events.size(); ++e) one(e);
    for (std::uint32_t o = 0; o < r_.objects.size(); ++o) {
      if (!r_.objects[o].existing && !r_.objects[o].dies) {
        p_.left.push_back({position_[o], lane(r_.objects[o].thread), references_.end(o)});
      }
    }
    for (const auto& s : p_.streams) p_.operations += s.operations, p_.waits += s.waits.size();
    if (threads_ && longest != 0) p_.parallelism = static_cast<double>(p_.operations) / static_cast<double>(longest);
    p_.positions = free_.end();
    return std::move(p_);
  }

 private:
  [[nodiscard]] std::uint16_t lane(std::uint16_t thread) const { return threads_ ? thread : std::uint16_t{0}; }

  void one(std::uint32_t e) {
    const event& ev = r_.events[e];
    const object_facts& o = r_.objects[ev.object];
    const std::uint16_t at = lane(ev.thread);
    if (ev.what == kind::appearance) {
      position_[ev.object] = static_cast<std::uint32_t>(p_.existing.size());
      p_.existing.push_back({at, o.immortal, o.shared, references_.start(ev.object), references_.end(ev.object)});
      return;
    }
    stream& s = p_.streams[at];
    for (; next_wait_ < waits_.size() && waits_[next_wait_].event == e; ++next_wait_) {
      const auto& w = waits_[next_wait_];
      const auto& posts = posts_.at(w.thread);
      const auto rank = std::ranges::lower_bound(posts, w.ordinal) - posts.begin() + 1;
      s.words.push_back(word_of(op::wait, static_cast<std::uint32_t>(s.waits.size())));
      s.waits.push_back({w.thread, static_cast<std::uint32_t>(rank)});
    }
    const op what = op_for(ev, o, pairs_.partner[e] != no_event, threads_);
    if (ev.what == kind::birth) {
      position_[ev.object] = free_.take(at);
      s.sizes.push_back(o.bytes);
    }
    s.words.push_back(word_of(what, position_[ev.object]));
    if (pairs_.partner[e] != no_event) s.places.push_back(pairs_.place[e]);
    if (ev.what == kind::last_decrement && !o.existing) free_.give(at, position_[ev.object]);
    ++s.operations;
    tally_path(p_.by_path, what, threads_ && ev.thread != o.thread);
    tally_path(p_.by_path_copies, what, o.existing);
    if (e == r_.peak_event) s.words.push_back(word_of(op::sample, 0));
    if (const auto posts = posts_.find(ev.thread); posts != posts_.end()) {
      if (s.posts < posts->second.size() && posts->second[s.posts] == s.operations) {
        s.words.push_back(word_of(op::post, 0));
        ++s.posts;
      }
    }
  }

  const recording& r_;
  bool threads_;
  pairing pairs_;
  initial_references references_;
  positions free_;
  std::vector<std::uint32_t> position_;
  std::vector<waiting::wait> waits_;
  std::map<std::uint16_t, std::vector<std::uint32_t>> posts_;  // the ordinals that a thread must announce
  std::size_t next_wait_ = 0;
  plan p_;
};

std::mutex cache_lock;
std::map<std::pair<std::string, layout>, std::shared_ptr<const plan>>& cache() {
  static std::map<std::pair<std::string, layout>, std::shared_ptr<const plan>> kept;
  return kept;
}

}  // namespace

plan make_plan(const recording& r, layout how) {
  if (!r.has_graph()) return planner(r, how).make();
  if (how == layout::stream_per_thread) throw usage_error(r.name + ": slot writes can be replayed in the recorded order only");
  return graph_planner(r, how == layout::rooted).make();
}

std::shared_ptr<const plan> plan_of(const std::string& file, layout how) {
  const std::lock_guard hold(cache_lock);
  auto& kept = cache()[{file, how}];
  if (kept == nullptr) kept = std::make_shared<const plan>(make_plan(read_recording(find_recording(file)), how));
  if (kept->operations == 0) {  // a replay would never end an operation
    throw usage_error("trace:file=" + file + ": nothing to replay: the recording has no birth, no increment and no decrement");
  }
  return kept;
}

void keep_plan(const std::string& file, layout how, plan p) {
  const std::lock_guard hold(cache_lock);
  cache()[{file, how}] = std::make_shared<const plan>(std::move(p));
}

void report(const plan& of, int copies, std::int64_t peak_bytes, metric_list& into) {
  const paths& p = copies != 0 ? of.by_path_copies : of.by_path;
  const auto share = [&](const char* name, std::uint64_t n) {
    into.push_back({name, static_cast<double>(n) / static_cast<double>(of.operations), "of operations", "measured"});
  };
  share("share_owner", p.owner);
  share("share_foreign", p.foreign);
  share("share_paired", p.paired_owner + p.paired_foreign);
  share("share_paired_foreign", p.paired_foreign);  // of share_paired
  share("share_immortal", p.immortal);
  share("share_last", p.last);
  share("share_new", p.born);
  if (of.graph) share("share_slot_writes", p.written);
  into.push_back({"recorded_operations", static_cast<double>(of.operations), "operations", "measured"});
  into.push_back({"recorded_peak_bytes", static_cast<double>(of.sums.max_live_bytes), "bytes", "measured"});
  into.push_back({"waits", static_cast<double>(of.waits), "a pass", "measured"});
  into.push_back({"parallelism", copies != 0 ? copies : of.parallelism, "at unit cost", "measured"});
  into.push_back({"peak_bytes", static_cast<double>(peak_bytes), "bytes", "measured"});
}

int recorded_threads(const std::string& file) { return plan_of(file, layout::one_stream)->recorded_threads; }
bool has_graph(const std::string& file) { return plan_of(file, layout::one_stream)->graph.has_value(); }

}  // namespace tally::recorded
