// SPDX-License-Identifier: MIT
// InterimBacklog: how many bytes of interim responses (1xx) were passed on to a client that does
// not take them. They come at the endpoint's pace and no window holds them back, so beyond a bound
// they are left out: who reads nothing misses nothing.
#pragma once

#include <cstddef>

#include "onehop/http/fields.h"

namespace onehop::proxy {

class InterimBacklog {
 public:
  // Whether one more may be sent. `has_room`: what was sent before is out, or nearly.
  bool takes(const http::Fields& fields, bool has_room) {
    if (has_room) waiting_bytes_ = 0;
    for (const http::Field& field : fields)
      waiting_bytes_ += field.name.size() + field.value.size();
    return waiting_bytes_ <= kMostBytes;
  }

 private:
  static constexpr size_t kMostBytes = 512 * 1024;
  size_t waiting_bytes_ = 0;
};

}  // namespace onehop::proxy
