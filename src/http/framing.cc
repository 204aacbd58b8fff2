// SPDX-License-Identifier: MIT
#include "framing.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "onehop/base/ascii.h"

namespace onehop::http {
namespace {

// Whether a coding of another name could pass for chunked where names are searched, not compared.
bool resembles_chunked(std::string_view name) {
  constexpr std::string_view kChunked = "chunked";
  const auto same = [](char x, char y) { return to_lower(x) == y; };
  return std::search(name.begin(), name.end(), kChunked.begin(), kChunked.end(), same) !=
         name.end();
}

// What is wrong with a Transfer-Encoding that is not just "chunked". A list of codings of which one
// is not known here is in order as a list (RFC 9112 6.1); chunked anywhere but at its end, twice,
// or with a parameter is not (RFC 9112 6.3, 7), nor are more codings than mean something.
Violation fault_of_coding(std::string_view list) {
  bool unknown = false;
  size_t codings = 0;
  for (size_t comma = 0; comma != std::string_view::npos;) {
    if (++codings > kMostListElements) return Violation::bad_transfer_encoding;
    comma = list.find(',');
    const std::string_view element = trim_blanks(list.substr(0, comma));
    const std::string_view name = trim_blanks(element.substr(0, element.find(';')));
    if (!is_token(name)) return Violation::bad_transfer_encoding;
    const bool last = comma == std::string_view::npos;
    const bool chunked = last && equals_ignoring_case(element, "chunked");
    if (!chunked && resembles_chunked(name)) return Violation::bad_transfer_encoding;
    unknown |= !chunked;
    list.remove_prefix(last ? list.size() : comma + 1);
  }
  return unknown ? Violation::unknown_transfer_coding : Violation::bad_transfer_encoding;
}

// "5", or "5, 5", which says the same; nothing where it is said more often than by mistake.
std::optional<uint64_t> repeated_number(std::string_view list) {
  size_t comma = list.find(',');
  size_t times = 1;
  const auto first = parse_decimal(trim_blanks(list.substr(0, comma)));
  while (comma != std::string_view::npos) {
    if (++times > kMostListElements) return std::nullopt;
    list.remove_prefix(comma + 1);
    comma = list.find(',');
    if (parse_decimal(trim_blanks(list.substr(0, comma))) != first) return std::nullopt;
  }
  return first;
}

// The one Transfer-Encoding of a message.
struct Coding {
  const Field* field = nullptr;
  bool repeated = false;
};

Result<BodyLength, Violation> judge(const Coding& coding) {
  if (coding.repeated) return Unexpected<Violation>(Violation::bad_transfer_encoding);
  if (!equals_ignoring_case(coding.field->value, "chunked"))
    return Unexpected<Violation>(fault_of_coding(coding.field->value));
  return BodyLength::unknown();
}

}  // namespace

Result<BodyLength, Violation> request_length(const Fields& fields) {
  Coding coding;
  const Field* length = nullptr;
  for (const Field& field : fields) {
    if (field.id == FieldId::transfer_encoding) {
      coding.repeated = coding.field != nullptr;
      coding.field = &field;
    } else if (field.id == FieldId::content_length) {
      if (length != nullptr) return Unexpected<Violation>(Violation::bad_content_length);
      length = &field;
    }
  }
  if (coding.field != nullptr && length != nullptr)
    return Unexpected<Violation>(Violation::length_and_encoding);
  if (coding.field != nullptr) return judge(coding);
  if (length == nullptr) return BodyLength::none();
  const auto bytes = parse_decimal(length->value);
  if (!bytes.has_value()) return Unexpected<Violation>(Violation::bad_content_length);
  return BodyLength::of(*bytes);
}

Result<BodyLength, Violation> response_length(const Fields& fields, Carries carries) {
  Coding coding;
  std::optional<uint64_t> bytes;
  for (const Field& field : fields) {
    if (field.id == FieldId::transfer_encoding) {
      coding.repeated = coding.field != nullptr;
      coding.field = &field;
    } else if (field.id == FieldId::content_length) {
      const auto said = repeated_number(field.value);
      if (!said.has_value() || (bytes.has_value() && bytes != said))
        return Unexpected<Violation>(Violation::bad_content_length);
      bytes = said;
    }
  }
  if (coding.field != nullptr) {
    auto length = judge(coding);
    if (!length.has_value() || !bytes.has_value()) return length;
    if (carries == Carries::body) return Unexpected<Violation>(Violation::length_and_encoding);
  }
  return bytes.has_value() ? BodyLength::of(*bytes) : BodyLength::none();
}

}  // namespace onehop::http
