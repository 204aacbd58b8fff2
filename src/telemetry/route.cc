// SPDX-License-Identifier: MIT
#include "onehop/telemetry/route.h"

#include <algorithm>

namespace onehop::telemetry {

namespace {

// Keeps `codes` in the order of the statuses.
void add_code(int status, uint64_t count, std::vector<std::pair<int, uint64_t>>& codes) {
  const auto place = std::ranges::lower_bound(codes, status, {}, &std::pair<int, uint64_t>::first);
  if (place != codes.end() && place->first == status) {
    place->second += count;
  } else {
    codes.insert(place, {status, count});
  }
}

}  // namespace

void RouteShard::merge_into(RouteValues& into) const {
  for (size_t i = 0; i < kStatusClassCount; ++i) seconds_[i].merge_into(into.seconds[i]);
  for (size_t page = 0; page < kPageCount; ++page) {
    const auto* made = codes_[page].if_made();
    if (made == nullptr) continue;
    for (size_t i = 0; i < kPage; ++i) {
      const uint64_t count = (*made)[i].value();
      if (count != 0) add_code(static_cast<int>(page * kPage + i), count, into.codes);
    }
  }
}

}  // namespace onehop::telemetry
