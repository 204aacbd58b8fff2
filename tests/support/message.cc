// SPDX-License-Identifier: MIT
// A deliberately plain HTTP reader for tests: it is strict about what the proxy may write and
// repairs nothing.
#include "tests/support/message.h"

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <stdexcept>

namespace onehop::test {
namespace {

std::string_view first_line(std::string_view head) {
  return head.substr(0, head.find("\r\n"));
}

std::string_view after_first_line(std::string_view head) {
  std::string_view rest = head.substr(first_line(head).size() + 2);
  rest.remove_suffix(2);  // the empty line
  return rest;
}

void refuse(const std::string& what, std::string_view bytes) {
  throw std::runtime_error(what + ": \"" + std::string(bytes.substr(0, 400)) + "\"");
}

}  // namespace

bool same_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](unsigned char x, unsigned char y) {
    return std::tolower(x) == std::tolower(y);
  });
}

std::string_view trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

void FieldList::add(std::string name, std::string value) {
  lines_.emplace_back(std::move(name), std::move(value));
}

std::optional<std::string> FieldList::get(std::string_view name) const {
  for (const auto& [key, value] : lines_) {
    if (same_ignoring_case(key, name)) return value;
  }
  return std::nullopt;
}

std::vector<std::string> FieldList::all(std::string_view name) const {
  std::vector<std::string> values;
  for (const auto& [key, value] : lines_) {
    if (same_ignoring_case(key, name)) values.push_back(value);
  }
  return values;
}

bool FieldList::has_token(std::string_view name, std::string_view token) const {
  for (const std::string& value : all(name)) {
    std::string_view rest = value;
    while (true) {
      const size_t comma = rest.find(',');
      if (same_ignoring_case(trimmed(rest.substr(0, comma)), token)) return true;
      if (comma == std::string_view::npos) break;
      rest.remove_prefix(comma + 1);
    }
  }
  return false;
}

FieldList parse_fields(std::string_view lines) {
  FieldList fields;
  while (!lines.empty()) {
    const size_t end = lines.find("\r\n");
    if (end == std::string_view::npos) refuse("a field line without CRLF", lines);
    const std::string_view line = lines.substr(0, end);
    lines.remove_prefix(end + 2);
    const size_t colon = line.find(':');
    const bool bad = colon == std::string_view::npos || colon == 0 ||
                     line.substr(0, colon).find_first_of(" \t") != std::string_view::npos ||
                     line.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos;
    if (bad) refuse("a malformed field line", line);
    fields.add(std::string(line.substr(0, colon)), std::string(trimmed(line.substr(colon + 1))));
  }
  return fields;
}

Request parse_request_head(std::string head) {
  Request request;
  const std::string_view line = first_line(head);
  const size_t space = line.find(' ');
  const size_t last = line.rfind(' ');
  if (space == std::string_view::npos || space == last) refuse("not a request line", line);
  request.method = line.substr(0, space);
  request.target = line.substr(space + 1, last - space - 1);
  request.version = line.substr(last + 1);
  if (request.version != "HTTP/1.1" && request.version != "HTTP/1.0") {
    refuse("not a request line", line);
  }
  request.fields = parse_fields(after_first_line(head));
  request.head = std::move(head);
  return request;
}

Response parse_response_head(std::string head) {
  Response response;
  const std::string_view line = first_line(head);
  const bool shape = line.size() >= 12 && line.starts_with("HTTP/1.") && line[8] == ' ' &&
                     std::all_of(line.begin() + 9, line.begin() + 12,
                                 [](unsigned char c) { return std::isdigit(c) != 0; });
  if (!shape || (line.size() > 12 && line[12] != ' ')) refuse("not a status line", line);
  response.version = line.substr(0, 8);
  response.status = std::stoi(std::string(line.substr(9, 3)));
  response.reason = line.size() > 13 ? line.substr(13) : "";
  response.fields = parse_fields(after_first_line(head));
  response.head = std::move(head);
  return response;
}

std::string chunked(std::string_view body, size_t size) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  while (!body.empty()) {
    const std::string_view piece = body.substr(0, size);
    std::string length;
    for (size_t n = piece.size(); n != 0; n /= 16) length.insert(length.begin(), kDigits[n % 16]);
    out.append(length).append("\r\n").append(piece).append("\r\n");
    body.remove_prefix(piece.size());
  }
  return out + "0\r\n\r\n";
}

std::string ok(std::string_view body, std::string_view more_fields) {
  std::string out = "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
  return out.append(more_fields).append("\r\n").append(body);
}

std::string noise(size_t size, unsigned seed) {
  std::string out(size, '\0');
  uint64_t state = seed * 0x9e3779b97f4a7c15ULL + 1;
  for (char& byte : out) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    byte = static_cast<char>(state >> 32);
  }
  return out;
}

}  // namespace onehop::test
