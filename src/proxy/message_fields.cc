// SPDX-License-Identifier: MIT
#include "message_fields.h"

#include <algorithm>
#include <charconv>
#include <ctime>

#include "onehop/base/ascii.h"
#include "onehop/http/date.h"

namespace onehop::proxy {
namespace {

using http::Field;
using http::FieldId;
using http::Fields;

// Fields that concern one connection only (RFC 9110 7.6.1), and those that a codec or this file
// writes anew.
bool is_hop_by_hop(FieldId id) {
  return id == FieldId::connection || id == FieldId::keep_alive ||
         id == FieldId::proxy_connection || id == FieldId::te || id == FieldId::transfer_encoding ||
         id == FieldId::content_length || id == FieldId::upgrade ||
         id == FieldId::proxy_authenticate || id == FieldId::proxy_authorization;
}

// What a peer can have removed by naming it in Connection: anything that this proxy knows nothing
// about. Were known fields included, a client could delete what this proxy adds (edge case 36).
class Nominated {
 public:
  explicit Nominated(const Fields& fields) {
    for (const Field& field : fields) {
      if (field.id != FieldId::connection) continue;
      any_list_element(field.value, [&](std::string_view option) {
        any_ |=
            !equals_ignoring_case(option, "close") && !equals_ignoring_case(option, "keep-alive");
        return any_;
      });
    }
    if (any_) fields_ = &fields;
  }

  bool contains(const Field& field) const {
    if (!any_ || field.id != FieldId::other) return false;
    for (const Field& connection : *fields_) {
      if (connection.id != FieldId::connection) continue;
      const auto same = [&](std::string_view option) {
        return equals_ignoring_case(option, field.name);
      };
      if (any_list_element(connection.value, same)) return true;
    }
    return false;
  }

 private:
  bool any_ = false;
  const Fields* fields_ = nullptr;
};

bool is_forwarding_field(FieldId id) {
  return id == FieldId::x_forwarded_for || id == FieldId::x_forwarded_host ||
         id == FieldId::x_forwarded_proto || id == FieldId::x_forwarded_prefix ||
         id == FieldId::forwarded;
}

// Puts pieces of text together in an arena.
class Text {
 public:
  Text(Arena& arena, size_t capacity) : at_(static_cast<char*>(arena.allocate(capacity, 1))) {}
  Text& operator<<(std::string_view piece) {
    std::copy(piece.begin(), piece.end(), at_ + size_);
    size_ += piece.size();
    return *this;
  }
  std::string_view view() const { return {at_, size_}; }

 private:
  char* at_;
  size_t size_ = 0;
};

// All values of a list field as one, followed by `last`.
std::string_view joined(const Fields& fields, FieldId id, std::string_view last, Arena& arena) {
  size_t size = last.size();
  for (const Field& field : fields) {
    if (field.id == id) size += field.value.size() + 2;
  }
  Text text(arena, size);
  for (const Field& field : fields) {
    if (field.id == id && !field.value.empty()) text << field.value << ", ";
  }
  return (text << last).view();
}

// for=192.0.2.7;host="example.org:80";proto=http (RFC 7239). A colon or bracket needs quotes.
std::string_view forwarded_element(const http::Client& client, std::string_view authority,
                                   Arena& arena) {
  Text text(arena, client.ip_text().size() + authority.size() + 48);
  if (client.address.is_v6()) {
    text << "for=\"[" << client.ip_text() << "]\"";
  } else {
    text << "for=" << client.ip_text();
  }
  if (!authority.empty()) text << ";host=\"" << authority << "\"";
  return (text << (client.secure ? ";proto=https" : ";proto=http")).view();
}

// Who the client is, for the endpoint. A client that is not trusted cannot say anything about it
// (edge case 37).
void add_forwarding(Fields& out, const http::RequestHead& head, std::string_view authority,
                    const http::Client& client, Arena& arena) {
  const std::string_view ip = arena.copy(client.ip_text());
  const std::string_view element = forwarded_element(client, authority, arena);
  const Field* host = client.trusted ? head.fields.find(FieldId::x_forwarded_host) : nullptr;
  const Field* proto = client.trusted ? head.fields.find(FieldId::x_forwarded_proto) : nullptr;
  const Field* prefix = client.trusted ? head.fields.find(FieldId::x_forwarded_prefix) : nullptr;
  const bool join = client.trusted;
  out.add("X-Forwarded-For", join ? joined(head.fields, FieldId::x_forwarded_for, ip, arena) : ip,
          FieldId::x_forwarded_for);
  out.add("X-Forwarded-Proto",
          proto != nullptr ? arena.copy(proto->value)
          : client.secure  ? "https"
                           : "http",
          FieldId::x_forwarded_proto);
  if (host != nullptr || !authority.empty()) {
    out.add("X-Forwarded-Host", host != nullptr ? arena.copy(host->value) : authority,
            FieldId::x_forwarded_host);
  }
  if (prefix != nullptr)
    out.add("X-Forwarded-Prefix", arena.copy(prefix->value), FieldId::x_forwarded_prefix);
  out.add("Forwarded", join ? joined(head.fields, FieldId::forwarded, element, arena) : element,
          FieldId::forwarded);
}

// A name as others may read it: letter case and underscores make no difference to many.
bool same_name(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    return to_lower(x == '_' ? '-' : x) == to_lower(y == '_' ? '-' : y);
  });
}

bool is_reserved(std::string_view field, std::span<const std::string> reserved) {
  return std::any_of(reserved.begin(), reserved.end(),
                     [&](const std::string& name) { return same_name(name, field); });
}

// What the handshake has verified of the client.
void add_certificate(Fields& out, const http::Client& client, Arena& arena) {
  if (client.listener == nullptr || client.certificate_fingerprint.empty()) return;
  const config::ListenerTls& tls = client.listener->tls;
  if (!tls.client_subject_field.empty())
    out.add(tls.client_subject_field, arena.copy(client.certificate_subject), FieldId::other);
  if (!tls.client_fingerprint_field.empty())
    out.add(tls.client_fingerprint_field, arena.copy(client.certificate_fingerprint),
            FieldId::other);
}

// An absolute target may have a query and no path: "/" is its path then (RFC 9112 3.2.1).
std::string_view with_path(std::string_view target, Arena& arena) {
  if (!target.starts_with('?')) return arena.copy(target);
  return (Text(arena, target.size() + 1) << "/" << target).view();
}

// RFC 9110 7.6.2: each hop takes one off. A count that is no number is passed on as it is.
std::string_view max_forwards(const http::RequestHead& head, const Field& field, Arena& arena) {
  const auto hops = parse_decimal(field.value);
  const bool counts = head.method == http::Method::options || head.method == http::Method::trace;
  if (!counts || !hops.has_value() || *hops == 0) return arena.copy(field.value);
  char digits[20];
  const char* end = std::to_chars(digits, digits + sizeof digits, *hops - 1).ptr;
  return arena.copy({digits, static_cast<size_t>(end - digits)});
}

std::string_view via(std::string_view protocol) {
  return protocol == "2.0" ? "2.0 onehop" : protocol == "1.0" ? "1.0 onehop" : "1.1 onehop";
}

}  // namespace

http::RequestHead forwarded_request(const http::RequestHead& head, const http::Client& client,
                                    std::string_view fresh_id, Arena& arena,
                                    std::span<const std::string> reserved) {
  http::RequestHead out = head;
  out.method_text = arena.copy(head.method_text);
  out.target = with_path(head.target, arena);
  out.authority = arena.copy(head.authority);
  out.upgrade = arena.copy(head.upgrade);
  out.fields = Fields(arena.array<Field>(head.fields.size() + kAddedFields));
  const Nominated nominated(head.fields);
  bool has_id = false;
  for (const Field& field : head.fields) {
    const bool mine = field.id == FieldId::host || field.id == FieldId::alias ||
                      is_forwarding_field(field.id) ||
                      (field.id == FieldId::expect && head.version_minor == 0);
    if (mine || is_hop_by_hop(field.id) || nominated.contains(field)) continue;
    if (is_reserved(field.name, reserved)) continue;
    if (field.id == FieldId::x_request_id) {
      if (has_id || field.value.empty()) continue;  // one, and one that says something
      has_id = true;
    }
    const bool hops = field.id == FieldId::max_forwards;
    out.fields.add({arena.copy(field.name),
                    hops ? max_forwards(head, field, arena) : arena.copy(field.value), field.id,
                    field.never_indexed});
  }
  add_forwarding(out.fields, head, out.authority, client, arena);
  add_certificate(out.fields, client, arena);
  out.fields.add("Via", via(head.protocol), FieldId::via);
  if (!has_id) out.fields.add("X-Request-Id", arena.copy(fresh_id), FieldId::x_request_id);
  return out;
}

http::ResponseHead forwarded_response(const http::ResponseHead& head, bool trailers_accepted,
                                      std::span<Field> room, std::string_view hsts) {
  http::ResponseHead out = head;
  out.fields = Fields(room);
  const Nominated nominated(head.fields);
  bool has_date = false;
  bool has_hsts = hsts.empty();
  for (const Field& field : head.fields) {
    if (is_hop_by_hop(field.id) || (field.id == FieldId::trailer && !trailers_accepted) ||
        nominated.contains(field))
      continue;
    has_date |= field.id == FieldId::date;
    has_hsts |= field.id == FieldId::strict_transport_security;
    out.fields.add(field);
  }
  if (http::is_interim(head.status)) return out;
  // RFC 9110 6.6.1: a recipient with a clock adds the Date that the origin left out.
  if (!has_date) out.fields.add("Date", http::date_text(std::time(nullptr)), FieldId::date);
  out.fields.add("Via", via(head.protocol), FieldId::via);
  if (!has_hsts)
    out.fields.add("Strict-Transport-Security", hsts, FieldId::strict_transport_security);
  return out;
}

std::string_view strict_transport_security(const http::Client& client, Arena& arena) {
  if (!client.secure || client.listener == nullptr) return {};
  const config::Listener& listener = *client.listener;
  if (listener.hsts_max_age.count() == 0) return {};
  char digits[20];
  const char* end =
      std::to_chars(digits, digits + sizeof digits, listener.hsts_max_age.count() / 1000).ptr;
  Text text(arena, 64);
  text << "max-age=" << std::string_view(digits, static_cast<size_t>(end - digits));
  if (listener.hsts_subdomains) text << "; includeSubDomains";
  return text.view();
}

std::string_view https_location(const http::RequestHead& head, const http::Client& client,
                                Arena& arena) {
  if (client.secure || client.listener == nullptr || head.authority.empty()) return {};
  const uint32_t port = client.listener->redirect_to_https;
  if (port == 0) return {};
  const std::string_view authority = head.authority;
  const size_t bracket = authority.rfind(']');
  const size_t colon = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
  char digits[20];
  const char* end = std::to_chars(digits, digits + sizeof digits, port).ptr;
  Text text(arena, authority.size() + head.target.size() + 32);
  text << "https://" << authority.substr(0, colon);
  if (port != 443) text << ":" << std::string_view(digits, static_cast<size_t>(end - digits));
  if (head.target != "*") text << with_path(head.target, arena);
  return text.view();
}

http::Fields forwarded_trailers(const Fields& trailers, std::span<Field> room,
                                std::span<const std::string> reserved) {
  Fields out(room);
  for (const Field& field : trailers) {
    const bool content =
        field.name.size() >= 8 && equals_ignoring_case(field.name.substr(0, 8), "content-");
    if (field.id == FieldId::other && !content && !is_reserved(field.name, reserved))
      out.add(field);
  }
  return out;
}

}  // namespace onehop::proxy
