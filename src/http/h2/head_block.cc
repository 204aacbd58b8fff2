// SPDX-License-Identifier: MIT
#include "head_block.h"

#include <charconv>

#include "field_names.h"
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

nghttp2_nv pair_of(std::string_view name, std::string_view value, int flags) {
  return {bytes(name), bytes(value), name.size(), value.size(), static_cast<uint8_t>(flags)};
}

}  // namespace

HeadBlock& head_block() {
  static thread_local HeadBlock block;
  return block;
}

void HeadBlock::add(std::string_view constant_name, std::string_view value) {
  pairs_.push_back(pair_of(constant_name, value, NGHTTP2_NV_FLAG_NO_COPY_NAME));
}

void HeadBlock::add_number(std::string_view constant_name, uint64_t value, Number& room) {
  const char* const end = std::to_chars(room.data(), room.data() + room.size(), value).ptr;
  add(constant_name, {room.data(), static_cast<size_t>(end - room.data())});
}

void HeadBlock::add_fields(const Fields& fields) {
  for (const Field& field : fields) {
    if (is_framing(field.id)) continue;
    const FieldName name = field_name_of(field);
    int flags = name.text.empty() ? NGHTTP2_NV_FLAG_NONE : NGHTTP2_NV_FLAG_NO_COPY_NAME;
    if (field.never_indexed || name.worth == Worth::once) flags |= NGHTTP2_NV_FLAG_NO_INDEX;
    pairs_.push_back(pair_of(name.text.empty() ? field.name : name.text, field.value, flags));
  }
}

void HeadBlock::request(const RequestHead& head, std::string_view scheme) {
  pairs_.clear();
  add(":method", head.method_text);
  add(":scheme", scheme);
  add(":authority", head.authority);
  add(":path", head.target);
  add_fields(head.fields);
  if (head.body.kind == BodyLength::Kind::known)
    add_number("content-length", head.body.bytes, length_);
  if (head.trailers_accepted) add("te", "trailers");
}

void HeadBlock::response(const ResponseHead& head) {
  pairs_.clear();
  // A switch of protocols is a success here, and the key it answers was never the client's.
  const bool tunnel = head.status == 101;
  add_number(":status", tunnel ? 200 : static_cast<uint64_t>(head.status), status_);
  add_fields(head.fields);
  if (tunnel) {
    std::erase_if(pairs_, [](const nghttp2_nv& pair) {
      const std::string_view name(reinterpret_cast<const char*>(pair.name), pair.namelen);
      return equals_ignoring_case(name, "sec-websocket-accept");
    });
  }
  if (head.body.kind == BodyLength::Kind::known)
    add_number("content-length", head.body.bytes, length_);
}

void HeadBlock::trailers(const Fields& fields) {
  pairs_.clear();
  add_fields(fields);
}

}  // namespace onehop::http::h2
