// SPDX-License-Identifier: MIT
// Text in a line of the access log, so that nothing a client wrote can end a field or a line, or
// say anything to a terminal.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace onehop::server {

// A JSON string with its quotes. Control characters (also those of Unicode's second block), DEL,
// quotes and backslashes are escaped; each byte that is not UTF-8 (RFC 3629) becomes U+FFFD.
void append_json(std::string& out, std::string_view text);

// As nginx has it: `"`, `\` and all that is not printable ASCII as \xHH, and so is `end`.
void append_escaped(std::string& out, std::string_view text, char end = '"');

void append_number(std::string& out, uint64_t number);

// Seconds since 1970 in UTC, with the text of the last one at hand.
class TimeText {
 public:
  // 2026-11-30T17:06:34.123456Z (RFC 3339)
  void append_rfc3339(std::string& out, int64_t unix_ns);
  // 30/Nov/2026:17:06:34 +0000
  void append_combined(std::string& out, int64_t unix_ns);

 private:
  void use(int64_t second);

  int64_t second_ = -1;
  std::string rfc3339_;
  std::string combined_;
};

}  // namespace onehop::server
