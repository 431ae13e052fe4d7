// Recordings: damaged containers and damaged events. An input that is no zstd stream is taken for a decompressed recording and
// packed first; where only the header's totals are wrong, they are mended, so that what follows decoding is reached, too: plans,
// and what `tally trace info` says.
#include <zstd.h>

#include <nlohmann/json.hpp>
#include <vector>

#include "harness/base/errors.hpp"
#include "harness/trace/info.hpp"
#include "harness/trace/recorder.hpp"
#include "harness/trace/replay_plan.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace {

using bytes = std::vector<unsigned char>;
using namespace tally;
using namespace tally::recorded;

// Every position is in the table, and the words are as many as the plan says.
void check_graph(const plan& p, const recording& r) {
  std::uint64_t operations = 0, births = 0;
  const auto& words = p.graph->words;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto op = static_cast<graph_op>(words[i] >> position_bits);
    if (op != graph_op::sample && (words[i] & position_mask) >= p.positions)
      fuzz::finding("a position outside of the table", r.header);
    operations += op < graph_op::sample ? 1 : 0;
    births += op == graph_op::make ? 1 : 0;
    if (op != graph_op::store) continue;
    if (i + 2 >= words.size() || (words[i + 2] != no_position && words[i + 2] >= p.positions)) fuzz::finding("a store", r.header);
    i += 2;
  }
  if (operations != p.operations || births != p.graph->births.size()) fuzz::finding("operations", r.header);
  if (p.graph->reachable > p.graph->alive || p.graph->leaked > p.graph->alive) fuzz::finding("what is alive", r.header);
}

void check(const recording& r) {
  if (r.objects.size() != r.sums.objects || r.events.size() + r.sums.thread_switches != r.sums.events) {
    fuzz::finding("totals", r.header);
  }
  if (r.has_graph()) {
    for (const layout how : {layout::one_stream, layout::rooted}) check_graph(make_plan(r, how), r);
  }
  for (const layout how : {layout::one_stream, layout::stream_per_thread}) {
    if (r.has_graph()) break;
    const plan p = make_plan(r, how);
    std::uint64_t words = 0;
    for (const stream& s : p.streams) {
      for (const std::uint32_t w : s.words) {
        words += counts(op_of(w)) ? 1 : 0;
        const bool at_object = counts(op_of(w));
        if (at_object && (w & position_mask) >= p.positions) fuzz::finding("a position outside of the table", r.header);
      }
    }
    if (words != p.operations) fuzz::finding("operations", r.header);
  }
  const std::string text = info_text(r);
  if (text.find("nan") != text.npos && r.header.find("nan") == r.header.npos) fuzz::finding("info", text);
  if (nlohmann::json::parse(info_json(r)).at("events") != r.sums.events) fuzz::finding("info as JSON", r.header);
}

// "the header says KEY N, found M, at ...": the JSON with M.
bool mend(std::string& header, std::string_view refusal) {
  constexpr std::string_view says = "the header says ";
  const auto at = refusal.find(says);
  if (at == refusal.npos) return false;
  std::string_view rest = refusal.substr(at + says.size());
  const std::string key(rest.substr(0, rest.find(' ')));
  const auto found = rest.find("found ");
  auto json = nlohmann::json::parse(header);
  json[key] = std::strtoull(std::string(rest.substr(found + 6)).c_str(), nullptr, 10);
  header = json.dump();
  return true;
}

bytes packed(const std::string& header, const std::uint8_t* events, std::size_t size) {
  bytes raw{'R', 'C', 'T', 'R', 'A', 'C', 'E', '2'};  // which takes all that version 1 does
  for (int shift = 0; shift < 32; shift += 8) raw.push_back(static_cast<unsigned char>(header.size() >> shift));
  raw.insert(raw.end(), header.begin(), header.end());
  raw.insert(raw.end(), events, events + size);
  bytes out(ZSTD_compressBound(raw.size()));
  out.resize(ZSTD_compress(out.data(), out.size(), raw.data(), raw.size(), 1));
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t most = 1 << 16;
  if (size > most) return 0;
  const bytes whole(data, data + size);
  recording r;
  if (fuzz::accepted<usage_error>([&] { r = decode_recording(whole, "it"); })) check(r);
  // As a decompressed recording, header and all.
  bytes out(ZSTD_compressBound(size));
  out.resize(ZSTD_compress(out.data(), out.size(), data, size, 1));
  if (fuzz::accepted<usage_error>([&] { r = decode_recording(out, "it"); })) check(r);
  // As events alone, behind a header that is mended until it fits; each of its 19 totals needs that once at most.
  std::size_t begin = 0;
  if (size > 12 && data[0] == 'R') {
    const std::size_t length = data[8] | std::size_t{data[9]} << 8;
    begin = std::min(size, 12 + length);
  }
  auto json = nlohmann::json::object();
  for (const char* key : {"events", "objects", "created", "died", "existing", "immortal_objects", "shared_objects",
                          "max_live_objects", "max_live_bytes", "increfs", "decrefs", "immortal_increfs", "immortal_decrefs",
                          "last_decrefs", "news", "thread_switches", "slot_writes"}) {
    json[key] = 0U;
  }
  // What may not be exceeded on the way is stated too high first.
  json["threads"] = recording_limits::threads;
  json["events"] = json["objects"] = size;
  json["slots"] = 1U << 16;
  std::string header = json.dump();
  for (int tries = 0; tries < 20; ++tries) {
    std::string refusal;
    try {
      r = decode_recording(packed(header, data + begin, size - begin), "it");
    } catch (const usage_error& e) {
      refusal = e.what();
    }
    if (refusal.empty()) {
      check(r);
      return 0;
    }
    if (!mend(header, refusal)) return 0;
  }
  fuzz::finding("totals that can't be mended", header);
}
