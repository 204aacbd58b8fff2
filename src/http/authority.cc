// SPDX-License-Identifier: MIT
#include "authority.h"

#include <cstdint>

#include "onehop/base/ascii.h"

namespace onehop::http {
namespace {

struct Place {
  std::string_view host;
  std::string_view port;  // without leading zeros; empty: that of the scheme
};

Place place_of(std::string_view authority, std::string_view scheme) noexcept {
  const size_t bracket = authority.rfind(']');
  const size_t colon = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
  Place place{authority.substr(0, colon), {}};
  if (place.host.size() > 1 && place.host.ends_with('.')) place.host.remove_suffix(1);
  if (colon == std::string_view::npos) return place;
  place.port = authority.substr(colon + 1);
  while (place.port.size() > 1 && place.port.front() == '0') place.port.remove_prefix(1);
  const std::string_view implied = equals_ignoring_case(scheme, "http")    ? "80"
                                   : equals_ignoring_case(scheme, "https") ? "443"
                                                                           : "";
  if (place.port == implied) place.port = {};
  return place;
}

}  // namespace

bool same_authority(std::string_view a, std::string_view b, std::string_view scheme) noexcept {
  const Place first = place_of(a, scheme);
  const Place second = place_of(b, scheme);
  return equals_ignoring_case(first.host, second.host) && first.port == second.port;
}

}  // namespace onehop::http
