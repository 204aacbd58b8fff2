// SPDX-License-Identifier: MIT
#include "mismatch.h"

#include <fmt/format.h>

#include <string_view>

#include "onehop/base/address.h"
#include "onehop/config/rules.h"
#include "text_rules.h"

namespace onehop::config {
namespace {

// A file that the value of `basis` cannot do without.
void need_file(std::vector<Mismatch>& found, std::string_view key, const std::string& file,
               std::string_view reason, std::string_view basis) {
  if (!file.empty()) return;
  found.push_back({std::string(key), fmt::format("the path of a file, as {}", reason), "none",
                   std::string(basis)});
}

// A text that has no use with the value of `basis`.
void need_nothing(std::vector<Mismatch>& found, std::string_view key, const std::string& text,
                  std::string_view reason, std::string_view basis) {
  if (text.empty()) return;
  found.push_back({std::string(key), fmt::format("\"\" while {}", reason), in_quotes_short(text),
                   std::string(basis)});
}

void add_transport_security(std::vector<Mismatch>& found, const Listener& listener) {
  const bool has_age = listener.hsts_max_age != milliseconds(0);
  // Browsers must ignore it without TLS (RFC 6797, section 8.1), so nobody would notice.
  if (has_age && !listener.tls.enabled()) {
    found.push_back({"hsts_max_age", "\"0s\" on a listener without TLS",
                     written(Time{}, listener.hsts_max_age), "tls.certificates"});
  }
  if (!has_age && listener.hsts_subdomains) {
    found.push_back(
        {"hsts_subdomains", "false while hsts_max_age is \"0s\"", "true", "hsts_max_age"});
  }
}

void add_client_certificates(std::vector<Mismatch>& found, const ListenerTls& tls) {
  constexpr std::string_view kBasis = "tls.client_certificates";
  const std::string reason = fmt::format(
      "client_certificates is {}", written(Choice<ClientCertificates>{}, tls.client_certificates));
  if (tls.client_certificates != ClientCertificates::off) {
    need_file(found, "tls.client_ca", tls.client_ca, reason, kBasis);
  } else {
    need_nothing(found, "tls.client_ca", tls.client_ca, reason, kBasis);
    need_nothing(found, "tls.client_crl", tls.client_crl, reason, kBasis);
    need_nothing(found, "tls.client_subject_field", tls.client_subject_field, reason, kBasis);
    need_nothing(found, "tls.client_fingerprint_field", tls.client_fingerprint_field, reason,
                 kBasis);
  }
  const bool is_same = canonical(Text::field, tls.client_subject_field) ==
                       canonical(Text::field, tls.client_fingerprint_field);
  if (is_same && !tls.client_subject_field.empty()) {
    found.push_back({"tls.client_fingerprint_field", "a field of its own",
                     "that of client_subject_field", "tls.client_subject_field"});
  }
}

bool hashes(Balance balance) {
  return balance == Balance::ring_hash || balance == Balance::maglev;
}

void add_hash(std::vector<Mismatch>& found, const Upstream& upstream) {
  if (!hashes(upstream.balance)) return;
  if (upstream.hash_by.empty()) {
    found.push_back({"hash_by",
                     fmt::format("{}, as balance is {}",
                                 R"("header:NAME", "cookie:NAME", )"
                                 R"("query:NAME", "client" or "path")",
                                 written(Choice<Balance>{}, upstream.balance)),
                     "none", "balance"});
  }
  const uint32_t factor = upstream.hash_balance_factor;
  if (factor > 0 && factor < 100) {
    found.push_back({"hash_balance_factor", "0, or 100 to 1000, as there is no room for all below",
                     std::to_string(factor), "balance"});
  }
}

// The path of a unix socket says nothing that a certificate could be for.
void add_server_name(std::vector<Mismatch>& found, const Upstream& upstream) {
  if (!upstream.tls.server_name.empty() || upstream.tls.insecure_skip_verify) return;
  for (size_t i = 0; i < upstream.endpoints.size(); ++i) {
    const std::string& address = upstream.endpoints[i].address;
    if (!Address::of_unix(address)) continue;
    found.push_back({"tls.server_name",
                     fmt::format("a name, as the endpoint {} has none", in_quotes_short(address)),
                     "\"\"", fmt::format("endpoints[{}]", i)});
    return;
  }
}

// What has a use with another kind of check only is a mistake: it would look as if it were done.
void add_health(std::vector<Mismatch>& found, const Upstream& upstream) {
  const Health& health = upstream.health;
  constexpr std::string_view kBasis = "health.check";
  const std::string reason =
      fmt::format("check is {}", written(Choice<HealthCheck>{}, health.check));
  if (health.check != HealthCheck::grpc)
    need_nothing(found, "health.service", health.service, reason, kBasis);
  if (health.check != HealthCheck::http)
    need_nothing(found, "health.body", health.body, reason, kBasis);
  if (health.check == HealthCheck::tcp)
    need_nothing(found, "health.host", health.host, reason, kBasis);
  if (health.check == HealthCheck::http && health.method == "HEAD")
    need_nothing(found, "health.body", health.body, "method is \"HEAD\"", "health.method");
  if (health.method == "CONNECT") {
    found.push_back(
        {"health.method", "a method that asks for a page", "\"CONNECT\"", "health.method"});
  }
  if (health.status.empty()) {
    found.push_back({"health.status", "at least one class or number", "[]", "health.status"});
  }
  if (health.check == HealthCheck::grpc && upstream.protocol == UpstreamProtocol::h1) {
    found.push_back(
        {"health.check", "\"http\" or \"tcp\" while protocol is \"h1\"", "\"grpc\"", "protocol"});
  }
  // By default it is the shorter of the two.
  if (health.unhealthy_interval > health.interval &&
      health.unhealthy_interval != Health{}.unhealthy_interval) {
    found.push_back({"health.unhealthy_interval",
                     fmt::format("at most interval, which is {}", written(Time{}, health.interval)),
                     written(Time{}, health.unhealthy_interval), "health.interval"});
  }
}

}  // namespace

std::vector<Mismatch> mismatches(const Listener& listener) {
  std::vector<Mismatch> found;
  const ListenerTls& tls = listener.tls;
  if (tls.enabled() && listener.redirect_to_https != 0) {
    found.push_back({"redirect_to_https", "0 on a listener with TLS",
                     std::to_string(listener.redirect_to_https), "tls"});
  }
  add_transport_security(found, listener);
  if (!tls.enabled()) return found;
  if (tls.policy == TlsPolicy::modern) {
    need_nothing(found, "tls.ciphers", tls.ciphers, "policy is \"modern\", which has no TLS 1.2",
                 "tls.policy");
  }
  add_client_certificates(found, tls);
  return found;
}

std::vector<Mismatch> mismatches(const Upstream& upstream) {
  std::vector<Mismatch> found;
  add_hash(found, upstream);
  const UpstreamTls& tls = upstream.tls;
  if (upstream.protocol == UpstreamProtocol::automatic && !tls.enabled) {
    found.push_back(
        {"protocol", "\"h1\" or \"h2\" without TLS, which alone can ask", "\"auto\"", "tls"});
  }
  if (upstream.retry_unseen && upstream.retries == 0)
    found.push_back({"retry_unseen", "false while retries is 0", "true", "retries"});
  if (upstream.health.enabled) add_health(found, upstream);
  if (!tls.enabled) return found;
  add_server_name(found, upstream);
  if (!tls.key.empty()) need_file(found, "tls.cert", tls.cert, "there is a key", "tls.key");
  if (!tls.cert.empty()) need_file(found, "tls.key", tls.key, "there is a cert", "tls.cert");
  if (tls.insecure_skip_verify && !tls.ca.empty()) {
    found.push_back(
        {"tls.insecure_skip_verify", "false where there is a ca to verify with", "true", "tls.ca"});
  }
  return found;
}

std::vector<Mismatch> mismatches(const Admin& admin) {
  if (admin.token.empty() || admin.token_file.empty()) return {};
  return {{"token", "\"\" where there is a token_file", "***", "token_file"}};
}

}  // namespace onehop::config
