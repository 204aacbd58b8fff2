// SPDX-License-Identifier: MIT
// The part of the configuration that is about how endpoints are chosen, beside the keys of
// [upstream.NAME] itself. docs/balancing.md says what each does.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace onehop::config {

using std::chrono::milliseconds;
using std::chrono::seconds;

enum class Balance : uint8_t {
  round_robin,
  least_requests,
  random_two,
  peak_ewma,
  ring_hash,
  maglev
};
enum class SameSite : uint8_t { lax, strict, none };  // of a cookie (RFC 6265bis 5.6.7)

// [upstream.NAME.sticky]: a cookie that says which endpoint a client was served by.
struct Sticky {
  bool enabled = false;  // true where the file has the table
  std::string cookie;    // its name; "": "onehop_" and the upstream's
  std::string secret;    // what its values are signed with; "": made at the start
  std::string path = "/";
  milliseconds max_age = milliseconds(0);  // 0: until the browser is closed
  SameSite same_site = SameSite::lax;
  bool http_only = true;

  bool operator==(const Sticky&) const = default;
};

}  // namespace onehop::config
