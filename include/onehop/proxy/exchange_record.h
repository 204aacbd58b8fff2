// SPDX-License-Identifier: MIT
// ExchangeRecord: what is known of an exchange when it is over, for who writes that down. On its
// way from a worker to the access log it is bytes: a fixed part, then its texts, then its attempts.
// Every text has a limit; what is longer is cut, and said to be.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "onehop/proxy/outcome.h"
#include "onehop/telemetry/phase.h"

namespace onehop::proxy {

// X(name, most bytes). Those of the client are as it wrote them.
// clang-format off
#define ONEHOP_RECORD_TEXTS(X) \
  X(client, 64) \
  X(peer, 64) \
  X(method, 32) \
  X(host, 256) \
  X(path, 2048) \
  X(query, 2048) \
  X(protocol, 8) \
  X(route, 256) \
  X(upstream, 128) \
  X(request_id, 64) \
  X(tls_version, 16) \
  X(trace_id, 32) \
  X(rate_limit, 128) \
  X(referer, 1024) \
  X(user_agent, 512)
// clang-format on

enum class RecordText : uint8_t {
#define X(name, most) name,
  ONEHOP_RECORD_TEXTS(X)
#undef X
};
#define X(name, most) +1
constexpr size_t kRecordTextCount = 0 ONEHOP_RECORD_TEXTS(X);
#undef X
#define X(name, most) most,
constexpr std::array<uint16_t, kRecordTextCount> kMostOfText = {ONEHOP_RECORD_TEXTS(X)};
#undef X
#define X(name, most) #name,
constexpr std::array<std::string_view, kRecordTextCount> kRecordTextNames = {
    ONEHOP_RECORD_TEXTS(X)};
#undef X

struct AttemptRecord {
  std::string_view endpoint;  // at most 255 bytes
  Outcome outcome;
  uint64_t took_ns;
};

// An empty text is one that is not known. Views are of whoever made it.
struct ExchangeRecord {
  static constexpr size_t kMostAttempts = 16;  // one and `retries`

  // What is a number, and goes as it is.
  struct Numbers {
    uint64_t snapshot = 0;  // the configuration that it was decided by
    uint64_t began_ns = 0;  // of the loop's clock
    uint64_t total_ns = 0;
    uint64_t overhead_ns = 0;
    std::array<uint64_t, telemetry::kPhaseCount> phases_ns{};
    uint64_t request_bytes = 0;
    uint64_t response_bytes = 0;
    uint64_t connection_age_ms = 0;  // of that of the last attempt
    uint16_t status = 0;             // sent to the client; 0: none
    Outcome outcome = Outcome::ok;
    uint8_t attempts = 0;
    uint16_t cut = 0;        // a bit for each text that is here in part
    bool connected = false;  // the last attempt had a connection
    bool reused = false;     // which came from the pool
    bool secure = false;     // the client's is TLS
    bool tls_resumed = false;
  };
  Numbers numbers;
  std::array<std::string_view, kRecordTextCount> texts;
  std::array<AttemptRecord, kMostAttempts> attempts;  // as many as `numbers.attempts`

  std::string_view& text(RecordText which) { return texts[static_cast<size_t>(which)]; }
  std::string_view text(RecordText which) const { return texts[static_cast<size_t>(which)]; }
  bool is_cut(RecordText which) const {
    return (numbers.cut >> static_cast<unsigned>(which) & 1u) != 0;
  }

  // Cuts what is too long. Before the two below.
  void keep_limits();
  size_t encoded_size() const;
  // Into so many bytes.
  void encode(char* room) const;
  // Of what encode() wrote; the views are into it.
  static ExchangeRecord decode(std::string_view bytes);
};

}  // namespace onehop::proxy
