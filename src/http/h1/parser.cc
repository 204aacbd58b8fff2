// SPDX-License-Identifier: MIT
#include "parser.h"

#include <llhttp.h>

#include <array>

#include "onehop/base/ascii.h"
#include "strict.h"

namespace onehop::http::h1 {
namespace {

// What llhttp's callbacks fill in.
struct Collected {
  Fields fields;
  bool too_many = false;
};

int on_field(llhttp_t* parser, const char* at, size_t size) noexcept {
  auto& collected = *static_cast<Collected*>(parser->data);
  if (collected.fields.full()) {
    collected.too_many = true;
    return -1;
  }
  collected.fields.add({at, size}, {});
  return 0;
}

int on_value(llhttp_t* parser, const char* at, size_t size) noexcept {
  auto& collected = *static_cast<Collected*>(parser->data);
  collected.fields.last().value = trim_blanks({at, size});
  return 0;
}

int on_headers_complete(llhttp_t*) noexcept {
  return HPE_PAUSED;
}

const llhttp_settings_t kSettings = [] {
  llhttp_settings_t settings;
  llhttp_settings_init(&settings);
  settings.on_header_field = on_field;
  settings.on_header_value = on_value;
  settings.on_headers_complete = on_headers_complete;
  return settings;
}();

Violation violation_of(llhttp_errno_t error, const Fields& fields) {
  if (error == HPE_INVALID_METHOD) return Violation::bad_method;
  if (error == HPE_INVALID_URL) return Violation::bad_target;
  if (error == HPE_INVALID_VERSION) return Violation::bad_version;
  if (error == HPE_INVALID_CONTENT_LENGTH) return Violation::bad_content_length;
  if (error == HPE_UNEXPECTED_CONTENT_LENGTH) {
    // Said of a second Content-Length too.
    const bool twice = fields.count(FieldId::transfer_encoding) == 0;
    return twice ? Violation::bad_content_length : Violation::length_and_encoding;
  }
  if (error == HPE_INVALID_TRANSFER_ENCODING) return Violation::bad_transfer_encoding;
  if (error == HPE_INVALID_CONSTANT || error == HPE_INVALID_STATUS)
    return Violation::bad_start_line;
  return Violation::bad_field;
}

Result<Fields, Violation> collect_fields(llhttp_type_t type, std::string_view text,
                                         size_t max_fields) {
  Collected collected{Fields(field_room().first(max_fields)), false};
  llhttp_t parser;
  llhttp_init(&parser, type, &kSettings);
  parser.data = &collected;
  const llhttp_errno_t error = llhttp_execute(&parser, text.data(), text.size());
  if (collected.too_many) return Unexpected<Violation>(Violation::too_many_fields);
  if (error != HPE_PAUSED) return Unexpected<Violation>(violation_of(error, collected.fields));
  // llhttp stops at the first empty line; the head must end there.
  if (llhttp_get_error_pos(&parser) + 1 < text.data() + text.size())
    return Unexpected<Violation>(Violation::bad_field);
  return collected.fields;
}

// The first protocol of Upgrade that is not h2c: that one is never passed on, as it would hide
// requests from this proxy.
std::string_view upgrade_of(const Fields& fields) {
  const Field* upgrade = fields.find(FieldId::upgrade);
  if (upgrade == nullptr || !connection_lists(fields, "upgrade")) return {};
  std::string_view chosen;
  any_list_element(upgrade->value, [&](std::string_view protocol) {
    if (equals_ignoring_case(protocol, "h2c")) return false;
    chosen = protocol;
    return true;
  });
  return chosen;
}

bool is_persistent(const Fields& fields, uint8_t version_minor) {
  if (connection_lists(fields, "close")) return false;
  return version_minor >= 1 || connection_lists(fields, "keep-alive");
}

bool accepts_trailers(const Fields& fields) {
  const Field* te = fields.find(FieldId::te);
  return te != nullptr && any_list_element(te->value, [](std::string_view e) {
           return equals_ignoring_case(e, "trailers");
         });
}

int64_t parse_keep_alive(const Fields& fields) {
  int64_t seconds = -1;
  if (const Field* field = fields.find(FieldId::keep_alive)) {
    any_list_element(field->value, [&](std::string_view element) {
      if (!element.starts_with("timeout=")) return false;
      if (const auto number = parse_decimal(element.substr(8), INT32_MAX))
        seconds = static_cast<int64_t>(*number);
      return true;
    });
  }
  return seconds;
}

// NTLM and Negotiate authenticate the connection: another client's request must never travel on it
// (edge case 15).
bool binds_authentication(const Fields& fields) {
  for (const Field& field : fields) {
    if (field.id != FieldId::www_authenticate) continue;
    const std::string_view scheme = field.value.substr(0, field.value.find(' '));
    if (equals_ignoring_case(scheme, "ntlm") || equals_ignoring_case(scheme, "negotiate"))
      return true;
  }
  return false;
}

}  // namespace

std::span<Field> field_room() {
  static thread_local std::array<Field, kMaxFields> room;
  return room;
}

Result<ParsedRequest, Violation> parse_request(std::span<char> text, size_t max_fields) {
  const std::string_view view(text.data(), text.size());
  const HeadBytes bytes = look_at(view);
  if (bytes.bare_line_end) return Unexpected<Violation>(Violation::bad_line_end);
  if (bytes.control || bytes.folded || bytes.nameless)
    return Unexpected<Violation>(Violation::bad_field);
  if (bytes.tab) level_trailing_blanks(text);
  const auto line = split_request_line(view.substr(0, view.find('\r')));
  if (!line.has_value()) return Unexpected<Violation>(line.error());
  const Method method = method_of(line->method);
  if (method == Method::connect) return Unexpected<Violation>(Violation::bad_method);
  const auto fields = collect_fields(HTTP_REQUEST, view, max_fields);
  if (!fields.has_value()) return Unexpected<Violation>(fields.error());
  const auto framing = check_framing(*fields);
  if (!framing.has_value()) return Unexpected<Violation>(framing.error());
  // RFC 9112 6.1: Transfer-Encoding in an HTTP/1.0 message means that its framing is faulty.
  if (framing->kind == BodyLength::Kind::unknown && line->version_minor == 0) {
    return Unexpected<Violation>(Violation::bad_transfer_encoding);
  }
  const auto target = check_target(line->target, method, *fields, line->version_minor);
  if (!target.has_value()) return Unexpected<Violation>(target.error());

  ParsedRequest parsed;
  parsed.head.method = method;
  parsed.head.method_text = line->method;
  parsed.head.target = target->path;
  parsed.head.authority = target->authority;
  parsed.head.version_minor = line->version_minor;
  if (line->version_minor == 0) parsed.head.protocol = "1.0";
  parsed.head.body = *framing;
  parsed.head.fields = *fields;
  parsed.persistent = is_persistent(*fields, line->version_minor);
  if (line->version_minor >= 1) {
    parsed.head.upgrade = upgrade_of(*fields);
    parsed.head.trailers_accepted = accepts_trailers(*fields);
  }
  const bool has_body = framing->kind == BodyLength::Kind::unknown || framing->bytes > 0;
  if (!parsed.head.upgrade.empty() && has_body)
    return Unexpected<Violation>(Violation::upgrade_with_body);
  return parsed;
}

Result<ParsedResponse, Violation> parse_response(std::span<char> text, size_t max_fields,
                                                 Method request, std::string_view upgrade) {
  std::string_view view(text.data(), text.size());
  const HeadBytes bytes = look_at(view);
  if (bytes.bare_line_end) return Unexpected<Violation>(Violation::bad_line_end);
  if (bytes.control || bytes.nameless) return Unexpected<Violation>(Violation::bad_field);
  if (bytes.folded) {
    const size_t first_line_end = view.find('\n');
    if (is_blank(view[first_line_end + 1]))
      return Unexpected<Violation>(Violation::bad_field);  // nothing to fold onto
    text = unfold(text);
    view = std::string_view(text.data(), text.size());
  }
  if (bytes.tab) level_trailing_blanks(text);
  if (bytes.blank_before_colon) move_blanks_behind_colon(text);
  const auto line = split_status_line(view.substr(0, view.find('\r')));
  if (!line.has_value()) return Unexpected<Violation>(line.error());
  const auto fields = collect_fields(HTTP_RESPONSE, view, max_fields);
  if (!fields.has_value()) return Unexpected<Violation>(fields.error());
  const auto framing = check_framing(*fields);
  if (!framing.has_value()) return Unexpected<Violation>(framing.error());

  ParsedResponse parsed;
  parsed.head.status = line->status;
  parsed.head.reason = line->reason;
  parsed.head.version_minor = line->version_minor;
  if (line->version_minor == 0) parsed.head.protocol = "1.0";
  parsed.head.fields = *fields;
  parsed.head.body = *framing;
  parsed.keep_alive_seconds = parse_keep_alive(*fields);
  parsed.persistent = is_persistent(*fields, line->version_minor) &&
                      !binds_authentication(*fields) &&
                      !(framing->kind == BodyLength::Kind::unknown && line->version_minor == 0);
  if (line->status == 101) {
    // RFC 9110 7.8: only what was asked for can be switched to.
    parsed.head.upgrade = upgrade_of(*fields);
    const bool matches = !upgrade.empty() && equals_ignoring_case(parsed.head.upgrade, upgrade);
    if (!matches) return Unexpected<Violation>(Violation::bad_start_line);
  }
  const bool bodiless =
      line->status < 200 || line->status == 204 || line->status == 304 || request == Method::head;
  if (line->status < 200 || line->status == 204) parsed.head.body = BodyLength::none();
  if (bodiless && parsed.head.body.kind == BodyLength::Kind::unknown)
    parsed.head.body = BodyLength::none();
  if (!bodiless && framing->kind == BodyLength::Kind::none) {
    // Neither length nor coding: the body ends with the connection (RFC 9112 6.3).
    parsed.head.body = BodyLength::unknown();
    parsed.persistent = false;
  }
  parsed.has_body = !bodiless && !(parsed.head.body.kind == BodyLength::Kind::known &&
                                   parsed.head.body.bytes == 0);
  return parsed;
}

Result<Fields, Violation> parse_trailers(std::string_view text, size_t max_fields) {
  const HeadBytes bytes = look_at(text);
  if (bytes.bare_line_end || bytes.control || bytes.folded)
    return Unexpected<Violation>(Violation::bad_trailer);
  Fields fields(field_room().first(max_fields));
  while (!text.empty()) {
    const size_t end = text.find('\r');
    const std::string_view line = text.substr(0, end);
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos || !is_token(line.substr(0, colon)))
      return Unexpected<Violation>(Violation::bad_trailer);
    if (fields.full()) return Unexpected<Violation>(Violation::too_many_fields);
    fields.add(line.substr(0, colon), trim_blanks(line.substr(colon + 1)));
    text.remove_prefix(end + 2);
  }
  return fields;
}

}  // namespace onehop::http::h1
