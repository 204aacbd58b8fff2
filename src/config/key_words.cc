// SPDX-License-Identifier: MIT
#include "key_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

#include "onehop/base/ascii.h"
#include "onehop/config/suggest.h"

namespace onehop::config {
namespace {

enum class Sense : uint8_t { same, opposite };

// What nginx, HAProxy, Envoy, Traefik, Caddy and Go programs call a key, level()led. A word may
// stand for several keys: the one that its table has is meant.
struct OtherWord {
  std::string_view word;
  std::string_view key;
  Sense sense = Sense::same;
};
constexpr OtherWord kOtherWords[] = {
    {"workerprocesses", "workers"},
    {"threads", "workers"},
    {"nbthread", "workers"},
    {"gracefultimeout", "drain"},
    {"shutdowntimeout", "drain"},
    {"setrealipfrom", "trusted_proxies"},
    {"trustedips", "trusted_proxies"},
    {"clientmaxbodysize", "request_body"},
    {"maxbodysize", "request_body"},
    {"maxconn", "connections"},
    {"maxconnections", "connections"},
    {"workerconnections", "connections"},
    {"maxconcurrentstreams", "streams"},
    {"http2maxconcurrentstreams", "streams"},
    {"keepalivetimeout", "idle"},
    {"listen", "address"},
    {"bind", "address"},
    {"port", "address"},
    {"address", "listen"},
    {"bind", "listen"},
    {"port", "listen"},
    {"domain", "host"},
    {"servername", "host"},
    {"prefix", "path"},
    {"location", "path"},
    {"backend", "upstream"},
    {"service", "upstream"},
    {"cluster", "upstream"},
    {"proxypass", "upstream"},
    {"usebackend", "upstream"},
    {"frontend", "listener"},
    {"entrypoints", "listener"},
    {"location", "route"},
    {"rule", "route"},
    {"backend", "upstream"},
    {"servers", "endpoints"},
    {"server", "endpoints"},
    {"backends", "endpoints"},
    {"targets", "endpoints"},
    {"hosts", "endpoints"},
    {"addresses", "endpoints"},
    {"algorithm", "balance"},
    {"lbpolicy", "balance"},
    {"strategy", "balance"},
    {"host", "address"},
    {"url", "address"},
    {"keepalive", "max_idle"},
    {"maxidleconnsperhost", "max_idle"},
    {"maxconns", "max_connections"},
    {"keepaliverequests", "max_requests"},
    {"proxyconnecttimeout", "connect"},
    {"proxyreadtimeout", "response_head"},
    {"ssl", "tls"},
    {"cert", "tls"},
    {"key", "tls"},
    {"certificate", "tls"},
    {"certificates", "tls"},
    {"key", "certificates"},
    {"certificate", "cert"},
    {"certfile", "cert"},
    {"crt", "cert"},
    {"sslcertificate", "cert"},
    {"privatekey", "key"},
    {"keyfile", "key"},
    {"sslcertificatekey", "key"},
    {"cafile", "ca"},
    {"cacert", "ca"},
    {"rootca", "ca"},
    {"rootcas", "ca"},
    {"trustedca", "ca"},
    {"trustedcertificate", "ca"},
    {"cafile", "client_ca"},
    {"clientcafile", "client_ca"},
    {"crl", "client_crl"},
    {"crlfile", "client_crl"},
    {"sslcrl", "client_crl"},
    {"verifyclient", "client_certificates"},
    {"sslverifyclient", "client_certificates"},
    {"clientauth", "client_certificates"},
    {"minversion", "policy"},
    {"versions", "policy"},
    {"protocols", "policy"},
    {"sslprotocols", "policy"},
    {"sni", "server_name"},
    {"insecure", "insecure_skip_verify"},
    {"skipverify", "insecure_skip_verify"},
    {"skiptlsverify", "insecure_skip_verify"},
    {"tlsinsecureskipverify", "insecure_skip_verify"},
    {"noverify", "insecure_skip_verify"},
    {"allowinsecure", "insecure_skip_verify"},
    {"verify", "insecure_skip_verify", Sense::opposite},
    {"verifypeer", "insecure_skip_verify", Sense::opposite},
    {"tlsverify", "insecure_skip_verify", Sense::opposite},
    {"sslverify", "insecure_skip_verify", Sense::opposite},
    {"proxysslverify", "insecure_skip_verify", Sense::opposite},
    {"rejectunauthorized", "insecure_skip_verify", Sense::opposite},
};

// Letters and digits alone, in lower case: maxIdle, MAX-IDLE and max_idle are one word.
std::string level(std::string_view word) {
  std::string text;
  for (const char c : word) {
    const char small = to_lower(c);
    const bool counts = (small >= 'a' && small <= 'z') || (small >= '0' && small <= '9');
    if (counts) text += small;
  }
  return text;
}

std::string question(std::string_view key, Sense sense = Sense::same) {
  return fmt::format("did you mean `{}`{}?", key,
                     sense == Sense::opposite ? ", which says the opposite" : "");
}

}  // namespace

std::string meant_key(std::string_view word, std::span<const std::string_view> known) {
  const std::string text = level(word);
  for (const std::string_view key : known) {
    if (level(key) == text) return question(key);
  }
  for (const OtherWord& other : kOtherWords) {
    if (other.word != text) continue;
    if (std::ranges::find(known, other.key) != known.end()) return question(other.key, other.sense);
  }
  const std::string_view near = closest(word, known);
  return near.empty() ? std::string() : question(near);
}

}  // namespace onehop::config
