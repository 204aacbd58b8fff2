// SPDX-License-Identifier: MIT
// Windows: the distributions of the last 10 s, 1 m and 5 m, and the rates of the counters, without
// an outside database.
//
// The shards only ever grow. Once a second sample() compares each histogram with what it held a
// second ago and keeps the difference as a *slot*; a window is the sum of its slots and of what
// came after the last one. The slots are sparse, so that idle time is free:
//
//   slot     when it ended, and one delta per endpoint that recorded something
//   delta    which endpoint, ten sums, and the buckets that grew, packed in 32 bits each:
//            | histogram 4 | bucket 11 | count 17 |     (a larger count takes several)
//
// What an endpoint that is gone did in its last minutes stays in the windows of its upstream's
// departed.
//
// Memory. Per endpoint: 3 KiB, and the pages of its histograms at the last sample. Per endpoint and
// second in which it recorded something: 88 bytes and 4 per bucket that grew, kept for 300 s. A
// request grows at most 10 buckets, so 10 requests a second cost at most 150 KB for the five
// minutes; 1,000 a second with widely spread durations touch some 950 buckets: 1.2 MB (a test
// measures it). The bound is every bucket of every histogram each second, which no real endpoint
// reaches: 12.1 MiB. Reading costs the workers nothing but the cache lines.
//
// What a window cannot know is the true maximum: it gives the upper end of the highest bucket with
// a record in the window (at most 3.1 % high), or the maximum since start where that is lower.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "onehop/telemetry/rates.h"
#include "onehop/telemetry/snapshot.h"

namespace onehop::telemetry {

// One row per window: enumerator, name, seconds (0: since start).
#define ONEHOP_WINDOWS(X) \
  X(last_10s, "10s", 10)  \
  X(last_1m, "1m", 60)    \
  X(last_5m, "5m", 300)   \
  X(total, "total", 0)

enum class Window : uint8_t {
#define X(name, text, seconds) name,
  ONEHOP_WINDOWS(X)
#undef X
};

std::string_view window_name(Window window);
std::optional<Window> parse_window(std::string_view name);

struct DownstreamRates {
  Rates accepted;
  Rates requests;
};

struct EndpointRates {
  Rates opened;
  Rates requests;
};

// All calls come from one thread, that of the registry, with times of one monotonic clock that
// never go back. `telemetry` outlives this.
class Windows {
 public:
  // `now_ns` is the start.
  Windows(Telemetry& telemetry, uint64_t now_ns);
  Windows(const Windows&) = delete;
  Windows& operator=(const Windows&) = delete;

  // Called once a second. A call less than half a second after the last one does nothing, which
  // bounds the number of slots.
  void sample(uint64_t now_ns);

  // Everything merged, as of now. The window applies to the `exchange` histograms and to nothing
  // else: they hold what was recorded in its last seconds, the unfinished current one included (so
  // up to one second more than its name says). All counters, gauges and `dial` are since start in
  // every window.
  Snapshot snapshot(Window window, uint64_t now_ns) const;

  // `live` is a snapshot taken at `now_ns`, `endpoint` one of its endpoints.
  DownstreamRates downstream_rates(const Snapshot& live, uint64_t now_ns) const;
  EndpointRates endpoint_rates(const EndpointValues& endpoint, uint64_t now_ns) const;

  // Memory held for the slots, for the documents and the test.
  size_t slot_bytes() const;

 private:
  struct Delta {
    CellsId cells;
    uint32_t first_entry;  // in Slot::entries; ends where the next delta's begin
    std::array<uint64_t, kExchangeHistogramCount> sums;
  };
  struct Slot {
    uint64_t ended_at;
    std::vector<Delta> deltas;
    std::vector<uint32_t> entries;
  };
  struct Seen {  // an endpoint at the last sample
    explicit Seen(uint64_t since_ns) : opened(0, since_ns), requests(0, since_ns) {}

    ExchangeValues exchange;
    bool was_busy = false;
    RateSeries opened;
    RateSeries requests;
  };

  void sample_endpoint(const EndpointCells& cells, Seen& seen, Slot& slot);
  void fold(const std::vector<CellsId>& let_go);
  void apply(const std::unordered_map<CellsId, ExchangeValues>& windowed,
             EndpointValues& live) const;

  Telemetry& telemetry_;
  uint64_t sampled_at_;
  std::unordered_map<CellsId, Seen> seen_;
  std::deque<Slot> slots_;  // oldest first
  RateSeries accepted_;
  RateSeries requests_;
};

}  // namespace onehop::telemetry
