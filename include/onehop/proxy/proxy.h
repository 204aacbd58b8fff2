// SPDX-License-Identifier: MIT
// Proxy: what answers a worker's requests by forwarding them, each by an exchange of its own, under
// the epoch that is current when its head was read.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "onehop/config/config.h"
#include "onehop/http/connection.h"
#include "onehop/proxy/failure_log.h"
#include "onehop/proxy/snapshot.h"
#include "onehop/telemetry/shard.h"

namespace onehop::proxy {

class AccessSink;
struct ClientIdentity;
enum class Outcome : uint8_t;

// Used by one worker's thread; what it refers to outlives it, and it outlives all exchanges.
class Proxy final : public http::Service {
 public:
  struct Parts {
    net::Loop& loop;
    telemetry::Shard& shard;
    uint64_t seed;                   // of the request ids
    FailureLog* failures = nullptr;  // null: failures are only counted
    AccessSink* access = nullptr;    // null: nothing of the access log is written
  };
  explicit Proxy(const Parts& parts);
  ~Proxy();

  // Before the first request, and then whenever there is another one: for requests whose heads are
  // read from now on.
  void use(std::unique_ptr<Epoch> epoch);
  // Nothing is asked any more: lets go of the epoch, and with it of the upstreams.
  void finish() { Epoch::supersede(std::move(epoch_)); }

  const Snapshot& snapshot() const { return epoch_->snapshot(); }

  std::unique_ptr<http::Responder> open(http::ServerStream& stream, const http::Client& client,
                                        const http::HeadTimes& times) override;

 private:
  friend class Exchange;

  // The client's own where it may be kept, else 32 hexadecimal digits; lives in `arena`.
  std::string_view request_id(const http::Fields& fields, Arena& arena);
  std::string_view fresh_request_id();

  Parts parts_;
  std::unique_ptr<Epoch> epoch_;
  std::vector<http::Field> field_room_;  // of the head that is being sent
  std::array<uint64_t, 2> random_;
  char request_id_[32];
};

}  // namespace onehop::proxy
