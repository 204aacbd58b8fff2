// SPDX-License-Identifier: MIT
#include "onehop/telemetry/windows.h"

#include <algorithm>
#include <array>
#include <utility>

namespace onehop::telemetry {

namespace {

constexpr uint64_t kKeptNs = 300 * kSecondNs;
constexpr uint64_t kLeastBetweenSamplesNs = kSecondNs / 2;

constexpr uint32_t kCountBits = 17;
constexpr uint32_t kBucketBits = 11;
constexpr uint64_t kLargestCount = (uint64_t{1} << kCountBits) - 1;
static_assert(kHistogramBuckets <= (size_t{1} << kBucketBits));
static_assert(kExchangeHistogramCount <= (size_t{1} << (32 - kBucketBits - kCountBits)));

void pack(size_t histogram, size_t bucket, uint64_t count, std::vector<uint32_t>& into) {
  const auto place =
      static_cast<uint32_t>(histogram << (kBucketBits + kCountBits) | bucket << kCountBits);
  for (; count > 0; count -= std::min(count, kLargestCount)) {
    into.push_back(place | static_cast<uint32_t>(std::min(count, kLargestCount)));
  }
}

void unpack(uint32_t entry, ExchangeValues& into) {
  const size_t bucket = entry >> kCountBits & ((1U << kBucketBits) - 1);
  into[entry >> (kBucketBits + kCountBits)].add_bucket(bucket, entry & kLargestCount);
}

// Adds what `now` holds and `before` did not.
void add_growth(const HistogramValues& now, const HistogramValues& before, HistogramValues& into) {
  now.for_each_bucket([&](size_t bucket, uint64_t count) {
    const uint64_t grown = count - before.bucket(bucket);
    if (grown != 0) into.add_bucket(bucket, grown);
  });
  into.add_totals(now.sum_ns() - before.sum_ns(), 0);
}

// The highest value that the buckets allow. The last bucket has no end, so there it is the maximum
// since start.
uint64_t max_of_buckets(const HistogramValues& values, uint64_t max_since_start) {
  size_t end = 0;
  values.for_each_bucket([&](size_t bucket, uint64_t) { end = bucket + 1; });
  if (end == 0) return 0;
  if (end == kHistogramBuckets) return max_since_start;
  return std::min(bucket_floor(end) - 1, max_since_start);
}

HistogramValues merge_histogram(const EndpointCells& cells, size_t histogram) {
  HistogramValues values;
  cells.by_worker.for_each(
      [&](const EndpointShard& shard) { shard.exchange[histogram].merge_into(values); });
  return values;
}

struct WindowRow {
  std::string_view name;
  uint64_t length_ns;
};
constexpr std::array kWindowRows = {
#define X(name, text, seconds) WindowRow{text, (seconds)*kSecondNs},
    ONEHOP_WINDOWS(X)
#undef X
};

}  // namespace

std::string_view window_name(Window window) {
  return kWindowRows[static_cast<size_t>(window)].name;
}

std::optional<Window> parse_window(std::string_view name) {
  for (size_t i = 0; i < kWindowRows.size(); ++i) {
    if (kWindowRows[i].name == name) return static_cast<Window>(i);
  }
  return std::nullopt;
}

Windows::Windows(Telemetry& telemetry, uint64_t now_ns)
    : telemetry_(telemetry), sampled_at_(now_ns), accepted_(0, now_ns), requests_(0, now_ns) {}

void Windows::sample(uint64_t now_ns) {
  if (now_ns - sampled_at_ < kLeastBetweenSamplesNs) return;
  const std::vector<CellsId> let_go = telemetry_.take_let_go();
  Slot scratch;
  telemetry_.for_each_endpoint([&](const EndpointCells& cells) {
    Seen& seen = seen_.try_emplace(cells.id, sampled_at_).first->second;
    const EndpointMetrics metrics = merge_metrics(cells);
    seen.opened.sample(sum(metrics.opened), now_ns);
    seen.requests.sample(sum(metrics.requests), now_ns);
    sample_endpoint(cells, seen, scratch);
  });
  sampled_at_ = now_ns;
  // Copied so that a slot holds what it needs and not what the vectors grew to.
  slots_.push_back({now_ns, std::vector<Delta>(scratch.deltas.begin(), scratch.deltas.end()),
                    std::vector<uint32_t>(scratch.entries.begin(), scratch.entries.end())});
  while (slots_.front().ended_at + kKeptNs <= now_ns) slots_.pop_front();
  const DownstreamValues downstream = merge_downstream(telemetry_);
  accepted_.sample(downstream.accepted, now_ns);
  requests_.sample(sum(downstream.requests), now_ns);
  fold(let_go);
}

// The last histogram that an exchange records tells whether there was one: one histogram to read
// per endpoint and worker instead of twelve. A record that is seen in part is completed a second
// later, because an endpoint that was busy is looked at once more.
void Windows::sample_endpoint(const EndpointCells& cells, Seen& seen, Slot& slot) {
  const uint64_t count = merge_histogram(cells, kOverheadIndex).count();
  const bool is_busy = count != seen.exchange[kOverheadIndex].count();
  if (!is_busy && !seen.was_busy) return;
  seen.was_busy = is_busy;

  Delta delta{cells.id, static_cast<uint32_t>(slot.entries.size()), {}};
  bool grew = false;
  for (size_t h = 0; h < kExchangeHistogramCount; ++h) {
    HistogramValues now = merge_histogram(cells, h);
    HistogramValues& before = seen.exchange[h];
    delta.sums[h] = now.sum_ns() - before.sum_ns();
    now.for_each_bucket([&](size_t bucket, uint64_t records) {
      pack(h, bucket, records - before.bucket(bucket), slot.entries);
    });
    grew = grew || delta.sums[h] != 0;
    before = std::move(now);
  }
  if (grew || slot.entries.size() > delta.first_entry) slot.deltas.push_back(delta);
}

// Whoever let go of its cells before this sample has counted nothing since; all of it is in a slot.
void Windows::fold(const std::vector<CellsId>& let_go) {
  std::unordered_map<CellsId, CellsId> heirs;
  for (const auto& [endpoint, into] : telemetry_.fold(let_go)) {
    heirs[endpoint] = into;
    seen_.erase(endpoint);
  }
  if (heirs.empty()) return;
  for (Slot& slot : slots_) {
    for (Delta& delta : slot.deltas) {
      const auto heir = heirs.find(delta.cells);
      if (heir != heirs.end()) delta.cells = heir->second;
    }
  }
}

Snapshot Windows::snapshot(Window window, uint64_t now_ns) const {
  Snapshot snapshot = merge(telemetry_);
  if (window == Window::total) return snapshot;

  std::unordered_map<CellsId, ExchangeValues> windowed;
  const uint64_t length = kWindowRows[static_cast<size_t>(window)].length_ns;
  for (const Slot& slot : slots_) {
    if (slot.ended_at + length <= now_ns) continue;
    for (size_t d = 0; d < slot.deltas.size(); ++d) {
      const Delta& delta = slot.deltas[d];
      ExchangeValues& values = windowed[delta.cells];
      const size_t end =
          d + 1 < slot.deltas.size() ? slot.deltas[d + 1].first_entry : slot.entries.size();
      for (size_t i = delta.first_entry; i < end; ++i) unpack(slot.entries[i], values);
      for (size_t h = 0; h < kExchangeHistogramCount; ++h) values[h].add_totals(delta.sums[h], 0);
    }
  }
  for (EndpointValues& values : snapshot.endpoints) apply(windowed, values);
  for (EndpointValues& values : snapshot.departed) apply(windowed, values);
  return snapshot;
}

// What is gone grows no more: nothing is seen of it, and all it did is in the slots.
void Windows::apply(const std::unordered_map<CellsId, ExchangeValues>& windowed,
                    EndpointValues& live) const {
  const auto slots = windowed.find(live.id);
  const auto seen = seen_.find(live.id);
  const bool departed = live.name.address.empty();
  const ExchangeValues nothing;
  const ExchangeValues& before = seen != seen_.end() ? seen->second.exchange : nothing;
  for (size_t h = 0; h < kExchangeHistogramCount; ++h) {
    HistogramValues values = slots != windowed.end() ? slots->second[h] : HistogramValues();
    if (!departed) add_growth(live.exchange[h], before[h], values);
    values.add_totals(0, max_of_buckets(values, live.exchange[h].max_ns()));
    live.exchange[h] = std::move(values);
  }
}

DownstreamRates Windows::downstream_rates(const Snapshot& live, uint64_t now_ns) const {
  return {accepted_.rates(live.downstream.accepted, now_ns),
          requests_.rates(sum(live.downstream.requests), now_ns)};
}

EndpointRates Windows::endpoint_rates(const EndpointValues& endpoint, uint64_t now_ns) const {
  const auto seen = seen_.find(endpoint.id);
  if (seen != seen_.end()) {
    return {seen->second.opened.rates(sum(endpoint.opened), now_ns),
            seen->second.requests.rates(sum(endpoint.requests), now_ns)};
  }
  const RateSeries fresh(0, sampled_at_);
  return {fresh.rates(sum(endpoint.opened), now_ns), fresh.rates(sum(endpoint.requests), now_ns)};
}

size_t Windows::slot_bytes() const {
  size_t bytes = 0;
  for (const Slot& slot : slots_) {
    bytes += sizeof(Slot) + slot.deltas.capacity() * sizeof(Delta) +
             slot.entries.capacity() * sizeof(uint32_t);
  }
  return bytes;
}

}  // namespace onehop::telemetry
