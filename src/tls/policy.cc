// SPDX-License-Identifier: MIT
#include "policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>
#include <set>
#include <string_view>
#include <utility>

#include "onehop/base/assert.h"

namespace onehop::tls {
namespace {

// Mozilla's "intermediate" and "modern". Of the former without the three of finite-field
// Diffie-Hellman: every client that speaks TLS 1.2 with an AEAD cipher knows elliptic curves, and
// anybody can make a server raise large numbers to large powers. The order is the client's to
// choose: it knows what its hardware is good at.
constexpr char kSuites[] =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr char kCiphers[] =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr char kCurves[] = "X25519:P-256:P-384";

// All that TLS 1.3 has (RFC 8446 B.4).
constexpr std::array<std::string_view, 5> kKnownSuites = {
    "TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256",
    "TLS_AES_128_CCM_SHA256", "TLS_AES_128_CCM_8_SHA256"};

void free_ciphers(STACK_OF(SSL_CIPHER) * list) noexcept {
  sk_SSL_CIPHER_free(list);
}

using CiphersPtr = std::unique_ptr<STACK_OF(SSL_CIPHER), Free<free_ciphers>>;

std::vector<std::string> elements_of(std::string_view list, std::string_view separators) {
  std::vector<std::string> elements;
  while (!list.empty()) {
    const size_t end = std::min(list.find_first_of(separators), list.size());
    if (end > 0) elements.emplace_back(list.substr(0, end));
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return elements;
}

// An element alone, without the sign that says what to do with it: "!aNULL", "-RC4", "+AES".
bool knows_cipher(SSL_CTX& context, std::string element) {
  if (element.front() == '@') {
    return element == "@STRENGTH" || element.starts_with("@SECLEVEL=");
  }
  constexpr std::string_view kSigns = "!-+";
  if (kSigns.find(element.front()) != kSigns.npos) element.erase(0, 1);
  clear_errors();
  const bool known = SSL_CTX_set_cipher_list(&context, element.c_str()) == 1;
  clear_errors();
  return known;
}

// Without a certificate, or in plain text.
bool is_open(const SSL_CIPHER& cipher) {
  return SSL_CIPHER_get_auth_nid(&cipher) == NID_auth_null ||
         SSL_CIPHER_get_cipher_nid(&cipher) == NID_undef;
}

// Where there is no fault, `scratch` has the listener's ciphers, and those alone.
std::optional<Fault> fault_of_list(SSL_CTX& scratch, const std::string& ciphers) {
  clear_errors();
  const bool taken = SSL_CTX_set_ciphersuites(&scratch, "") == 1 &&
                     SSL_CTX_set_cipher_list(&scratch, ciphers.c_str()) == 1;
  clear_errors();
  if (!taken) {
    return Fault{"ciphers", fmt::format("at least one cipher of TLS 1.2, found \"{}\"", ciphers)};
  }
  const STACK_OF(SSL_CIPHER)* list = SSL_CTX_get_ciphers(&scratch);
  for (int i = 0; i < sk_SSL_CIPHER_num(list); ++i) {
    const SSL_CIPHER* cipher = sk_SSL_CIPHER_value(list, i);
    if (!is_open(*cipher)) continue;
    return Fault{"ciphers",
                 fmt::format("ciphers that authenticate the server and encrypt, found \"{}\" among "
                             "\"{}\"; \":!aNULL:!eNULL\" leaves such out",
                             SSL_CIPHER_get_name(cipher), ciphers)};
  }
  return std::nullopt;
}

// The two ways to agree on a key that need nothing else to be set.
bool is_for_key(const SSL_CIPHER& cipher, const LoadedCertificate& certificate) {
  const int exchange = SSL_CIPHER_get_kx_nid(&cipher);
  const int wanted = SSL_CIPHER_get_auth_nid(&cipher);
  if (certificate.key_type != KeyType::rsa)  // Ed25519 goes with the ciphers of ECDSA (RFC 8422)
    return exchange == NID_kx_ecdhe && wanted == NID_auth_ecdsa;
  if (exchange == NID_kx_rsa) return EVP_PKEY_is_a(certificate.key.get(), "RSA") == 1;
  return exchange == NID_kx_ecdhe && wanted == NID_auth_rsa;
}

std::string key_name(const LoadedCertificate& certificate) {
  switch (certificate.key_type) {
    case KeyType::rsa:
      return "RSA";
    case KeyType::ecdsa:
      return "ECDSA";
    case KeyType::other:
      break;
  }
  return EVP_PKEY_get0_type_name(certificate.key.get());
}

}  // namespace

std::vector<Fault> faults_of_ciphers(const config::ListenerTls& settings) {
  std::vector<Fault> faults;
  const ContextPtr scratch(SSL_CTX_new(TLS_server_method()));
  ONEHOP_ASSERT(scratch != nullptr);
  const auto refuse = [&faults](std::string_view key, std::string_view wanted,
                                std::string_view found) {
    faults.push_back({std::string(key), fmt::format("{}, found \"{}\"", wanted, found)});
  };
  if (!settings.ciphers.empty()) {
    if (settings.policy == config::TlsPolicy::modern) {
      refuse("ciphers", "nothing with policy = \"modern\", which leaves TLS 1.2 out",
             settings.ciphers);
    }
    const auto elements = elements_of(settings.ciphers, ": ,;");
    for (const std::string& element : elements) {
      if (!knows_cipher(*scratch, element))
        refuse("ciphers", "ciphers of TLS 1.2 in OpenSSL's notation", element);
    }
    if (faults.empty()) {
      if (auto fault = fault_of_list(*scratch, settings.ciphers); fault.has_value())
        faults.push_back(std::move(*fault));
    }
  }
  const auto suites = elements_of(settings.cipher_suites, ":");
  for (const std::string& element : suites) {
    if (std::ranges::find(kKnownSuites, element) != kKnownSuites.end()) continue;
    refuse("cipher_suites",
           fmt::format("cipher suites of TLS 1.3 ({})", fmt::join(kKnownSuites, ", ")), element);
  }
  if (suites.empty() && !settings.cipher_suites.empty())
    refuse("cipher_suites", "at least one cipher suite of TLS 1.3", settings.cipher_suites);
  return faults;
}

std::optional<Fault> fault_of_use(const config::Listener& listener,
                                  const std::vector<const LoadedCertificate*>& certificates) {
  const std::string& ciphers = listener.tls.ciphers;
  if (ciphers.empty()) return std::nullopt;
  const ContextPtr scratch(SSL_CTX_new(TLS_server_method()));
  ONEHOP_ASSERT(scratch != nullptr && !fault_of_list(*scratch, ciphers).has_value());
  const SslPtr ssl(SSL_new(scratch.get()));
  ONEHOP_ASSERT(ssl != nullptr);
  // Less what the security level rules out.
  const CiphersPtr list(SSL_get1_supported_ciphers(ssl.get()));
  bool any = false;
  for (int i = 0; i < sk_SSL_CIPHER_num(list.get()); ++i) {
    const SSL_CIPHER& cipher = *sk_SSL_CIPHER_value(list.get(), i);
    const bool usable = std::ranges::any_of(
        certificates, [&](const LoadedCertificate* it) { return is_for_key(cipher, *it); });
    if (usable && (!listener.http2 || is_for_http2(cipher))) return std::nullopt;
    any = any || usable;
  }
  if (any) {
    return Fault{"ciphers",
                 fmt::format("at least one cipher that HTTP/2 allows (of TLS 1.2: ECDHE with "
                             "AES-GCM or ChaCha20), or http2 = false, found \"{}\"",
                             ciphers)};
  }
  std::set<std::string> keys;
  for (const LoadedCertificate* it : certificates) keys.insert(key_name(*it));
  return Fault{"ciphers",
               fmt::format("at least one cipher for the keys of the certificates ({}), found "
                           "\"{}\"",
                           fmt::join(keys, ", "), ciphers)};
}

bool is_for_http2(const SSL_CIPHER& cipher) {
  const int exchange = SSL_CIPHER_get_kx_nid(&cipher);
  const bool is_ephemeral =
      exchange == NID_kx_any || exchange == NID_kx_ecdhe || exchange == NID_kx_dhe;
  return is_ephemeral && SSL_CIPHER_is_aead(&cipher) == 1;
}

void apply_policy(SSL_CTX& context, const config::ListenerTls& settings) {
  const bool modern = settings.policy == config::TlsPolicy::modern;
  const char* ciphers = settings.ciphers.empty() ? kCiphers : settings.ciphers.c_str();
  const char* suites = settings.cipher_suites.empty() ? kSuites : settings.cipher_suites.c_str();
  ONEHOP_ASSERT(SSL_CTX_set_min_proto_version(&context, modern ? TLS1_3_VERSION : TLS1_2_VERSION));
  ONEHOP_ASSERT(SSL_CTX_set_cipher_list(&context, ciphers) == 1);
  ONEHOP_ASSERT(SSL_CTX_set_ciphersuites(&context, suites) == 1);
  ONEHOP_ASSERT(SSL_CTX_set1_groups_list(&context, kCurves) == 1);
}

void apply_common_options(SSL_CTX& context) {
  SSL_CTX_set_options(&context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  // A chain is what its file has: OpenSSL would complete it from the authorities that clients are
  // verified with.
  SSL_CTX_set_mode(&context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                 SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_NO_AUTO_CHAIN);
}

ContextPtr make_server_context(const config::ListenerTls& settings) {
  ContextPtr context(SSL_CTX_new(TLS_server_method()));
  ONEHOP_ASSERT(context != nullptr);
  apply_common_options(*context);
  apply_policy(*context, settings);
  return context;
}

std::string use_certificate(SSL_CTX& context, const LoadedCertificate& certificate) {
  clear_errors();
  bool fine = SSL_CTX_use_certificate(&context, certificate.leaf.get()) == 1 &&
              SSL_CTX_use_PrivateKey(&context, certificate.key.get()) == 1;
  for (size_t i = 0; fine && i < certificate.chain.size(); ++i) {
    fine = SSL_CTX_add1_chain_cert(&context, certificate.chain[i].get()) == 1;
  }
  if (fine) return {};
  return fmt::format("a certificate that is strong enough, found \"{}\" ({})", certificate.file,
                     take_error());
}

std::string protocol_list(bool http2, bool http1) {
  std::string list;
  for (const std::string_view protocol : {http2 ? "h2" : "", http1 ? "http/1.1" : ""}) {
    if (protocol.empty()) continue;
    list += static_cast<char>(protocol.size());
    list += protocol;
  }
  return list;
}

}  // namespace onehop::tls
