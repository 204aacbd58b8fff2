// SPDX-License-Identifier: MIT
// `onehop check` for TLS: the faults of each listener and upstream under the full key.
#include <fmt/format.h>

#include <utility>

#include "client_context.h"
#include "server_context.h"

namespace onehop::tls {
namespace {

void add(std::vector<config::Problem>& problems, std::string_view path, std::vector<Fault> faults) {
  for (Fault& fault : faults) {
    config::Problem problem;
    problem.key = fmt::format("{}.tls.{}", path, fault.key);
    problem.sentence = std::move(fault.sentence);
    problems.push_back(std::move(problem));
  }
}

}  // namespace

std::vector<config::Problem> check(const config::Config& config) {
  std::vector<config::Problem> problems;
  for (size_t i = 0; i < config.listeners.size(); ++i) {
    const config::Listener& listener = config.listeners[i];
    if (!listener.tls.enabled()) continue;
    add(problems, fmt::format("listener[{}]", i), OpenSslServerContext::faults(listener));
  }
  for (const config::Upstream& upstream : config.upstreams) {
    if (!upstream.tls.enabled) continue;
    add(problems, config::upstream_key(upstream.name), OpenSslClientContext::faults(upstream));
  }
  return problems;
}

}  // namespace onehop::tls
