// SPDX-License-Identifier: MIT
#include "check_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <future>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

#include "onehop/base/address.h"
#include "onehop/config/endpoint_list.h"
#include "onehop/config/load_files.h"
#include "onehop/net/event_loop.h"
#include "onehop/tls/tls.h"

namespace onehop::cli {
namespace {

constexpr int kFine = 0;
constexpr int kWrongUsage = 2;
// A name that nobody answers for takes seconds.
constexpr size_t kLookUpsAtOnce = 32;

using Answers = std::map<std::string, std::string, std::less<>>;  // by name: why not, or ""

std::vector<HostPort> names_of(const config::Config& config) {
  std::vector<HostPort> names;
  for (const auto& upstream : config.upstreams) {
    for (const auto& endpoint : upstream.endpoints) {
      const auto name = parse_host_port(endpoint.address);
      if (name.has_value() && !Address::numeric(name->host, name->port)) names.push_back(*name);
    }
  }
  std::ranges::sort(names, {}, &HostPort::host);
  const auto same = std::ranges::unique(names, {}, &HostPort::host);
  names.erase(same.begin(), same.end());
  return names;
}

Answers look_up(const std::vector<HostPort>& names) {
  Answers answers;
  for (size_t begin = 0; begin < names.size(); begin += kLookUpsAtOnce) {
    const size_t end = std::min(names.size(), begin + kLookUpsAtOnce);
    std::vector<std::future<std::string>> asked;
    for (size_t i = begin; i < end; ++i) {
      asked.push_back(std::async(std::launch::async, [&name = names[i]] {
        const auto address = net::resolve(name);
        return address.has_value() ? std::string() : address.error();
      }));
    }
    for (size_t i = begin; i < end; ++i) answers[names[i].host] = asked[i - begin].get();
  }
  return answers;
}

// Only here: a name may resolve on the machine that is to run it, or later. What this machine's
// resolver knows says nothing about servers that the configuration names.
std::vector<config::Problem> unresolved(const config::Config& config) {
  if (!config.server.dns.servers.empty()) return {};
  const Answers answers = look_up(names_of(config));
  std::vector<config::Problem> problems;
  for (const auto& upstream : config.upstreams) {
    for (size_t i = 0; i < upstream.endpoints.size(); ++i) {
      const auto name = parse_host_port(upstream.endpoints[i].address);
      const auto answer = name.has_value() ? answers.find(name->host) : answers.end();
      if (answer == answers.end() || answer->second.empty()) continue;
      config::Problem problem;
      problem.key = fmt::format("{}.endpoints[{}]", config::upstream_key(upstream.name), i);
      problem.sentence = answer->second;
      problem.severity = config::Severity::warning;
      problems.push_back(std::move(problem));
    }
  }
  return problems;
}

// A warning, as onehop starts without such a file, and takes it when it is good.
std::vector<config::Problem> unreadable(const config::Config& config) {
  std::vector<config::Problem> problems;
  for (const auto& upstream : config.upstreams) {
    if (upstream.endpoints_file.empty()) continue;
    const auto list = config::load_endpoints(upstream.endpoints_file);
    if (list.has_value()) continue;
    for (const config::Problem& mistake : list.error()) {
      config::Problem problem;
      problem.key = config::upstream_key(upstream.name) + ".endpoints_file";
      problem.sentence = mistake.to_string();
      problem.severity = config::Severity::warning;
      problems.push_back(std::move(problem));
    }
  }
  return problems;
}

std::vector<config::Problem> further(const config::Config& config) {
  std::vector<config::Problem> problems = tls::check(config);
  for (config::Problem& problem : unresolved(config)) problems.push_back(std::move(problem));
  for (config::Problem& problem : unreadable(config)) problems.push_back(std::move(problem));
  return problems;
}

void print(const std::vector<config::Problem>& problems) {
  for (const auto& problem : problems) std::fprintf(stderr, "%s\n", problem.to_string().c_str());
}

std::string counted(size_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

}  // namespace

int run_check(const std::string& path) {
  const auto [examined, sources] = config::load_files(path, config::environment(), further);
  if (!examined.has_value()) {
    print(examined.error());
    return kWrongUsage;
  }
  print(examined->warnings);
  const config::Config& config = examined->config;
  const std::string warnings = examined->warnings.empty()
                                   ? std::string()
                                   : "; " + counted(examined->warnings.size(), "warning");
  const size_t included = sources.files.size() - 1;
  const std::string with =
      included == 0 ? std::string() : fmt::format(" with {}", counted(included, "included file"));
  std::printf("%s%s: fine: %s, %s, %s%s\n", path == "-" ? "<stdin>" : path.c_str(), with.c_str(),
              counted(config.listeners.size(), "listener").c_str(),
              counted(config.routes.size(), "route").c_str(),
              counted(config.upstreams.size(), "upstream").c_str(), warnings.c_str());
  return kFine;
}

}  // namespace onehop::cli
