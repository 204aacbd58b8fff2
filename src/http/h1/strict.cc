// SPDX-License-Identifier: MIT
#include "strict.h"

#include <algorithm>
#include <array>

#include "onehop/base/ascii.h"

namespace onehop::http::h1 {

namespace {

constexpr size_t kBlock = 32;

// What a byte and its right neighbour say, a bit for each member of HeadBytes.
constexpr uint8_t kLineEnd = 1, kControl = 2, kFolded = 4, kBlankColon = 8, kNameless = 16;
constexpr uint8_t said_by(uint8_t c, uint8_t next) {
  const auto as_bit = [](bool said) { return static_cast<unsigned>(said); };
  const unsigned return_or_feed_or_tab = as_bit(c == '\r') | as_bit(c == '\n') | as_bit(c == '\t');
  const unsigned control = (as_bit(c < 0x20) & (return_or_feed_or_tab ^ 1)) | as_bit(c == 0x7f);
  const unsigned blank = as_bit(c == ' ') | as_bit(c == '\t');
  const unsigned next_blank = as_bit(next == ' ') | as_bit(next == '\t');
  const unsigned feed = as_bit(c == '\n');
  const unsigned next_colon = as_bit(next == ':');
  return static_cast<uint8_t>((as_bit(c == '\r') ^ as_bit(next == '\n')) * kLineEnd |
                              control * kControl | (feed & next_blank) * kFolded |
                              (blank & next_colon) * kBlankColon | (feed & next_colon) * kNameless);
}

}  // namespace

// The verdicts are or-ed, each in its place of a block: no branch and a length that is known, so
// that the compiler makes vector code of it.
HeadBytes look_at(std::string_view head) {
  if (head.empty()) return {};
  const auto* bytes = reinterpret_cast<const uint8_t*>(head.data());
  const size_t last = head.size() - 1;
  std::array<uint8_t, kBlock> said{};
  size_t i = 0;
  for (; i + kBlock <= last; i += kBlock) {
    for (size_t k = 0; k < kBlock; ++k) said[k] |= said_by(bytes[i + k], bytes[i + k + 1]);
  }
  uint8_t all = head.front() == '\n' ? kLineEnd : 0;
  for (const uint8_t one : said) all |= one;
  for (; i < last; ++i) all |= said_by(bytes[i], bytes[i + 1]);
  return {(all & kLineEnd) != 0, (all & kControl) != 0, (all & kFolded) != 0,
          (all & kBlankColon) != 0, (all & kNameless) != 0};
}

std::span<char> unfold(std::span<char> head) {
  size_t kept = 0;
  for (size_t i = 0; i < head.size(); ++i) {
    const bool fold = head[i] == '\r' && i + 2 < head.size() && is_blank(head[i + 2]);
    if (!fold) {
      head[kept++] = head[i];
      continue;
    }
    while (kept > 0 && is_blank(head[kept - 1])) --kept;
    i += 2;
    while (i + 1 < head.size() && is_blank(head[i + 1])) ++i;
    head[kept++] = ' ';
  }
  return head.first(kept);
}

void move_blanks_behind_colon(std::span<char> head) {
  bool in_name = false;  // the status line has none
  for (size_t i = 0; i < head.size(); ++i) {
    if (head[i] == '\n') {
      in_name = true;
    } else if (in_name && head[i] == ':') {
      size_t first = i;
      while (first > 0 && is_blank(head[first - 1])) --first;
      std::swap(head[first], head[i]);
      in_name = false;
    }
  }
}

namespace {

// "HTTP/1." and a digit: 0, or 1 and anything later, as a sender that has a higher minor version
// may use nothing that this one does not understand (RFC 9110 2.5, 6.2).
Result<uint8_t, Violation> parse_version(std::string_view text) {
  const bool formed = text.size() == 8 && text.starts_with("HTTP/") && is_digit(text[5]) &&
                      text[6] == '.' && is_digit(text[7]);
  if (!formed) return Unexpected<Violation>(Violation::bad_start_line);
  if (text[5] != '1') return Unexpected<Violation>(Violation::bad_version);
  return static_cast<uint8_t>(text[7] == '0' ? 0 : 1);
}

}  // namespace

Result<RequestLine, Violation> split_request_line(std::string_view line) {
  const size_t first = line.find(' ');
  const size_t last = line.rfind(' ');
  if (first == 0 || first == std::string_view::npos || first == last)
    return Unexpected<Violation>(Violation::bad_start_line);
  RequestLine parts;
  parts.method = line.substr(0, first);
  parts.target = line.substr(first + 1, last - first - 1);
  const auto has = [&](char c) { return parts.target.find(c) != std::string_view::npos; };
  if (parts.target.empty() || has(' ') || has('\t') || !is_token(parts.method))
    return Unexpected<Violation>(Violation::bad_start_line);
  const auto version = parse_version(line.substr(last + 1));
  if (!version.has_value()) return Unexpected<Violation>(version.error());
  parts.version_minor = *version;
  return parts;
}

Result<StatusLine, Violation> split_status_line(std::string_view line) {
  const auto version = parse_version(line.substr(0, 8));
  if (!version.has_value()) return Unexpected<Violation>(version.error());
  if (line.size() < 12 || line[8] != ' ' || (line.size() > 12 && line[12] != ' ')) {
    return Unexpected<Violation>(Violation::bad_start_line);
  }
  const auto status = parse_decimal(line.substr(9, 3), 999);
  if (!status.has_value() || *status < 100) return Unexpected<Violation>(Violation::bad_start_line);
  StatusLine parts;
  parts.version_minor = *version;
  parts.status = static_cast<int>(*status);
  parts.reason = line.size() > 13 ? line.substr(13) : std::string_view();
  return parts;
}

}  // namespace onehop::http::h1
