// SPDX-License-Identifier: MIT
#include "parser.h"

#include <llhttp.h>

#include <array>

#include "../framing.h"
#include "../target.h"
#include "onehop/base/ascii.h"
#include "onehop/base/assert.h"
#include "onehop/http/connection_options.h"
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
  // Whatever the name, its value is any other's to llhttp: what Content-Length, Transfer-Encoding
  // and Connection mean is judged here, once, and for both protocols (framing.h, target.h).
  parser->header_state = 0;
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

// llhttp behind a request line, before the first field line. Each head begins with a copy of it:
// start lines are split in strict.h, so llhttp sees none, neither methods nor targets nor statuses.
const llhttp_t kBeforeFields = [] {
  constexpr std::string_view kLine = "GET / HTTP/1.1\r\n";
  llhttp_t parser;
  llhttp_init(&parser, HTTP_REQUEST, &kSettings);
  ONEHOP_ASSERT(llhttp_execute(&parser, kLine.data(), kLine.size()) == HPE_OK);
  return parser;
}();

// `lines` are all of a head but its start line, with the empty line at their end.
Result<Fields, Violation> collect_fields(std::string_view lines, size_t max_fields) {
  Collected collected{Fields(field_room().first(max_fields)), false};
  llhttp_t parser = kBeforeFields;
  parser.data = &collected;
  const llhttp_errno_t error = llhttp_execute(&parser, lines.data(), lines.size());
  if (collected.too_many) return Unexpected<Violation>(Violation::too_many_fields);
  if (error != HPE_PAUSED) return Unexpected<Violation>(Violation::bad_field);
  // llhttp stops at the first empty line; the head must end there.
  if (llhttp_get_error_pos(&parser) + 1 < lines.data() + lines.size())
    return Unexpected<Violation>(Violation::bad_field);
  return collected.fields;
}

// As any_list_element(), of all lines of a field: they are one list (RFC 9110 5.3).
template <class Visit>
bool any_element_of(const Fields& fields, FieldId id, Visit visit) {
  for (const Field& field : fields) {
    if (field.id == id && any_list_element(field.value, visit)) return true;
  }
  return false;
}

// The first protocol of Upgrade that is not h2c: that one is never passed on, as it would hide
// requests from this proxy.
std::string_view upgrade_of(const Fields& fields, const ConnectionOptions& options) {
  std::string_view chosen;
  if (!options.upgrade()) return chosen;
  any_element_of(fields, FieldId::upgrade, [&](std::string_view protocol) {
    if (equals_ignoring_case(protocol, "h2c")) return false;
    chosen = protocol;
    return true;
  });
  return chosen;
}

bool is_persistent(const ConnectionOptions& options, uint8_t version_minor) {
  return !options.close() && (version_minor >= 1 || options.keep_alive());
}

bool accepts_trailers(const Fields& fields) {
  return any_element_of(fields, FieldId::te, [](std::string_view element) {
    return equals_ignoring_case(element, "trailers");
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

}  // namespace

std::span<Field> field_room() {
  static thread_local std::array<Field, kMaxFields> room;
  return room;
}

Result<ParsedRequest, Violation> parse_request(std::span<char> text, size_t max_fields,
                                               config::Targets targets) {
  const std::string_view view(text.data(), text.size());
  const HeadBytes bytes = look_at(view);
  if (bytes.bare_line_end) return Unexpected<Violation>(Violation::bad_line_end);
  if (bytes.control || bytes.folded || bytes.nameless)
    return Unexpected<Violation>(Violation::bad_field);
  const size_t line_end = view.find('\r');
  const auto line = split_request_line(view.substr(0, line_end));
  if (!line.has_value()) return Unexpected<Violation>(line.error());
  const Method method = method_of(line->method);
  if (method == Method::connect) return Unexpected<Violation>(Violation::bad_method);
  auto fields = collect_fields(view.substr(line_end + 2), max_fields);
  if (!fields.has_value()) return Unexpected<Violation>(fields.error());
  const auto options = ConnectionOptions::read(*fields);
  if (!options.has_value()) return Unexpected<Violation>(options.error());
  options->mark(*fields);
  // RFC 9112 6.1: Transfer-Encoding in an HTTP/1.0 message means that its framing is faulty.
  if (line->version_minor == 0 && fields->find(FieldId::transfer_encoding) != nullptr)
    return Unexpected<Violation>(Violation::bad_transfer_encoding);
  const auto framing = request_length(*fields);
  if (!framing.has_value()) return Unexpected<Violation>(framing.error());
  const auto target = check_target(line->target, method, *fields, line->version_minor, targets);
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
  parsed.persistent = is_persistent(*options, line->version_minor);
  if (line->version_minor >= 1) {
    parsed.head.upgrade = upgrade_of(*fields, *options);
    parsed.head.trailers_accepted = accepts_trailers(*fields);
  }
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
  if (bytes.blank_before_colon) move_blanks_behind_colon(text);
  const size_t line_end = view.find('\r');
  const auto line = split_status_line(view.substr(0, line_end));
  if (!line.has_value()) return Unexpected<Violation>(line.error());
  auto fields = collect_fields(view.substr(line_end + 2), max_fields);
  if (!fields.has_value()) return Unexpected<Violation>(fields.error());
  const auto options = ConnectionOptions::read(*fields);
  if (!options.has_value()) return Unexpected<Violation>(options.error());
  options->mark(*fields);
  const bool bodiless =
      line->status < 200 || line->status == 204 || line->status == 304 || request == Method::head;
  const auto framing = response_length(*fields, bodiless ? Carries::nothing : Carries::body);
  if (!framing.has_value()) return Unexpected<Violation>(framing.error());

  ParsedResponse parsed;
  parsed.head.status = line->status;
  parsed.head.reason = line->reason;
  parsed.head.version_minor = line->version_minor;
  if (line->version_minor == 0) parsed.head.protocol = "1.0";
  parsed.head.fields = *fields;
  parsed.head.body = *framing;
  parsed.keep_alive_seconds = parse_keep_alive(*fields);
  parsed.persistent = is_persistent(*options, line->version_minor) &&
                      !(framing->kind == BodyLength::Kind::unknown && line->version_minor == 0);
  if (line->status == 101) {
    // RFC 9110 7.8: only what was asked for can be switched to.
    parsed.head.upgrade = upgrade_of(*fields, *options);
    const bool matches = !upgrade.empty() && equals_ignoring_case(parsed.head.upgrade, upgrade);
    if (!matches) return Unexpected<Violation>(Violation::bad_switch);
  }
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

Result<Fields, Violation> parse_trailers(std::string_view text, std::span<Field> room) {
  const HeadBytes bytes = look_at(text);
  if (bytes.bare_line_end || bytes.control || bytes.folded)
    return Unexpected<Violation>(Violation::bad_trailer);
  Fields fields(room);
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
