// SPDX-License-Identifier: MIT
// /stats has a shape of its own, so it names the metrics of the tables itself. None may be missing
// there: whatever row moves, the document does.
#include <string>

#include "onehop/telemetry/shard.h"
#include "tests/support/catch.h"
#include "tests/unit/admin/running.h"

namespace onehop::admin {
namespace {

using test::Running;

template <class Cell>
void move(telemetry::Cells<Cell, 1>& single) {
  single.add(1);
}
template <class Cell, size_t count>
void move(telemetry::Cells<Cell, count>& cells) {
  cells.add(0, 1);
}

// Whether /stats says something else once `row` of a shard has moved.
template <class Shard, class Row>
bool is_shown(Shard& (*shard_of)(Running&), Row Shard::*row) {
  Running running;
  const std::string before = running.get("/stats").body;
  move(shard_of(running).*row);
  return running.get("/stats").body != before;
}

telemetry::DownstreamShard& downstream_of(Running& running) {
  return running.telemetry.shard(0).downstream;
}
telemetry::EndpointShard& endpoint_of(Running& running) {
  return running.telemetry.endpoint(0);
}
telemetry::TlsShard& listener_of(Running& running) {
  return running.telemetry.listener(0);
}

TEST_CASE("every metric of the tables is in /stats") {
#define SHOWN(member, name, label, count, help)      \
  CHECKED_ELSE(is_shown(shard_of, &Shard::member)) { \
    FAIL_CHECK(name " moves nothing");               \
  }
  SECTION("of clients") {
    using Shard = telemetry::DownstreamShard;
    const auto shard_of = downstream_of;
    ONEHOP_DOWNSTREAM_METRICS(SHOWN, SHOWN)
  }
  SECTION("of endpoints") {
    using Shard = telemetry::EndpointShard;
    const auto shard_of = endpoint_of;
    ONEHOP_ENDPOINT_METRICS(SHOWN, SHOWN)
  }
  SECTION("of TLS") {
    using Shard = telemetry::TlsShard;
    const auto shard_of = listener_of;
    ONEHOP_TLS_METRICS(SHOWN, SHOWN)
  }
#undef SHOWN
}

}  // namespace
}  // namespace onehop::admin
