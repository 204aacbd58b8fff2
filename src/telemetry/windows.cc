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
  if (now.count() != before.count()) {
    for (size_t i = 0; i < kHistogramBuckets; ++i) {
      if (now.bucket(i) != before.bucket(i)) into.add_bucket(i, now.bucket(i) - before.bucket(i));
    }
  }
  into.add_totals(now.sum_ns() - before.sum_ns(), 0);
}

// The highest value that the buckets allow. The last bucket has no end, so there it is the maximum
// since start.
uint64_t max_of_buckets(const HistogramValues& values, uint64_t max_since_start) {
  size_t end = kHistogramBuckets;
  while (end > 0 && values.bucket(end - 1) == 0) --end;
  if (end == 0) return 0;
  if (end == kHistogramBuckets) return max_since_start;
  return std::min(bucket_floor(end) - 1, max_since_start);
}

// The counters whose rates are kept: accepted, downstream requests, then opened and requests of
// each endpoint.
constexpr size_t kAcceptedIndex = 0;
constexpr size_t kRequestsIndex = 1;
constexpr size_t opened_index(size_t endpoint) {
  return 2 + 2 * endpoint;
}
constexpr size_t requests_index(size_t endpoint) {
  return 3 + 2 * endpoint;
}

std::vector<uint64_t> rated_counters(const Telemetry& telemetry) {
  const DownstreamValues downstream = merge_downstream(telemetry);
  std::vector<uint64_t> values = {downstream.accepted, sum(downstream.requests)};
  for (size_t i = 0; i < telemetry.endpoints().size(); ++i) {
    const EndpointMetrics endpoint = merge_endpoint(telemetry, i);
    values.push_back(sum(endpoint.opened));
    values.push_back(sum(endpoint.requests));
  }
  return values;
}

HistogramValues merge_histogram(const Telemetry& telemetry, size_t endpoint, size_t histogram) {
  HistogramValues values;
  for (size_t worker = 0; worker < telemetry.worker_count(); ++worker) {
    telemetry.shard(worker).endpoints[endpoint].exchange[histogram].merge_into(values);
  }
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

Windows::Windows(const Telemetry& telemetry, uint64_t now_ns)
    : telemetry_(telemetry),
      sampled_at_(now_ns),
      seen_(telemetry.endpoints().size()),
      rates_(rated_counters(telemetry), now_ns) {}

void Windows::sample(uint64_t now_ns) {
  if (now_ns - sampled_at_ < kLeastBetweenSamplesNs) return;
  sampled_at_ = now_ns;
  Slot scratch;
  for (size_t i = 0; i < seen_.size(); ++i) sample_endpoint(i, scratch);
  // Copied so that a slot holds what it needs and not what the vectors grew to.
  slots_.push_back({now_ns, std::vector<Delta>(scratch.deltas.begin(), scratch.deltas.end()),
                    std::vector<uint32_t>(scratch.entries.begin(), scratch.entries.end())});
  while (slots_.front().ended_at + kKeptNs <= now_ns) slots_.pop_front();
  rates_.sample(rated_counters(telemetry_), now_ns);
}

// The last histogram that an exchange records tells whether there was one: 8 KiB to read per
// endpoint and worker instead of 83. A record that is seen in part is completed a second later,
// because an endpoint that was busy is looked at once more.
void Windows::sample_endpoint(size_t endpoint, Slot& slot) {
  Seen& seen = seen_[endpoint];
  const uint64_t count = merge_histogram(telemetry_, endpoint, kOverheadIndex).count();
  const bool is_busy = count != seen.exchange[kOverheadIndex].count();
  if (!is_busy && !seen.was_busy) return;
  seen.was_busy = is_busy;

  Delta delta{static_cast<uint32_t>(endpoint), static_cast<uint32_t>(slot.entries.size()), {}};
  bool grew = false;
  for (size_t h = 0; h < kExchangeHistogramCount; ++h) {
    const HistogramValues now = merge_histogram(telemetry_, endpoint, h);
    HistogramValues& before = seen.exchange[h];
    delta.sums[h] = now.sum_ns() - before.sum_ns();
    for (size_t i = 0; i < kHistogramBuckets; ++i) {
      pack(h, i, now.bucket(i) - before.bucket(i), slot.entries);
    }
    grew = grew || delta.sums[h] != 0;
    before = now;
  }
  if (grew || slot.entries.size() > delta.first_entry) slot.deltas.push_back(delta);
}

Snapshot Windows::snapshot(Window window, uint64_t now_ns) const {
  Snapshot snapshot = merge(telemetry_);
  if (window == Window::total) return snapshot;

  std::vector<ExchangeValues> windowed(seen_.size());
  const uint64_t length = kWindowRows[static_cast<size_t>(window)].length_ns;
  for (const Slot& slot : slots_) {
    if (slot.ended_at + length > now_ns) add_slot(slot, windowed);
  }
  for (size_t i = 0; i < windowed.size(); ++i) {
    for (size_t h = 0; h < kExchangeHistogramCount; ++h) {
      HistogramValues& live = snapshot.endpoints[i].exchange[h];
      HistogramValues& values = windowed[i][h];
      add_growth(live, seen_[i].exchange[h], values);
      values.add_totals(0, max_of_buckets(values, live.max_ns()));
      live = values;
    }
  }
  return snapshot;
}

void Windows::add_slot(const Slot& slot, std::vector<ExchangeValues>& into) const {
  for (size_t d = 0; d < slot.deltas.size(); ++d) {
    const Delta& delta = slot.deltas[d];
    ExchangeValues& values = into[delta.endpoint];
    const size_t end =
        d + 1 < slot.deltas.size() ? slot.deltas[d + 1].first_entry : slot.entries.size();
    for (size_t i = delta.first_entry; i < end; ++i) unpack(slot.entries[i], values);
    for (size_t h = 0; h < kExchangeHistogramCount; ++h) values[h].add_totals(delta.sums[h], 0);
  }
}

DownstreamRates Windows::downstream_rates(const Snapshot& live, uint64_t now_ns) const {
  return {rates_.rates(kAcceptedIndex, live.downstream.accepted, now_ns),
          rates_.rates(kRequestsIndex, sum(live.downstream.requests), now_ns)};
}

EndpointRates Windows::endpoint_rates(const Snapshot& live, size_t endpoint,
                                      uint64_t now_ns) const {
  const EndpointValues& values = live.endpoints[endpoint];
  return {rates_.rates(opened_index(endpoint), sum(values.opened), now_ns),
          rates_.rates(requests_index(endpoint), sum(values.requests), now_ns)};
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
