// SPDX-License-Identifier: MIT
// A table of raw response bytes and what the client must get for each. Every row is sent by the
// origin whole and cut in two at every offset; in every case the upstream connection it came on is
// closed and never used again.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace onehop::test {

enum class Verdict {
  bad_gateway,  // 502 from the proxy
  broken,       // 502, or the beginning of the response and then a detectable end: never a complete
                // message
  forwarded,    // 200, put right on the way
  forwarded_or_502,  // where the RFC leaves the choice
};

struct ResponseRow {
  std::string name;
  std::string bytes;
  Verdict verdict = Verdict::bad_gateway;
  std::vector<std::pair<std::string, std::string>> fields = {};  // of a forwarded one
  std::string body = {};                                         // of a forwarded one
};

// Who ends the upstream connection after the row's bytes.
enum class Ender { proxy, origin };

void check_responses(const std::vector<ResponseRow>& rows, Ender ender = Ender::proxy);

// "HTTP/1.1 200 OK", these field lines (each with its CRLF), the empty line, and the body as it
// stands.
std::string answer_with(const std::string& field_lines, const std::string& body = "hello");

}  // namespace onehop::test
