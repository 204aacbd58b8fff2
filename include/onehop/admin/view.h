// SPDX-License-Identifier: MIT
// What the admin endpoint looks at: filled anew for each request, on the thread that samples the
// windows.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "onehop/telemetry/windows.h"
#include "onehop/tls/tls.h"

namespace onehop::admin {

enum class Readiness : uint8_t { ready, draining };

// A certificate that a listener presents to new clients, or onehop itself to an upstream.
enum class Side : uint8_t { listener, upstream };
struct ShownCertificate {
  Side side;
  std::string_view name;  // the listener's address as in Telemetry::listeners(), or the upstream's
  tls::CertificateExpiry expiry;
};

struct View {
  const telemetry::Windows& windows;
  std::string_view version = {};
  // The effective configuration, secrets masked: the whole body of /config.
  std::string_view config_json = {};
  int64_t start_time_unix_s = 0;  // seconds since 1970
  uint64_t started_ns = 0;        // the same moment on the monotonic clock of `now_ns`
  uint64_t now_ns = 0;
  Readiness readiness = Readiness::ready;
  // Those in use at this moment, of all listeners and upstreams with TLS; a certificate may be here
  // twice.
  std::vector<ShownCertificate> certificates = {};
};

}  // namespace onehop::admin
