// SPDX-License-Identifier: MIT
#include "strict.h"

#include <algorithm>
#include <array>

#include "onehop/base/ascii.h"

namespace onehop::http::h1 {

HeadBytes look_at(std::string_view head) {
  if (head.empty()) return {};
  // Each byte is judged with its right neighbour and the verdicts are or-ed: no branch, so the
  // compiler makes vector code of it.
  uint8_t line_end = head.front() == '\n' ? 1 : 0;
  uint8_t control = 0;
  uint8_t folded = 0;
  uint8_t blank_colon = 0;
  uint8_t nameless = 0;
  uint8_t tab = 0;
  const auto* bytes = reinterpret_cast<const uint8_t*>(head.data());
  const size_t last = head.size() - 1;
  for (size_t i = 0; i < last; ++i) {
    const uint8_t c = bytes[i];
    const uint8_t next = bytes[i + 1];
    line_end |= static_cast<uint8_t>((c == '\r') != (next == '\n'));
    control |=
        static_cast<uint8_t>(((c < 0x20) & (c != '\r') & (c != '\n') & (c != '\t')) | (c == 0x7f));
    folded |= static_cast<uint8_t>((c == '\n') & ((next == ' ') | (next == '\t')));
    blank_colon |= static_cast<uint8_t>(((c == ' ') | (c == '\t')) & (next == ':'));
    nameless |= static_cast<uint8_t>((c == '\n') & (next == ':'));
    tab |= static_cast<uint8_t>(c == '\t');
  }
  return {line_end != 0, control != 0, folded != 0, blank_colon != 0, nameless != 0, tab != 0};
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

void level_trailing_blanks(std::span<char> head) {
  for (size_t i = 0; i < head.size(); ++i) {
    if (head[i] != '\r') continue;
    for (size_t j = i; j > 0 && is_blank(head[j - 1]); --j) head[j - 1] = ' ';
  }
}

namespace {

// "HTTP/1.0" or "HTTP/1.1"; another well-formed version is bad_version, anything else `malformed`.
Result<uint8_t, Violation> parse_version(std::string_view text) {
  const bool formed = text.size() == 8 && text.starts_with("HTTP/") && is_digit(text[5]) &&
                      text[6] == '.' && is_digit(text[7]);
  if (!formed) return Unexpected<Violation>(Violation::bad_start_line);
  if (text[5] != '1' || text[7] > '1') return Unexpected<Violation>(Violation::bad_version);
  return static_cast<uint8_t>(text[7] - '0');
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
  if (parts.target.empty() || parts.target.find_first_of(" \t") != std::string_view::npos ||
      !is_token(parts.method)) {
    return Unexpected<Violation>(Violation::bad_start_line);
  }
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
  const auto status = parse_decimal(line.substr(9, 3), 599);
  if (!status.has_value() || *status < 100) return Unexpected<Violation>(Violation::bad_start_line);
  StatusLine parts;
  parts.version_minor = *version;
  parts.status = static_cast<int>(*status);
  parts.reason = line.size() > 13 ? line.substr(13) : std::string_view();
  return parts;
}

namespace {

// reg-name (RFC 3986 3.2.2): unreserved, percent-encoded, sub-delims but for the comma, which would
// make a list of it.
bool is_registered_name(std::string_view name) {
  const auto is_hex = [](char c) {
    return is_digit(c) || (to_lower(c) >= 'a' && to_lower(c) <= 'f');
  };
  for (size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    if (c == '%') {
      if (i + 2 >= name.size() || !is_hex(name[i + 1]) || !is_hex(name[i + 2])) return false;
      continue;
    }
    const bool allowed = is_digit(c) || (to_lower(c) >= 'a' && to_lower(c) <= 'z') ||
                         std::string_view("-._~!$&'()*+;=").find(c) != std::string_view::npos;
    if (!allowed) return false;
  }
  return true;
}

}  // namespace

bool is_authority(std::string_view text) {
  std::string_view host = text;
  if (text.starts_with('[')) {
    const size_t end = text.find(']');
    if (end == std::string_view::npos || end < 3) return false;
    host = text.substr(1, end - 1);
    for (char c : host) {
      const bool allowed =
          is_digit(c) || (to_lower(c) >= 'a' && to_lower(c) <= 'f') || c == ':' || c == '.';
      if (!allowed) return false;
    }
    text.remove_prefix(end + 1);
  } else {
    const size_t colon = text.find(':');
    host = text.substr(0, colon);
    text.remove_prefix(host.size());
    if (!is_registered_name(host)) return false;
  }
  if (host.empty()) return false;
  if (text.empty()) return true;
  return text.front() == ':' &&
         (text.size() == 1 || parse_decimal(text.substr(1), 65535).has_value());
}

namespace {}  // namespace

bool has_forbidden_character(std::string_view target) {
  uint8_t bad = 0;
  for (const char character : target) {
    const auto c = static_cast<uint8_t>(character);
    bad |= static_cast<uint8_t>((c <= 0x20) | (c >= 0x7f) | (c == '#') | (c == '\\'));
  }
  return bad != 0;
}

Result<Target, Violation> check_target(std::string_view target, Method method, const Fields& fields,
                                       uint8_t version_minor) {
  if (has_forbidden_character(target)) return Unexpected<Violation>(Violation::bad_target);
  const size_t hosts = fields.count(FieldId::host);
  if (hosts > 1 || (hosts == 0 && version_minor >= 1))
    return Unexpected<Violation>(Violation::bad_host);
  Target result;
  if (hosts == 1) {
    result.authority = fields.find(FieldId::host)->value;
    if (!is_authority(result.authority)) return Unexpected<Violation>(Violation::bad_host);
  }
  if (target.front() == '/' || (target == "*" && method == Method::options)) {
    result.path = target;
    return result;
  }
  const size_t scheme_end = target.find("://");
  if (scheme_end == std::string_view::npos) return Unexpected<Violation>(Violation::bad_target);
  const std::string_view scheme = target.substr(0, scheme_end);
  if (!equals_ignoring_case(scheme, "http") && !equals_ignoring_case(scheme, "https")) {
    return Unexpected<Violation>(Violation::bad_target);
  }
  // absolute-form: its authority counts, whatever Host says (RFC 9112 3.2.2).
  const std::string_view rest = target.substr(scheme.size() + 3);
  const size_t end = rest.find_first_of("/?");
  result.authority = rest.substr(0, end);
  if (!is_authority(result.authority)) return Unexpected<Violation>(Violation::bad_target);
  result.path =
      end == std::string_view::npos ? (method == Method::options ? "*" : "/") : rest.substr(end);
  return result;
}

Result<BodyLength, Violation> check_framing(const Fields& fields) {
  const Field* encoding = nullptr;
  const Field* length = nullptr;
  for (const Field& field : fields) {
    if (field.id == FieldId::transfer_encoding) {
      if (encoding != nullptr) return Unexpected<Violation>(Violation::bad_transfer_encoding);
      encoding = &field;
    } else if (field.id == FieldId::content_length) {
      if (length != nullptr) return Unexpected<Violation>(Violation::bad_content_length);
      length = &field;
    }
  }
  if (encoding != nullptr && length != nullptr)
    return Unexpected<Violation>(Violation::length_and_encoding);
  if (encoding != nullptr) {
    if (!equals_ignoring_case(encoding->value, "chunked"))
      return Unexpected<Violation>(Violation::bad_transfer_encoding);
    return BodyLength::unknown();
  }
  if (length == nullptr) return BodyLength::none();
  const auto bytes = parse_decimal(length->value);
  if (!bytes.has_value()) return Unexpected<Violation>(Violation::bad_content_length);
  return BodyLength::of(*bytes);
}

bool connection_lists(const Fields& fields, std::string_view option) {
  for (const Field& field : fields) {
    if (field.id != FieldId::connection) continue;
    const auto same = [&](std::string_view element) {
      return equals_ignoring_case(element, option);
    };
    if (any_list_element(field.value, same)) return true;
  }
  return false;
}

}  // namespace onehop::http::h1
