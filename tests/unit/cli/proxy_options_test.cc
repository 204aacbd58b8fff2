// SPDX-License-Identifier: MIT
// The configuration that the options of `onehop proxy` make, and what they cannot say.
#include "cli/proxy_options.h"

#include <string>
#include <vector>

#include "onehop/config/load.h"
#include "tests/support/catch.h"

namespace onehop::cli {
namespace {

using config::UpstreamProtocol;

ProxyOptions with_targets(std::vector<std::string> to) {
  ProxyOptions options;
  options.listen = {"127.0.0.1:0"};
  options.to = std::move(to);
  return options;
}

struct Target {
  std::string text;
  std::string address;
  UpstreamProtocol protocol;
  bool has_tls;
};

TEST_CASE("the scheme of a replica chooses its protocol, TLS, and the port where none is given") {
  const std::vector<Target> targets = {
      {"app:9001", "app:9001", UpstreamProtocol::h1, false},
      {"http://app:9001", "app:9001", UpstreamProtocol::h1, false},
      {"http://app", "app:80", UpstreamProtocol::h1, false},
      {"https://app:9443", "app:9443", UpstreamProtocol::automatic, true},
      {"HTTPS://app", "app:443", UpstreamProtocol::automatic, true},
      {"https://[::1]", "[::1]:443", UpstreamProtocol::automatic, true},
      {"https://[::1]:8443", "[::1]:8443", UpstreamProtocol::automatic, true},
      {"h2c://127.0.0.1", "127.0.0.1:80", UpstreamProtocol::h2, false},
      {"h2c://127.0.0.1:50051", "127.0.0.1:50051", UpstreamProtocol::h2, false},
  };
  for (const Target& target : targets) {
    INFO(target.text);
    const auto config = config_of(with_targets({target.text}));
    REQUIRE(config.has_value());
    CHECK(config::check(*config).empty());
    const config::Upstream& upstream = config->upstreams.at(0);
    CHECK(upstream.endpoints.at(0).address == target.address);
    CHECK(upstream.protocol == target.protocol);
    CHECK(upstream.tls.enabled == target.has_tls);
    CHECK_FALSE(upstream.tls.insecure_skip_verify);
  }
}

TEST_CASE("every listener presents every certificate, each with the key at its place") {
  ProxyOptions options = with_targets({"app:1", "app:2"});
  options.listen = {":1", ":2"};
  options.tls_cert = {"a.pem", "b.pem"};
  options.tls_key = {"a.key", "b.key"};
  const auto config = config_of(options);
  REQUIRE(config.has_value());
  const std::vector<config::Certificate> certificates = {{"a.pem", "a.key", ""},
                                                         {"b.pem", "b.key", ""}};
  REQUIRE(config->listeners.size() == 2);
  for (const config::Listener& listener : config->listeners) {
    CHECK(listener.tls.certificates == certificates);
  }
  CHECK(config->listeners[1].address == ":2");
  CHECK(config->upstreams.at(0).endpoints.size() == 2);
}

TEST_CASE("certificates of replicas go unverified only where that is asked for") {
  ProxyOptions options = with_targets({"https://app", "https://b:1"});
  options.insecure_upstream = true;
  const auto config = config_of(options);
  REQUIRE(config.has_value());
  CHECK(config->upstreams.at(0).tls.insecure_skip_verify);
}

struct Refusal {
  ProxyOptions options;
  std::string sentence;
};

TEST_CASE("options that contradict each other are refused with a sentence that names them") {
  const std::string form =
      "--to: HOST:PORT, http://HOST:PORT, https://HOST:PORT or h2c://HOST:PORT, found ";
  std::vector<Refusal> refusals = {
      {with_targets({"ftp://a:1"}), form + "\"ftp://a:1\" (an unknown scheme)"},
      {with_targets({"https://"}), form + "\"https://\" (no host)"},
      {with_targets({""}), form + "\"\" (no host)"},
      {with_targets({"https://a:1/x"}),
       form + "\"https://a:1/x\" (a path; requests keep the one they come with)"},
      {with_targets({"a:1/"}), form + "\"a:1/\" (a path; requests keep the one they come with)"},
      {with_targets({"a:1", "https://b:1"}),
       "--to: the same scheme for all, found http:// (\"a:1\") and https:// (\"https://b:1\")"},
      {with_targets({"http://a:1"}),
       "--insecure-upstream: only with --to https://HOST:PORT, as nothing is verified without TLS"},
      {with_targets({"a:1"}),
       "--tls-cert and --tls-key: one key for each certificate, found 1 --tls-cert and 0 "
       "--tls-key"},
      {with_targets({"a:1"}),
       "--tls-cert and --tls-key: one key for each certificate, found 0 --tls-cert and 1 "
       "--tls-key"},
  };
  refusals[6].options.insecure_upstream = true;
  refusals[7].options.tls_cert = {"a.pem"};
  refusals[8].options.tls_key = {"a.key"};
  for (const Refusal& refusal : refusals) {
    const auto config = config_of(refusal.options);
    INFO(refusal.sentence);
    REQUIRE_FALSE(config.has_value());
    CHECK(config.error() == refusal.sentence);
  }
}

using Sentences = std::vector<std::string>;

Sentences sentences(const ProxyOptions& options, const config::FurtherCheck& further = {}) {
  const auto config = config_of(options);
  REQUIRE(config.has_value());
  return sentences_of(config::check(*config, further), options);
}

TEST_CASE("a value that is not allowed is named by its option") {
  ProxyOptions options = with_targets({"9001"});
  options.listen = {"8080"};
  options.admin = "example.org:1";
  CHECK(sentences(options) ==
        Sentences{
            R"(--listen: "IP:PORT", "[IP6]:PORT", "localhost:PORT", ":PORT" or "unix:/path", )"
            R"(found "8080" (a port alone has a colon before it; did you mean ":8080"?))",
            R"(--to: "IP:PORT", "[IP6]:PORT" or "NAME:PORT" with a port from 1 to 65535, )"
            R"("srv:NAME" or "unix:/path", found "9001")",
            R"(--admin: "IP:PORT", "[IP6]:PORT", "localhost:PORT", ":PORT" or "", )"
            R"(found "example.org:1" (a name, and listeners begin before names are looked up))"});
}

TEST_CASE("the control socket of --control is that of the configuration, and is checked like it") {
  ProxyOptions options = with_targets({"a:1"});
  options.listen = {":1"};
  options.control = "/run/c.sock";
  const auto config = config_of(options);
  REQUIRE(config.has_value());
  CHECK(config->admin.control == "/run/c.sock");
  CHECK(sentences(options).empty());
  options.control = "/run/";
  CHECK(
      sentences(options) ==
      Sentences{R"(--control: the path of a unix socket, at most 107 bytes, or "", found "/run/" )"
                "(a folder; the socket needs a name in it)"});
}

TEST_CASE("of two options that contradict each other the other one is named with its value") {
  ProxyOptions options = with_targets({"a:1", "b:1", "A:1"});
  options.listen = {":1", "127.0.0.1:2", "0.0.0.0:2", ":1"};
  options.admin = "localhost:1";
  CHECK(sentences(options) ==
        Sentences{R"(--listen: an address of its own, found "0.0.0.0:2", which overlaps with )"
                  "that of --listen 127.0.0.1:2",
                  "--listen: an address of its own, found that of --listen :1",
                  "--to: an endpoint of its own, found that of --to a:1",
                  R"(--admin: an address of its own, found "localhost:1", which overlaps with )"
                  "that of --listen :1"});
}

TEST_CASE("a certificate is named by its option, and once for all listeners") {
  ProxyOptions options = with_targets({"a:1"});
  options.listen = {":1", ":2"};
  options.tls_cert = {"a.pem", "b.pem"};
  options.tls_key = {"a.key", "b.key"};
  const auto further = [](const config::Config& config) {
    std::vector<config::Problem> problems;
    for (size_t i = 0; i < config.listeners.size(); ++i) {
      const std::string listener = "listener[" + std::to_string(i) + "].tls.certificates";
      problems.push_back({"", 0, 0, listener + "[0].cert", "cannot read a.pem"});
      problems.push_back({"", 0, 0, listener + "[1].key", "not that of b.pem"});
    }
    problems.push_back({"", 0, 0, "upstream.default.tls.ca", "no certificates here"});
    return problems;
  };
  CHECK(sentences(options, further) == Sentences{"--tls-cert: cannot read a.pem",
                                                 "--tls-key: not that of b.pem",
                                                 "upstream.default.tls.ca: no certificates here"});
}

TEST_CASE("an address that none of the schemes could have is left to the check of the values") {
  for (const std::string text : {"app", "https://user@app", "https://app:99999", "https://[::1"}) {
    INFO(text);
    const auto config = config_of(with_targets({text}));
    REQUIRE(config.has_value());
    const auto problems = config::check(*config);
    REQUIRE(problems.size() == 1);
    CHECK(problems[0].key == "upstream.default.endpoints[0].address");
  }
}

}  // namespace
}  // namespace onehop::cli
