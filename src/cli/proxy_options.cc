// SPDX-License-Identifier: MIT
#include "proxy_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "onehop/base/ascii.h"

namespace onehop::cli {
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

// The first number in brackets of a key: 1 for listener[1].address.
size_t index_in(std::string_view key) {
  const size_t open = key.find('[');
  if (open == key.npos) return 0;
  const std::string_view digits = key.substr(open + 1, key.find(']', open) - open - 1);
  return static_cast<size_t>(parse_decimal(digits).value_or(0));
}

std::string given(std::string_view option, const std::vector<std::string>& values, size_t index) {
  return index < values.size() ? fmt::format("{} {}", option, values[index]) : std::string(option);
}

// The option that a key of the Config was made of, without its value and with it. A key that none
// was made of stays as it is.
struct Origin {
  std::string option;
  std::string with_value;
};

Origin origin_of(std::string_view key, const ProxyOptions& options) {
  if (key == "log.access.file") return {"--access-log", "--access-log"};
  if (key == "log.access.format") return {"--access-log-format", "--access-log-format"};
  if (key == "admin.listen") return {"--admin", "--admin " + options.admin};
  if (key == "admin.control") return {"--control", "--control " + options.control};
  if (key.starts_with("listener[")) {
    if (key.ends_with(".cert")) return {"--tls-cert", "--tls-cert"};
    if (key.ends_with(".key")) return {"--tls-key", "--tls-key"};
    if (key.ends_with(".address"))
      return {"--listen", given("--listen", options.listen, index_in(key))};
  }
  if (key.starts_with("upstream.default.endpoints["))
    return {"--to", given("--to", options.to, index_in(key))};
  return {std::string(key), std::string(key)};
}

}  // namespace

std::vector<std::string> sentences_of(const std::vector<config::Problem>& problems,
                                      const ProxyOptions& options) {
  constexpr std::string_view kOther = "that of ";  // a key, at the end of a sentence
  std::vector<std::string> sentences;
  for (const config::Problem& problem : problems) {
    std::string text = problem.sentence;
    if (const size_t at = text.rfind(kOther); at != text.npos) {
      const std::string other = text.substr(at + kOther.size());
      text.replace(at + kOther.size(), other.size(), origin_of(other, options).with_value);
    }
    const std::string option = origin_of(problem.key, options).option;
    std::string sentence = option.empty() ? text : fmt::format("{}: {}", option, text);
    if (std::ranges::find(sentences, sentence) == sentences.end()) {
      sentences.push_back(std::move(sentence));
    }
  }
  return sentences;
}

Result<config::Config, std::string> config_of(const ProxyOptions& options) {
  if (options.tls_cert.size() != options.tls_key.size()) {
    return Unexpected<std::string>(
        fmt::format("--tls-cert and --tls-key: one key for each certificate, found {} --tls-cert "
                    "and {} --tls-key",
                    options.tls_cert.size(), options.tls_key.size()));
  }
  if (!options.access_log_format.empty() && options.access_log.empty())
    return Unexpected<std::string>("--access-log-format: only with --access-log");
  config::Listener listener;
  for (size_t i = 0; i < options.tls_cert.size(); ++i) {
    listener.tls.certificates.push_back({options.tls_cert[i], options.tls_key[i], ""});
  }
  Result<config::Upstream, std::string> upstream = upstream_of(options);
  if (!upstream) return Unexpected<std::string>(upstream.error());

  config::Config config;
  config.server.workers = options.workers;
  config.admin.listen = options.admin;
  config.admin.control = options.control;
  config.log.access.file = options.access_log;
  if (!options.access_log_format.empty()) config.log.access.format = options.access_log_format;
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

}  // namespace onehop::cli
