// SPDX-License-Identifier: MIT
#include "name_servers.h"

#include <utility>

#include "onehop/base/address.h"

namespace onehop::server {

Result<void, std::string> NameServers::use(const config::Dns& dns) {
  if (asked_of_ == dns) return {};
  net::Resolver::Options options;
  options.timeout_ms = static_cast<uint32_t>(dns.timeout.count());
  for (const std::string& server : dns.servers) {
    const auto plain = Address::numeric(server, 0);
    const auto given = parse_host_port(server);
    options.servers.push_back(plain ? *plain : *Address::numeric(given->host, given->port));
  }
  auto made = net::Resolver::make(loop_, options);
  if (!made.has_value()) return Unexpected<std::string>(made.error());
  resolver_ = std::move(*made);
  asked_of_ = dns;
  return {};
}

}  // namespace onehop::server
