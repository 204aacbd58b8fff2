// SPDX-License-Identifier: MIT
#include "onehop/net/search_domains.h"

#include <resolv.h>

#include <algorithm>
#include <cstddef>
#include <type_traits>
#include <utility>

namespace onehop::net {
namespace {

constexpr size_t kLongestName = 253;  // RFC 1035 2.3.4, as text

}  // namespace

SearchDomains SearchDomains::of_system() {
  SearchDomains read;
  std::remove_pointer_t<res_state> state{};
  if (res_ninit(&state) != 0) return read;
  read.ndots = state.ndots;
  for (size_t i = 0; i < MAXDNSRCH && state.dnsrch[i] != nullptr; ++i) {
    const std::string domain = state.dnsrch[i];
    if (!domain.empty() && domain != ".") read.domains.push_back(domain);
  }
  res_nclose(&state);
  return read;
}

std::vector<std::string> SearchDomains::candidates(const std::string& name) const {
  if (name.ends_with('.')) return {name};
  std::vector<std::string> names;
  for (const std::string& domain : domains) {
    std::string whole = name + "." + domain;
    if (whole.size() <= kLongestName) names.push_back(std::move(whole));
  }
  const bool first =
      std::count(name.begin(), name.end(), '.') >= static_cast<std::ptrdiff_t>(ndots);
  names.insert(first ? names.begin() : names.end(), name);
  return names;
}

}  // namespace onehop::net
