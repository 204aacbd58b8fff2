// SPDX-License-Identifier: MIT
// AccessNotes: what an exchange keeps, while it lasts, for its line in the access log. There are
// none where its configuration has no such log.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "onehop/base/arena.h"
#include "onehop/http/connection.h"
#include "onehop/http/head.h"
#include "onehop/net/loop.h"
#include "onehop/proxy/access_log.h"
#include "onehop/proxy/proxy.h"
#include "onehop/telemetry/phase.h"

namespace onehop::proxy {

class AccessNotes {
 public:
  // Whom it is for; all of it outlives the notes, which live in `arena`.
  struct Parts {
    const AccessTerms& terms;
    AccessSink& sink;
    const net::Loop& loop;
    Arena& arena;
  };
  // Null where `terms` or the sink of `proxy` is.
  static AccessNotes* make(const AccessTerms* terms, const Proxy::Parts& proxy, Arena& arena);

  // In the order in which an exchange meets them. What is copied is cut to what a record takes.
  void asked(const http::RequestHead& head);
  void came_from(std::string_view client) { client_ = client; }
  void attempt_begins(std::string_view endpoint);
  void lent(bool reused, uint64_t age_ms);
  void attempt_ends(Outcome outcome);
  // The clock, which is about to start anew.
  void pass(const telemetry::PhaseClock& clock);

  // The end: hands the record over, where it is wanted. The views are needed during the call.
  struct End {
    const http::Client& client;
    const telemetry::PhaseClock& clock;
    uint64_t snapshot;
    Outcome outcome;
    int status;
    uint64_t request_bytes;
    uint64_t response_bytes;
    std::string_view route;
    std::string_view upstream;
    std::string_view request_id;
    std::string_view rate_limit;
  };
  void end(const End& end);

 private:
  struct Tried {
    AttemptRecord record;
    Tried* before;
  };

  explicit AccessNotes(const Parts& parts) : parts_(parts) {}
  std::string_view copy(RecordText which, std::string_view text);
  void add_attempts(ExchangeRecord& record) const;

  Parts parts_;
  std::string_view client_;
  std::string_view method_;
  std::string_view host_;
  std::string_view path_;
  std::string_view query_;
  std::string_view protocol_;
  std::string_view referer_;
  std::string_view user_agent_;
  std::string_view trace_id_;
  Tried* last_ = nullptr;
  uint64_t attempt_began_ns_ = 0;
  uint64_t age_ms_ = 0;
  uint8_t attempts_ = 0;
  bool running_ = false;  // the last attempt
  bool connected_ = false;
  bool reused_ = false;
  std::array<uint64_t, telemetry::kPhaseCount> passed_ns_{};  // at earlier endpoints
  uint64_t passed_overhead_ns_ = 0;
};

}  // namespace onehop::proxy
