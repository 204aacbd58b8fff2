// SPDX-License-Identifier: MIT
// What the admin endpoint looks at: filled anew for each request, on the thread that samples the
// windows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "onehop/telemetry/exposition.h"
#include "onehop/telemetry/windows.h"
#include "onehop/tls/tls.h"

namespace onehop::upstream {
class Judge;
}

namespace onehop::admin {

enum class Readiness : uint8_t { starting, ready, draining };

// A certificate that a listener presents to new clients, or onehop itself to an upstream.
enum class Side : uint8_t { listener, upstream };
struct ShownCertificate {
  Side side;
  std::string_view name;  // the listener's address as in Telemetry::listeners(), or the upstream's
  tls::CertificateExpiry expiry;
};

struct ShownListener {
  std::string_view name;  // its address as configured
  std::string address;    // with the port that it got
  bool tls;
};

// The admin endpoint of itself.
struct AdminConnections {
  int64_t open = 0;
  uint64_t shed = 0;  // closed to make room for newer ones
};
struct Documents {
  uint64_t made = 0;
  size_t held_bytes = 0;  // by those that are being read or may be shared
};

// Which configuration is in force, and since when.
struct ShownConfig {
  uint64_t number = 1;                  // of those that came into force since the start
  std::string_view file = {};           // "" where it was made of options
  std::vector<std::string> files = {};  // that one, and those that it includes
  std::string_view sha256 = {};         // of the text of all files, one behind the other
  std::string_view by = "start";        // by what it came
  int64_t since_unix_s = 0;
};
// Which process this is, and the one that it took over from.
struct ShownProcess {
  int pid = 0;
  int predecessor = 0;            // 0: there was none
  uint64_t failed_takeovers = 0;  // of others, from this one
};
struct Reloads {
  uint64_t succeeded = 0;
  uint64_t failed = 0;
};

// The endpoints of an upstream, and where they come from.
struct ShownEndpoint {
  std::string address;  // as its cells are named
  std::string source;   // "file", "file provider", "api", or the name that was looked up
  int64_t since_unix_s = 0;
  uint32_t weight = 1;
  bool drained = false;
  uint32_t share = 1000;  // of its weight, in thousandths: less while slow_start holds it back
  // How long its connections may be idle, and who says so: "configured", "keep_alive", "observed".
  uint64_t idle_ms = 0;
  std::string_view idle_why = "configured";
};
// An upstream's endpoints_file.
struct ShownEndpointFile {
  std::string path;
  uint64_t reads = 0;        // whenever it may have changed
  uint64_t failed = 0;       // of those, without a list
  int64_t since_unix_s = 0;  // of the list that counts; 0: there is none
  std::string fault;         // of the latest read, in lines; "" where it was good
};
struct ShownUpstream {
  std::string name;
  uint64_t lookups = 0;  // of names, that ended
  uint64_t failed = 0;   // of those, without an address
  std::vector<ShownEndpoint> endpoints;
  std::optional<ShownEndpointFile> file;
  const upstream::Judge* judge = nullptr;  // of the same endpoints in the same order; or null
};

// What a rate limit remembers now.
struct ShownRateLimit {
  std::string name;
  size_t keys = 0;  // whose bucket is not full
  size_t room = 0;  // for so many
};

class Commands;

struct View {
  const telemetry::Windows& windows;
  std::string_view version = {};
  std::string_view commit = {};  // that it was built from; "" where nobody knows
  // The effective configuration, secrets masked: the body of /config, but for what `config` says.
  std::string_view config_json = {};
  ShownConfig config = {};
  Reloads reloads = {};
  ShownProcess process = {};
  int64_t start_time_unix_s = 0;  // seconds since 1970
  uint64_t started_ns = 0;        // the same moment on the monotonic clock of `now_ns`
  uint64_t now_ns = 0;
  Readiness readiness = Readiness::ready;
  std::vector<ShownListener> listeners = {};     // in the order of the configuration
  std::vector<ShownUpstream> upstreams = {};     // the same
  std::vector<ShownRateLimit> rate_limits = {};  // the same
  AdminConnections connections = {};
  uint64_t buffered_limit = 0;  // bytes, server.limits.buffered; 0: none
  Documents documents = {};
  telemetry::Detail detail = telemetry::Detail::upstream;  // of /metrics
  // Those in use at this moment, of all listeners and upstreams with TLS; a certificate may be here
  // twice.
  std::vector<ShownCertificate> certificates = {};
  const Commands* commands = nullptr;  // null: there are none
};

}  // namespace onehop::admin
