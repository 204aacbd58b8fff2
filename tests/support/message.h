// SPDX-License-Identifier: MIT
// HTTP messages as a test sees them: what was on the wire, in order, with nothing joined, folded or
// corrected.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace onehop::test {

bool same_ignoring_case(std::string_view a, std::string_view b);
std::string_view trimmed(std::string_view text);

// Fields in the order of the wire. Names compare without case; values have the space around them
// taken off.
class FieldList {
 public:
  void add(std::string name, std::string value);
  std::optional<std::string> get(std::string_view name) const;  // the first of that name
  std::vector<std::string> all(std::string_view name) const;
  bool has(std::string_view name) const { return get(name).has_value(); }
  size_t count(std::string_view name) const { return all(name).size(); }
  size_t size() const { return lines_.size(); }
  bool has_token(std::string_view name, std::string_view token) const;  // in a comma-separated list

 private:
  std::vector<std::pair<std::string, std::string>> lines_;
};

struct Message {
  FieldList fields;
  std::string body;
  FieldList trailers;
  std::string head;      // the bytes of the head
  bool chunked = false;  // the body came in chunks
  bool complete = true;  // false: the connection ended in the middle of the body

  std::string field(std::string_view name) const { return fields.get(name).value_or(""); }
};

struct Request : Message {
  std::string method;
  std::string target;
  std::string version;
};

struct Response : Message {
  int status = 0;
  std::string version;
  std::string reason;
  bool closed = false;  // the body was delimited by the end of the connection
};

// `head` is everything up to and with the empty line. Both throw std::runtime_error for what is not
// HTTP.
Request parse_request_head(std::string head);
Response parse_response_head(std::string head);

// Field lines, each ended by CRLF.
FieldList parse_fields(std::string_view lines);

// `body` as a chunked body in pieces of `size` bytes, with the last chunk and without trailers.
std::string chunked(std::string_view body, size_t size = 7);

// "HTTP/1.1 200 OK" with Content-Length, ready to send.
std::string ok(std::string_view body, std::string_view more_fields = "");

// Bytes that look random and are the same for the same seed, for bodies of any size.
std::string noise(size_t size, unsigned seed = 1);

}  // namespace onehop::test
