// SPDX-License-Identifier: MIT
#include "proxy_options.h"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "onehop/base/ascii.h"

namespace onehop::server {
namespace {

// What the scheme of a --to says of the upstream.
struct Scheme {
  std::string_view text;
  std::string_view port;  // where none is given
  config::UpstreamProtocol protocol;
  bool has_tls;
};

// The first is that of an address without a scheme.
constexpr std::array<Scheme, 3> kSchemes = {{
    {"http://", "80", config::UpstreamProtocol::h1, false},
    {"https://", "443", config::UpstreamProtocol::automatic, true},
    {"h2c://", "80", config::UpstreamProtocol::h2, false},
}};

struct Target {
  const Scheme* scheme = nullptr;
  std::string address;  // HOST:PORT, which config::check() looks at
};

Unexpected<std::string> refuse_target(std::string_view text, std::string_view reason) {
  return Unexpected<std::string>(fmt::format(
      "--to: HOST:PORT, http://HOST:PORT, https://HOST:PORT or h2c://HOST:PORT, found \"{}\" ({})",
      text, reason));
}

const Scheme* find_scheme(std::string_view text) {
  for (const Scheme& scheme : kSchemes) {
    if (equals_ignoring_case(text.substr(0, scheme.text.size()), scheme.text)) return &scheme;
  }
  return nullptr;
}

Result<Target, std::string> parse_target(std::string_view text) {
  const bool has_scheme = text.find("://") != text.npos;
  const Scheme* scheme = has_scheme ? find_scheme(text) : &kSchemes.front();
  if (scheme == nullptr) return refuse_target(text, "an unknown scheme");
  std::string address(text.substr(has_scheme ? scheme->text.size() : 0));
  if (address.empty()) return refuse_target(text, "no host");
  if (address.find_first_of("/?#") != address.npos) {
    return refuse_target(text, "a path; requests keep the one they come with");
  }
  const size_t behind_host = address.starts_with('[') ? address.find(']') : 0;
  const bool has_port = address.find(':', behind_host) != address.npos;
  if (has_scheme && !has_port) address += fmt::format(":{}", scheme->port);
  return Target{scheme, std::move(address)};
}

// The one upstream. Its endpoints are equal replicas, so what is said of one holds for all.
Result<config::Upstream, std::string> upstream_of(const ProxyOptions& options) {
  config::Upstream upstream;
  upstream.name = "default";
  const Scheme* scheme = nullptr;
  for (const std::string& text : options.to) {
    Result<Target, std::string> target = parse_target(text);
    if (!target) return Unexpected<std::string>(target.error());
    if (scheme != nullptr && target->scheme != scheme) {
      return Unexpected<std::string>(
          fmt::format("--to: the same scheme for all, found {} (\"{}\") and {} (\"{}\")",
                      scheme->text, options.to.front(), target->scheme->text, text));
    }
    scheme = target->scheme;
    upstream.endpoints.push_back({std::move(target->address)});
  }
  const bool has_tls = scheme != nullptr && scheme->has_tls;
  if (options.insecure_upstream && !has_tls) {
    return Unexpected<std::string>(
        "--insecure-upstream: only with --to https://HOST:PORT, as nothing is verified without "
        "TLS");
  }
  if (scheme != nullptr) upstream.protocol = scheme->protocol;
  upstream.tls.enabled = has_tls;
  upstream.tls.insecure_skip_verify = options.insecure_upstream;
  return upstream;
}

}  // namespace

Result<config::Config, std::string> config_of(const ProxyOptions& options) {
  if (options.tls_cert.size() != options.tls_key.size()) {
    return Unexpected<std::string>(
        fmt::format("--tls-cert and --tls-key: one key for each certificate, found {} --tls-cert "
                    "and {} --tls-key",
                    options.tls_cert.size(), options.tls_key.size()));
  }
  config::Listener listener;
  for (size_t i = 0; i < options.tls_cert.size(); ++i) {
    listener.tls.certificates.push_back({options.tls_cert[i], options.tls_key[i], ""});
  }
  Result<config::Upstream, std::string> upstream = upstream_of(options);
  if (!upstream) return Unexpected<std::string>(upstream.error());

  config::Config config;
  config.server.workers = options.workers;
  config.admin.listen = options.admin;
  for (const std::string& address : options.listen) {
    listener.address = address;
    config.listeners.push_back(listener);
  }
  config::Route route;
  route.upstream = upstream->name;
  config.routes.push_back(std::move(route));
  config.upstreams.push_back(std::move(*upstream));
  return config;
}

}  // namespace onehop::server
