// SPDX-License-Identifier: MIT
// The part of schema.h that is [[listener]] and its tables.
#pragma once

#include "onehop/config/schema_terms.h"

namespace onehop::config {

template <class Visitor>
void describe(Visitor& visit, Some<Certificate> auto& certificate) {
  visit.value("cert", certificate.cert, Text::file,
              "PEM: the server's certificate, then its chain. Its names say whom it serves.");
  visit.value(
      "key", certificate.key, Text::file,
      "PEM: the private key of the certificate in cert. Only onehop's user should be able to "
      "read the file.");
  visit.value("ocsp", certificate.ocsp, Text::optional_file,
              "DER: a response of its authority, which is stapled while it is valid.");
}

template <class Visitor>
void describe(Visitor& visit, Some<ListenerTls> auto& tls) {
  visit.entries("certificates", tls.certificates,
                Entries<Certificate>{"certificate", nullptr,
                                     Certificate{"tls/example.org.pem", "tls/example.org.key", ""}},
                "Chosen by the name a client asks for. The first serves all other names.");
  visit.value("policy", tls.policy, Choice<TlsPolicy>{},
              "Mozilla's: intermediate is TLS 1.2 and 1.3 for all clients of today, modern 1.3.");
  visit.value("ciphers", tls.ciphers, Text::ciphers,
              "Of TLS 1.2, in place of the policy's. Few have a reason to choose themselves.");
  visit.value("cipher_suites", tls.cipher_suites, Text::ciphers,
              "Of TLS 1.3, in place of the policy's.");
  visit.value("client_certificates", tls.client_certificates, Choice<ClientCertificates>{},
              "Whether clients are asked for a certificate, and refused when they have none.");
  visit.value("client_ca", tls.client_ca, Text::optional_file,
              "PEM: the authorities that client certificates must come from.");
  visit.value(
      "client_crl", tls.client_crl, Text::optional_file,
      "PEM: the revocation lists of the authorities in client_ca, one of each. A client whose "
      "certificate is on its authority's list is refused.");
  visit.value("client_subject_field", tls.client_subject_field, Text::field,
              "Carries the verified subject (RFC 4514) upstream; taken out of what clients send.");
  visit.value("client_fingerprint_field", tls.client_fingerprint_field, Text::field,
              "The same for its SHA-256 fingerprint, which is another for each certificate.");
  visit.value("session_tickets", tls.session_tickets, Flag{},
              "Clients that come back resume, which spares both sides most of a handshake.");
  visit.value("ticket_rotation", tls.ticket_rotation, Time{kSecond, kWeek},
              "When a new key encrypts tickets. Who steals one can read what it has encrypted.");
  visit.value("handshake_timeout", tls.handshake_timeout, Time{kTick, kHour},
              "For a whole handshake. It covers slow phones, and ends who never finishes one.");
  visit.value("handshake_rate", tls.handshake_rate, Count{0, 1'000'000},
              "Handshakes a second, shared out among the workers, against floods; 0 is no limit.");
  visit.value(
      "reload_interval", tls.reload_interval, Time{milliseconds(0), kDay},
      "How often changed files are looked for: a renewed certificate needs no restart; 0s: never.");
}

template <class Visitor>
void describe(Visitor& visit, Some<PerClient> auto& limits) {
  visit.value("connections", limits.connections, Count{0, 1'000'000},
              "Open at a time, all workers together; 0 is no limit. Many share one address.");
  visit.value("new_connections", limits.new_connections, Frequency{"off"},
              "How often it may connect, all workers together.");
  visit.value("burst", limits.burst, Count{1, 1'000'000, "auto"},
              "New connections at once, before that rate holds; auto: the count of the rate.");
  visit.value("ipv6_prefix", limits.ipv6_prefix, Count{1, 128},
              "Bits of an IPv6 address that are one client: a site has 64 or fewer.");
  visit.value("memory", limits.memory, Bytes{4 * kKiB, kGiB},
              "For each of the two: a MiB is for 114,688 addresses.");
}

template <class Visitor>
void describe(Visitor& visit, Some<Listener> auto& listener) {
  visit.value("address", listener.address, Text::listen_address,
              "Where clients connect; port 0 lets the kernel choose, [::] takes IPv4, too.");
  visit.value("mode", listener.mode, Text::file_mode,
              "Of the file of a unix socket: who may write to it may connect.");
  visit.value("proxy_protocol_from", listener.proxy_protocol_from, Text::block,
              "Peers whose connections begin with a PROXY header (v1 or v2), and must. No others.");
  visit.value(
      "backlog", listener.backlog, Count{1, 65535},
      "Connections that may wait to be accepted. The kernel caps it at net.core.somaxconn.");
  visit.value(
      "defer_accept", listener.defer_accept, Flag{},
      "Accept a client with its first bytes: cheaper, but whoever only connects is not seen.");
  visit.value(
      "half_close", listener.half_close, Choice<HalfClose>{},
      "A client closes its sending side (FIN) before it has its response. cancel: taken as having "
      "left, its request is stopped; serve: it still gets the response.");
  visit.value("http2", listener.http2, Flag{},
              "HTTP/2 beside HTTP/1.1: by ALPN over TLS, else to clients that begin with it.");
  visit.value("targets", listener.targets, Choice<Targets>{},
              "Raw bytes outside ASCII in a path or query: strict is 400, lenient passes them on.");
  visit.value("forwarded", listener.forwarded, Text::forwarded_form,
              "In which forms endpoints learn who the client is. What is not listed is not sent.");
  visit.value(
      "redirect_to_https", listener.redirect_to_https, Count{0, 65535},
      "Without TLS: every answer is a redirect to https at this port, such as 443; 0: none.");
  visit.value(
      "hsts_max_age", listener.hsts_max_age, Time{milliseconds(0), kTwoYears, kSecond},
      "With TLS: how long browsers keep to https, which they do not forget; 0s asks for nothing.");
  visit.value("hsts_subdomains", listener.hsts_subdomains, Flag{},
              "And for all names below, each of which must have https then.");
  visit.value("rate_limits", listener.rate_limits, Text::rate_limit,
              "Names of [rate_limit.NAME] that a request must be within, whatever its route.");
  visit.table("per_client", listener.per_client,
              "What one client address may have of it, judged before TLS. Beyond it: closed.");
  visit.optional_table("tls", listener.tls, ListenerTls{},
                       "TLS with clients. Without this table: none.");
}

}  // namespace onehop::config
