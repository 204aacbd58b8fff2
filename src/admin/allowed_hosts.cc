// SPDX-License-Identifier: MIT
#include "onehop/admin/allowed_hosts.h"

#include <algorithm>
#include <utility>

#include "onehop/base/address.h"
#include "onehop/base/ascii.h"

namespace onehop::admin {

namespace {

std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), to_lower);
  return result;
}

std::string_view host_of(std::string_view authority) {
  if (authority.starts_with('[')) {
    const size_t end = authority.find(']') + 1;
    const std::string_view rest = authority.substr(end);
    return rest.empty() || rest.starts_with(':') ? authority.substr(0, end) : authority;
  }
  return authority.substr(0, authority.find(':'));
}

bool is_address(std::string_view host) {
  if (host.starts_with('[') && host.ends_with(']'))
    return Address::numeric(host.substr(1, host.size() - 2), 0).has_value();
  return Address::numeric(host, 0).has_value();
}

bool matches(std::string_view name, std::string_view host) {
  if (!name.starts_with("*.")) return name == host;
  return host.size() >= name.size() && host.ends_with(name.substr(1));
}

}  // namespace

AllowedHosts::AllowedHosts(std::vector<std::string> names) : names_(std::move(names)) {
  for (std::string& name : names_) name = lower(name);
}

bool AllowedHosts::allow(std::string_view authority) const {
  if (authority.empty()) return true;
  std::string host = lower(host_of(authority));
  if (host.empty()) return false;
  if (is_address(host)) return true;
  if (host.find('.') == std::string::npos) return true;
  if (host.ends_with('.')) host.pop_back();
  if (host == "localhost" || host.ends_with(".localhost")) return true;
  return std::ranges::any_of(names_, [&](const auto& name) { return matches(name, host); });
}

}  // namespace onehop::admin
