// SPDX-License-Identifier: MIT
// Fields: the header or trailer fields of one message, in order, names as they came. The names that
// a proxy cares about are classified once, when a field is added; everything later compares a
// number.
//
// Views only: whoever fills a Fields says how long the text lives. copy_to() makes a copy that
// lives in an arena.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "onehop/base/arena.h"
#include "onehop/base/assert.h"

namespace onehop::http {

// clang-format off
#define ONEHOP_KNOWN_FIELDS(X) \
  X(allow, "allow") \
  X(authorization, "authorization") \
  X(cache_control, "cache-control") \
  X(connection, "connection") \
  X(content_length, "content-length") \
  X(content_type, "content-type") \
  X(cookie, "cookie") \
  X(date, "date") \
  X(expect, "expect") \
  X(forwarded, "forwarded") \
  X(front_end_https, "front-end-https") \
  X(host, "host") \
  X(keep_alive, "keep-alive") \
  X(max_forwards, "max-forwards") \
  X(proxy_authenticate, "proxy-authenticate") \
  X(proxy_authorization, "proxy-authorization") \
  X(proxy_connection, "proxy-connection") \
  X(proxy_status, "proxy-status") \
  X(server, "server") \
  X(set_cookie, "set-cookie") \
  X(strict_transport_security, "strict-transport-security") \
  X(te, "te") \
  X(trailer, "trailer") \
  X(transfer_encoding, "transfer-encoding") \
  X(upgrade, "upgrade") \
  X(via, "via") \
  X(www_authenticate, "www-authenticate") \
  X(x_forwarded_for, "x-forwarded-for") \
  X(x_forwarded_host, "x-forwarded-host") \
  X(x_forwarded_port, "x-forwarded-port") \
  X(x_forwarded_prefix, "x-forwarded-prefix") \
  X(x_forwarded_proto, "x-forwarded-proto") \
  X(x_forwarded_protocol, "x-forwarded-protocol") \
  X(x_forwarded_scheme, "x-forwarded-scheme") \
  X(x_forwarded_ssl, "x-forwarded-ssl") \
  X(x_real_ip, "x-real-ip") \
  X(x_request_id, "x-request-id")
// clang-format on

enum class FieldId : uint8_t {
  other,
  alias,  // a known name but for what differs in no CGI-like variable; never forwarded, see edge
          // case 40
  // One that an application may take for who its client is, in any spelling: identity_fields.h and
  // all that begins with X-Forwarded.
  identity,
  nominated,  // named by Connection, so it concerns this connection alone: connection_options.h
#define X(id, name) id,
  ONEHOP_KNOWN_FIELDS(X)
#undef X
};

FieldId classify(std::string_view name) noexcept;

struct Field {
  std::string_view name;
  std::string_view value;
  FieldId id = FieldId::other;
  // A secret that no table of HPACK may hold, on any hop that has one (RFC 7541 7.1.3).
  bool never_indexed = false;
};

class Fields {
 public:
  Fields() = default;
  // Uses `room` for the fields; add() beyond it is a programming error, so the reader checks its
  // limit first.
  explicit Fields(std::span<Field> room) : room_(room) {}

  bool full() const noexcept { return count_ == room_.size(); }
  void add(std::string_view name, std::string_view value) noexcept;
  void add(std::string_view name, std::string_view value, FieldId id) noexcept {
    add({name, value, id});
  }
  void add(const Field& field) noexcept {
    ONEHOP_ASSERT(!full());
    room_[count_++] = field;
  }
  Field& last() noexcept { return room_[count_ - 1]; }
  std::span<Field> all() noexcept { return room_.first(count_); }

  size_t size() const noexcept { return count_; }
  const Field* begin() const noexcept { return room_.data(); }
  const Field* end() const noexcept { return room_.data() + count_; }

  // The first field of that kind, or null; `count` tells how many there are.
  const Field* find(FieldId id) const noexcept;
  size_t count(FieldId id) const noexcept;

  // For names that are not in the table; compares text.
  const Field* find(std::string_view name) const noexcept;

  // A copy whose texts and array live in `arena`, with room for `extra` more fields.
  Fields copy_to(Arena& arena, size_t extra = 0) const;

 private:
  std::span<Field> room_;
  size_t count_ = 0;
};

}  // namespace onehop::http
