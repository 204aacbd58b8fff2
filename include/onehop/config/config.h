// SPDX-License-Identifier: MIT
// The configuration as plain structs. The default initialisers are the defaults; schema.h gives
// every field its key, its range and its one-line description, and that one declaration feeds the
// loader, conf/reference.toml, `GET /config` and the documents.
//
// A Config is built once, never changed, and shared by all workers as a part of their Snapshot.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "onehop/base/log.h"
#include "onehop/config/config_upstream.h"
#include "onehop/config/rate_limit.h"

namespace onehop::config {

using std::chrono::milliseconds;
using std::chrono::seconds;

enum class HalfClose : uint8_t { cancel, serve };
enum class PathMatch : uint8_t { prefix, exact };
enum class DoubledSlashes : uint8_t { keep, merge, refuse };
enum class EncodedSlashes : uint8_t { keep, decode, refuse };
enum class ForwardedPath : uint8_t { normal, as_sent };
// Whether bytes outside ASCII may stand in a request target as they are (docs/decisions/0019).
enum class Targets : uint8_t { strict, lenient };
enum class LogLevel : uint8_t { debug, info, warning, error };
enum class RoomLevel : uint8_t { same, debug, info, warning, error };  // same: that of [log] level
enum class LogFormat : uint8_t { text, json };
enum class TlsPolicy : uint8_t { intermediate, modern };  // Mozilla's; modern is TLS 1.3 alone
enum class ClientCertificates : uint8_t { off, optional, required };
enum class Via : uint8_t { off, requests, responses, both };  // where it is written

// [server.limits]
struct Limits {
  uint64_t request_line = 8 * 1024;   // bytes; a longer one is answered 414
  uint64_t request_head = 32 * 1024;  // bytes of the whole head; a larger one is answered 431
  // Fields in a head, either direction; more are answered 431 (a response: 502).
  uint64_t head_fields = 100;
  uint64_t request_body = 0;           // bytes; a larger one is answered 413; 0 is no limit
  uint64_t response_head = 64 * 1024;  // bytes; a larger one is a 502
  // Open client connections of the process, shared out among the workers, at least one each; 0:
  // derived from RLIMIT_NOFILE.
  uint64_t connections = 0;
  // Bytes that may wait for a peer that does not take them before whoever sends them waits: on one
  // stream (or connection of HTTP/1.1), on one connection, for all connections of one client
  // address (to one worker), and of the whole process, which gives up stalled clients beyond it. 0:
  // no limit.
  uint64_t buffered_per_stream = 16 * 1024;
  uint64_t buffered_per_connection = 1024 * 1024;
  uint64_t buffered_per_client = 8 * 1024 * 1024;
  uint64_t buffered = 40 * 1024 * 1024;

  bool operator==(const Limits&) const = default;
};

// [server.timeouts]: the client side. 0 switches one off.
struct DownstreamTimeouts {
  // From the first byte (or the accept) to the end of the head; 408.
  milliseconds request_head = seconds(10);
  // Grace of the body; every second more must be earned at the minimum rate; 408. A body without a
  // length may pause, and gRPC is held to no rate.
  milliseconds request_body = seconds(20);
  uint64_t request_body_min_rate = 500;          // bytes per second
  milliseconds request_body_idle = seconds(60);  // a pause of a body without a length; 408
  // Between two requests of one connection; closed without an answer.
  milliseconds idle = seconds(60);
  // No progress in writing a response to the client; connection reset.
  milliseconds write_stall = seconds(60);
  // Bytes per second that a client who is waited for must take on average past write_stall; 0: any.
  uint64_t write_min_rate = 240;

  bool operator==(const DownstreamTimeouts&) const = default;
};

// [server.http2]: HTTP/2 with clients.
struct Http2 {
  uint32_t streams = 100;  // that a client may have open on one connection
  // Bytes a client may send ahead on one stream: at first, and once its reader has kept up.
  uint64_t stream_window = 64 * 1024;
  uint64_t max_stream_window = 4 * 1024 * 1024;
  // Streams that a client may reset or cause to be reset: so many at once, then so many a second.
  uint32_t reset_burst = 1000;
  uint32_t resets_per_second = 33;

  bool operator==(const Http2&) const = default;
};

// [server.paths]: which spellings of a path are one, for routes and for endpoints.
struct Paths {
  // `keep` leaves them where they make no difference to the route, and merges them elsewhere.
  DoubledSlashes doubled_slashes = DoubledSlashes::keep;
  // %2F and %5C. `keep` leaves them where they make no difference to the route; elsewhere: 400.
  EncodedSlashes encoded_slashes = EncodedSlashes::keep;
  ForwardedPath forward = ForwardedPath::normal;

  bool operator==(const Paths&) const = default;
};

// [server.dns]: how names of endpoints are looked up.
struct Dns {
  std::vector<std::string> servers;  // "IP" or "IP:PORT"; empty: those of /etc/resolv.conf
  // A name is looked up again when its TTL is over, taken as at least and at most this.
  milliseconds min_ttl = seconds(1);
  milliseconds max_ttl = seconds(30);
  milliseconds timeout = seconds(2);  // of a first question; the second waits longer

  bool operator==(const Dns&) const = default;
};

// [server]
struct Server {
  // Threads, each with its own event loop; 0: one per CPU.
  uint32_t workers = 0;
  bool watch = false;  // the file and those it includes: loaded again when one changes
  // How long a stop goes on as before, but for /readyz, until it drains.
  milliseconds drain_delay = milliseconds(0);
  milliseconds drain = seconds(30);  // how long a stop waits for what is in flight
  // And for tunnels, from the same moment on.
  milliseconds tunnel_drain = seconds(30);
  // On stop an idle client connection is kept this long for a racing request.
  milliseconds drain_idle = milliseconds(200);
  std::string zone = {};  // where onehop is, to prefer endpoints of the same zone; "": none
  // Addresses or CIDR blocks whose forwarded fields are believed.
  std::vector<std::string> trusted_proxies;
  // Further fields that say who a client is, beside http/identity_fields.h.
  std::vector<std::string> identity_fields;
  Via via = Via::responses;
  bool request_id = true;  // X-Request-Id in responses, and in the text of onehop's own
  Limits limits;
  DownstreamTimeouts timeouts;
  Http2 http2;
  Paths paths;
  Dns dns;

  bool operator==(const Server&) const = default;
};

// One entry of [listener.tls] certificates: PEM files. Which names it serves is in the certificate.
struct Certificate {
  std::string cert;  // the leaf first, then its chain
  std::string key;
  std::string ocsp;  // a DER response to staple; "" is none

  bool operator==(const Certificate&) const = default;
};

// [listener.tls]. On when it has certificates.
struct ListenerTls {
  std::vector<Certificate> certificates;  // the first serves clients whose name matches none
  TlsPolicy policy = TlsPolicy::intermediate;
  std::string ciphers;        // of TLS 1.2, in OpenSSL's notation; "" is the policy's list
  std::string cipher_suites;  // of TLS 1.3; "" is the policy's list
  ClientCertificates client_certificates = ClientCertificates::off;
  std::string client_ca;  // a PEM file with the authorities that client certificates must come from
  std::string client_crl;  // a PEM file with their lists of revoked certificates; "" is none
  // Request fields that carry a verified client certificate's subject (RFC 4514) and SHA-256
  // fingerprint to the upstream; "" is none. Removed from what clients send.
  std::string client_subject_field;
  std::string client_fingerprint_field;
  bool session_tickets = true;
  milliseconds ticket_rotation = std::chrono::hours(12);  // a ticket lives as long
  milliseconds handshake_timeout = seconds(10);
  // Handshakes that may begin in a second, shared out among the workers; 0 is no limit.
  uint32_t handshake_rate = 0;
  milliseconds reload_interval = seconds(10);  // how often the files are looked at for a change

  bool enabled() const { return !certificates.empty(); }
  bool operator==(const ListenerTls&) const = default;
};

// [[listener]]
struct Listener {
  // "IP:PORT", "[IP6]:PORT", "localhost:PORT" or ":PORT"; port 0 lets the kernel choose. Or
  // "unix:/path".
  std::string address;
  uint32_t backlog = 4096;
  // A client is accepted when its first bytes have come (TCP_DEFER_ACCEPT), which are read at once.
  bool defer_accept = false;
  // What a client's FIN behind its request means: it has left, or it has said all it has to say.
  HalfClose half_close = HalfClose::cancel;
  bool http2 = true;  // over TLS by ALPN, else with prior knowledge
  // Peers that begin each connection with a PROXY header (v1 or v2), and have to: addresses or CIDR
  // blocks; "unix" is every peer of a unix socket. Others must not.
  std::vector<std::string> proxy_protocol_from;
  std::string mode = "0666";  // of a unix socket's file, octal
  Targets targets = Targets::strict;
  // In which forms endpoints are told of the client: "x-forwarded", "x-real-ip", "forwarded".
  std::vector<std::string> forwarded = {"x-forwarded", "x-real-ip"};
  // A plain listener answers every request with a redirect to https at this port; 0: it does not.
  uint32_t redirect_to_https = 0;
  // Strict-Transport-Security of responses over TLS; 0 sends none.
  milliseconds hsts_max_age = milliseconds(0);
  bool hsts_subdomains = false;
  std::vector<std::string> rate_limits;  // names of [rate_limit.NAME]
  PerClient per_client;
  ListenerTls tls;

  bool operator==(const Listener&) const = default;
};

// [[route]]
struct Route {
  std::string host;  // "", "example.org" or "*.example.org", without a dot at its end
  std::string path = "/";
  PathMatch match = PathMatch::prefix;
  std::string upstream;
  std::vector<std::string> rate_limits = {};  // names of [rate_limit.NAME]

  bool operator==(const Route&) const = default;
};

// [admin]
struct Admin {
  std::string listen;  // "" leaves the admin endpoint off
  // The path of a unix socket on which it is served as well, and commands are taken; "" is none.
  std::string control = {};
  // A file with the token that makes a command over `listen` one, or the token itself; "" is none.
  std::string token_file = {};
  std::string token = {};
  // Names by which it may be asked, beside addresses, localhost and names without a dot.
  std::vector<std::string> hosts = {};
  uint32_t connections = 64;          // at most; a newer one takes the place of the oldest
  bool metrics_per_endpoint = false;  // /metrics tells the endpoints of an upstream apart in full

  bool operator==(const Admin&) const = default;
};

// [log.rooms]: the levels of single rooms, in the order of log::kRooms.
struct LogRooms {
  std::array<RoomLevel, log::kRooms.size()> levels{};

  bool operator==(const LogRooms&) const = default;
};

// [log.access]: a line for each request. Without `file`: none.
struct AccessLog {
  static constexpr uint32_t kAll = kMillion;
  static constexpr uint32_t kAutomatic = UINT32_MAX;

  std::string file;                            // "-" is standard output
  std::string format = "json";                 // or "combined", or a template (access_fields.h)
  bool query = true;                           // of targets, and of Referer
  std::vector<std::string> status;             // classes of which all are logged: "4xx"
  milliseconds slower_than = milliseconds(0);  // whose total is more is logged; 0: not for that
  // The share of the others that is logged, in millionths. kAutomatic: all of them where neither
  // of the two above is said, else none.
  uint32_t sample = kAutomatic;

  bool enabled() const { return !file.empty(); }
  bool operator==(const AccessLog&) const = default;
};

// [log]
struct Log {
  LogFormat format = LogFormat::text;
  LogLevel level = LogLevel::info;
  LogRooms rooms;
  AccessLog access;

  bool operator==(const Log&) const = default;
};

struct Config {
  Server server;
  std::vector<Listener> listeners;
  std::vector<Route> routes;
  std::vector<Upstream> upstreams;
  std::vector<RateLimit> rate_limits;
  Admin admin;
  Log log;

  // Dotted keys whose value came from a variable that is named like a secret; `GET /config` and
  // error messages show *** in their place. The file has no such key.
  std::vector<std::string> masked;

  bool operator==(const Config&) const = default;
};

}  // namespace onehop::config
