// SPDX-License-Identifier: MIT
// The part of schema.h that is [server] and its tables.
#pragma once

#include "onehop/config/schema_terms.h"

namespace onehop::config {

template <class Visitor>
void describe(Visitor& visit, Some<Limits> auto& limits) {
  visit.value("request_line", limits.request_line, Bytes{256, kMiB},
              "A longer request line is answered 414. Browsers and servers agree on about 8 KiB.");
  visit.value("request_head", limits.request_head, Bytes{limits.request_line, kMiB, "request_line"},
              "A larger request head is answered 431. It bounds memory per client; cookies fit.");
  visit.value(
      "head_fields", limits.head_fields, Count{1, 1000},
      "More fields in a head are answered 431 (in a response: 502). Real ones have 10 to 40.");
  visit.value("request_body", limits.request_body, Bytes{0, kTiB},
              "A request body with more bytes than this is answered 413. 0 is no limit: bodies are "
              "passed on as they come, so even large ones need little memory.");
  visit.value(
      "response_head", limits.response_head, Bytes{kKiB, kMiB},
      "A larger response head is a 502. Applications set large cookies, hence twice as much.");
  visit.value("connections", limits.connections, Count{0, 10'000'000},
              "Open client connections, shared out among the workers, 1 or more each; 0: by the "
              "open file limit.");
  visit.value("buffered_per_stream", limits.buffered_per_stream, Bytes{4 * kKiB, kGiB},
              "What may wait on a stream that its client does not take; then its sender waits.");
  visit.value("buffered_per_connection", limits.buffered_per_connection, Bytes{0, kGiB},
              "The same for all streams of a connection of HTTP/2; 0 is no limit.");
  visit.value("buffered_per_client", limits.buffered_per_client, Bytes{0, kTiB},
              "The same for all connections of an address, but trusted ones, in each worker; 0: no "
              "limit.");
  visit.value(
      "buffered", limits.buffered, Bytes{0, kTiB},
      "Memory of all buffers. From half of it on reads are small; past it clients for whom bytes "
      "wait are cut off: those that have taken nothing for 2 s first, then the largest; 0: no "
      "limit.");
}

template <class Visitor>
void describe(Visitor& visit, Some<DownstreamTimeouts> auto& timeouts) {
  visit.value("request_head", timeouts.request_head, Time{milliseconds(0), kDay},
              "Total for a request head, so trickling does not stretch it; then 408.");
  visit.value("request_body", timeouts.request_body, Time{milliseconds(0), kDay},
              "A client may take so long to send a request body, and longer only if it averages "
              "request_body_min_rate; else it is answered 408.");
  visit.value("request_body_min_rate", timeouts.request_body_min_rate, Rate{{1, kGiB}},
              "Bytes per second that a body must average past its grace. Slow phones manage 500.");
  visit.value("request_body_idle", timeouts.request_body_idle, Time{milliseconds(0), kDay},
              "Pause of a body without a length, such as a push, a pipe or gRPC; then 408.");
  visit.value(
      "idle", timeouts.idle, Time{milliseconds(0), kDay},
      "Wait for the next request of a connection; closed without an answer, as clients expect.");
  visit.value("write_stall", timeouts.write_stall, Time{milliseconds(0), kDay},
              "A client that takes nothing of its response for so long is cut off.");
  visit.value("write_min_rate", timeouts.write_min_rate, Rate{{0, kGiB}},
              "Bytes per second that a slow reader must average past write_stall; 0B: any byte.");
}

template <class Visitor>
void describe(Visitor& visit, Some<Http2> auto& http2) {
  visit.value("streams", http2.streams, Count{1, 10'000},
              "Requests a client may have open on a connection. RFC 9113 asks for 100 or more.");
  visit.value("stream_window", http2.stream_window, Bytes{16 * kKiB, 16 * kMiB},
              "What a client may send ahead on a stream whose reader falls behind, or is new.");
  visit.value("max_stream_window", http2.max_stream_window,
              Bytes{http2.stream_window, 64 * kMiB, "stream_window"},
              "How far that grows while the reader keeps up: speed on long ways, as h1 has it.");
  visit.value("reset_burst", http2.reset_burst, Count{1, 1'000'000},
              "Streams a client may reset, or make onehop reset, at once; then it is cut off.");
  visit.value("resets_per_second", http2.resets_per_second, Count{1, 1'000'000},
              "What it earns back of that each second. Browsers reset few; attacks live on it.");
}

template <class Visitor>
void describe(Visitor& visit, Some<Paths> auto& paths) {
  visit.value("doubled_slashes", paths.doubled_slashes, Choice<DoubledSlashes>{},
              "keep: as sent, unless another route would match without them; then merged.");
  visit.value("encoded_slashes", paths.encoded_slashes, Choice<EncodedSlashes>{},
              "%2F and %5C. keep: as sent, unless slashes would lead to another route; then 400.");
  visit.value("forward", paths.forward, Choice<ForwardedPath>{},
              "normal: endpoints get the path that routes see. as_sent: what the client wrote.");
}

template <class Visitor>
void describe(Visitor& visit, Some<Dns> auto& dns) {
  visit.value("servers", dns.servers, Text::name_server,
              "Name servers to ask. Empty: those of /etc/resolv.conf.");
  visit.value("min_ttl", dns.min_ttl, Time{milliseconds(100), kHour},
              "A name is not looked up more often than this, whatever its TTL says.");
  visit.value("max_ttl", dns.max_ttl, Time{dns.min_ttl, kDay},
              "And no less often: a replica that moved is found within it.");
  visit.value("timeout", dns.timeout, Time{milliseconds(10), kMinute},
              "For a first answer; what is asked again waits longer.");
}

template <class Visitor>
void describe(Visitor& visit, Some<Server> auto& server) {
  visit.value("workers", server.workers, Count{0, 1024, "auto"},
              "Threads, each with its own event loop and pools; \"auto\" is one per CPU.");
  visit.value("watch", server.watch, Flag{},
              "Load the file again when it changes, or one that it includes, as SIGHUP does.");
  visit.value("drain_delay", server.drain_delay, Time{milliseconds(0), kHour},
              "How long a stop goes on serving while /readyz answers 503, so that balancers in "
              "front take notice; then it drains.");
  visit.value("drain", server.drain, Time{milliseconds(0), kHour},
              "How long a stop waits for what is in flight: as long as orchestrators commonly do.");
  visit.value("tunnel_drain", server.tunnel_drain, Time{milliseconds(0), kDay},
              "How long it waits for WebSockets and other tunnels, from the same moment on.");
  visit.value("drain_idle", server.drain_idle, Time{milliseconds(0), kMinute},
              "How long a stop keeps idle client connections, for a request already on its way.");
  visit.value("zone", server.zone, Text::zone,
              "Where onehop is: endpoints with the same zone are preferred. Empty: nowhere.");
  visit.value("trusted_proxies", server.trusted_proxies, Text::block,
              "Peers whose forwarded fields are believed. Empty: anybody could claim any address.");
  visit.value(
      "identity_fields", server.identity_fields, Text::identity_field,
      "Request fields in which your applications read who a client is, beside the built-in ones; "
      "removed unless a peer in trusted_proxies sent them.");
  visit.value("via", server.via, Choice<Via>{},
              "Where Via is written. nginx, for one, does not compress what it gets with it.");
  visit.value("request_id", server.request_id, Flag{},
              "X-Request-Id in responses, and in error pages: what to look for in logs.");
  visit.table("limits", server.limits, "Limits on what clients and upstreams send.");
  visit.table("timeouts", server.timeouts, "The client side. 0s switches a timeout off.");
  visit.table("http2", server.http2, "HTTP/2 with clients, on every listener.");
  visit.table("paths", server.paths, "Which spellings of a path are one.");
  visit.table("dns", server.dns, "How names of endpoints are looked up.");
}

}  // namespace onehop::config
