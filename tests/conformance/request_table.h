// SPDX-License-Identifier: MIT
// A table of raw request bytes and the verdict each must get. Every row is sent whole, byte by
// byte, and cut in two at every offset: the verdict may not depend on how the bytes arrive. Behind
// each row comes a request that must never reach the origin.
#pragma once

#include <string>
#include <vector>

namespace onehop::test {

struct RequestRow {
  std::string name;   // what is wrong (or odd, in a table of what is accepted)
  std::string bytes;  // the whole request
  std::vector<int> statuses = {400};
};

// Each row is answered once with one of its statuses, by the proxy itself, and the connection is
// closed; the origin sees no complete request at all. `limits` are lines of [server.limits].
void check_rejected(const std::vector<RequestRow>& rows, const std::string& limits = "");

// Each row reaches the origin, exactly once, and gets the origin's 200.
void check_accepted(const std::vector<RequestRow>& rows);

// Each row is either rejected as above or answered by the origin; in both cases the connection is
// closed and what follows is discarded. For violations where the RFC leaves the choice.
void check_rejected_or_last(const std::vector<RequestRow>& rows);

// "GET / HTTP/1.1", Host, these field lines (each with its CRLF), and the empty line.
std::string get_with(const std::string& field_lines);
// "POST / HTTP/1.1", Host, these field lines, the empty line, and the body as it stands.
std::string post_with(const std::string& field_lines, const std::string& body);
// A chunked POST with this chunked body as it stands.
std::string chunked_post(const std::string& raw_body);

// Bytes made visible for a failure's message.
std::string visible(const std::string& bytes);

}  // namespace onehop::test
