// SPDX-License-Identifier: MIT
#include "head_block.h"

#include <algorithm>
#include <charconv>

#include "onehop/base/ascii.h"

namespace onehop::http::h2 {
namespace {

bool is_framing(FieldId id) {
  return id == FieldId::connection || id == FieldId::keep_alive ||
         id == FieldId::proxy_connection || id == FieldId::transfer_encoding ||
         id == FieldId::upgrade || id == FieldId::content_length || id == FieldId::host ||
         id == FieldId::te;
}

uint8_t* bytes(std::string_view text) {
  return reinterpret_cast<uint8_t*>(const_cast<char*>(text.data()));
}

// What every request carries anew is worth no place in the table of the other side (RFC 7541 7.1.3
// says so of secrets too).
bool changes_each_time(FieldId id) {
  return id == FieldId::x_request_id || id == FieldId::authorization || id == FieldId::forwarded ||
         id == FieldId::x_forwarded_for;
}

}  // namespace

HeadBlock& head_block() {
  static thread_local HeadBlock block;
  return block;
}

void HeadBlock::start() {
  arena_.clear();
  pairs_.clear();
}

void HeadBlock::add(std::string_view name, std::string_view value) {
  pairs_.push_back({bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE});
}

void HeadBlock::add_number(std::string_view name, uint64_t value) {
  char* digits = static_cast<char*>(arena_.allocate(20, 1));
  add(name, {digits, static_cast<size_t>(std::to_chars(digits, digits + 20, value).ptr - digits)});
}

void HeadBlock::add_fields(const Fields& fields) {
  for (const Field& field : fields) {
    if (is_framing(field.id)) continue;
    char* name = static_cast<char*>(arena_.allocate(field.name.size(), 1));
    std::transform(field.name.begin(), field.name.end(), name, [](char c) { return to_lower(c); });
    add({name, field.name.size()}, field.value);
    if (field.never_indexed || changes_each_time(field.id))
      pairs_.back().flags = NGHTTP2_NV_FLAG_NO_INDEX;
  }
}

void HeadBlock::request(const RequestHead& head, std::string_view scheme) {
  start();
  add(":method", head.method_text);
  add(":scheme", scheme);
  add(":authority", head.authority);
  add(":path", head.target);
  add_fields(head.fields);
  if (head.body.kind == BodyLength::Kind::known) add_number("content-length", head.body.bytes);
  if (head.trailers_accepted) add("te", "trailers");
}

void HeadBlock::response(const ResponseHead& head) {
  start();
  // A switch of protocols is a success here, and the key it answers was never the client's.
  const bool tunnel = head.status == 101;
  add_number(":status", tunnel ? 200 : static_cast<uint64_t>(head.status));
  add_fields(head.fields);
  if (tunnel) {
    std::erase_if(pairs_, [](const nghttp2_nv& pair) {
      return std::string_view(reinterpret_cast<const char*>(pair.name), pair.namelen) ==
             "sec-websocket-accept";
    });
  }
  if (head.body.kind == BodyLength::Kind::known) add_number("content-length", head.body.bytes);
}

void HeadBlock::trailers(const Fields& fields) {
  start();
  add_fields(fields);
}

}  // namespace onehop::http::h2
