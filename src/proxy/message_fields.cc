// SPDX-License-Identifier: MIT
#include "message_fields.h"

#include <algorithm>
#include <ctime>

#include "affinity.h"
#include "onehop/base/ascii.h"
#include "onehop/http/date.h"
#include "text.h"

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
         id == FieldId::proxy_authenticate || id == FieldId::proxy_authorization ||
         id == FieldId::nominated;
}

// What is said of a client's identity: written anew, and never taken over.
bool is_written(FieldId id) {
  return id == FieldId::x_forwarded_for || id == FieldId::x_forwarded_host ||
         id == FieldId::x_forwarded_port || id == FieldId::x_forwarded_proto ||
         id == FieldId::x_real_ip || id == FieldId::forwarded || id == FieldId::x_request_id;
}

// Whether a field that says who the client is may pass: from a peer that is trusted, and where it
// says nothing else than what is written beside it.
bool may_identify(const Field& field, const RequestParts& parts) {
  if (field.id == FieldId::identity || field.id == FieldId::x_forwarded_prefix)
    return parts.trusted;
  const bool claims =
      field.id == FieldId::x_forwarded_ssl || field.id == FieldId::x_forwarded_scheme ||
      field.id == FieldId::x_forwarded_protocol || field.id == FieldId::front_end_https;
  return !claims || (parts.trusted && claimed_scheme(field) == parts.who.scheme);
}

bool is_guarded(const Field& field, const RequestParts& parts) {
  switch (parts.guarded.of(field.name)) {
    case GuardedFields::Guard::none:
      return false;
    case GuardedFields::Guard::identity:
      return !parts.trusted;
    case GuardedFields::Guard::own:
      return true;
  }
  return true;
}

bool goes_on(const Field& field, const http::RequestHead& head, const RequestParts& parts) {
  const bool mine = field.id == FieldId::host || field.id == FieldId::alias ||
                    is_written(field.id) ||
                    (field.id == FieldId::expect && head.version_minor == 0);
  return !mine && !is_hop_by_hop(field.id) && may_identify(field, parts) &&
         !is_guarded(field, parts);
}

// What the handshake has verified of the client.
void add_certificate(Fields& out, const http::Client& client, const http::ListenerTerms* terms,
                     Arena& arena) {
  if (terms == nullptr || client.certificate_fingerprint.empty()) return;
  const config::ListenerTls& tls = terms->config.tls;
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
  return (Text(arena, 20) << *hops - 1).view();
}

// In `arena`.
std::string_view forwarded_value(const Field& field, const http::RequestHead& head,
                                 const RequestParts& parts, Arena& arena) {
  if (field.id == FieldId::max_forwards) return max_forwards(head, field, arena);
  const bool has_own = field.id == FieldId::cookie && !parts.kept_cookie.empty() &&
                       field.value.find(parts.kept_cookie) != std::string_view::npos;
  return has_own ? without_cookie(field.value, parts.kept_cookie, arena) : arena.copy(field.value);
}

std::string_view via(std::string_view protocol) {
  return protocol == "2.0" ? "2.0 onehop" : protocol == "1.0" ? "1.0 onehop" : "1.1 onehop";
}

// An id that can stand in a line of a log and in a page without being anything else there.
bool is_plain_id(std::string_view id) {
  constexpr size_t kLongest = 64;
  return !id.empty() && id.size() <= kLongest && std::ranges::all_of(id, [](char c) {
    return levelled(c) != '-' || c == '-' || c == '.' || c == '_' || c == '~';
  });
}

}  // namespace

http::RequestHead forwarded_request(const http::RequestHead& head, const RequestParts& parts,
                                    Arena& arena) {
  http::RequestHead out = head;
  out.method_text = arena.copy(head.method_text);
  out.target = with_path(head.target, arena);
  out.authority = arena.copy(head.authority);
  out.upgrade = arena.copy(head.upgrade);
  out.fields = Fields(arena.array<Field>(head.fields.size() + kAddedFields));
  for (const Field& field : head.fields) {
    if (!goes_on(field, head, parts)) continue;
    const std::string_view value = forwarded_value(field, head, parts, arena);
    if (value.empty() && !field.value.empty()) continue;  // it was a cookie of onehop alone
    out.fields.add({arena.copy(field.name), value, field.id, field.never_indexed});
  }
  const http::ForwardedForms forms =
      parts.terms != nullptr ? parts.terms->forms : http::ForwardedForms();
  add_identity(out.fields, parts.who, forms, arena);
  add_certificate(out.fields, parts.client, parts.terms, arena);
  if (parts.via == config::Via::requests || parts.via == config::Via::both)
    out.fields.add("Via", via(head.protocol), FieldId::via);
  out.fields.add("X-Request-Id", parts.request_id, FieldId::x_request_id);
  return out;
}

http::ResponseHead forwarded_response(const http::ResponseHead& head, const ResponseParts& parts,
                                      std::span<Field> room) {
  http::ResponseHead out = head;
  out.fields = Fields(room);
  bool has_date = false;
  bool has_hsts = parts.hsts.empty();
  for (const Field& field : head.fields) {
    const bool unwanted = (field.id == FieldId::trailer && !parts.trailers_accepted) ||
                          (field.id == FieldId::x_request_id && !parts.request_id.empty());
    if (unwanted || is_hop_by_hop(field.id)) continue;
    has_date |= field.id == FieldId::date;
    has_hsts |= field.id == FieldId::strict_transport_security;
    out.fields.add(field);
  }
  if (http::is_interim(head.status)) return out;
  // RFC 9110 6.6.1: a recipient with a clock adds the Date that the origin left out.
  if (!has_date) out.fields.add("Date", http::date_text(std::time(nullptr)), FieldId::date);
  if (parts.via == config::Via::responses || parts.via == config::Via::both)
    out.fields.add("Via", via(head.protocol), FieldId::via);
  if (!has_hsts)
    out.fields.add("Strict-Transport-Security", parts.hsts, FieldId::strict_transport_security);
  if (!parts.request_id.empty())
    out.fields.add("X-Request-Id", parts.request_id, FieldId::x_request_id);
  if (!parts.set_cookie.empty())
    out.fields.add("Set-Cookie", parts.set_cookie, FieldId::set_cookie);
  // Lists, so those of the endpoint go on beside them.
  if (parts.rated != nullptr && !parts.rated->policies.empty()) {
    out.fields.add("RateLimit-Policy", parts.rated->policies);
    out.fields.add("RateLimit", parts.rated->remaining);
  }
  return out;
}

std::string_view plain_request_id(const Fields& fields) {
  for (const Field& field : fields) {
    if (field.id == FieldId::x_request_id && is_plain_id(field.value)) return field.value;
  }
  return {};
}

bool goes_in_circles(const Fields& fields) {
  size_t passes = 0;
  for (const Field& field : fields) {
    if (field.id != FieldId::via) continue;
    any_list_element(field.value, [&](std::string_view element) {
      passes += element.ends_with(" onehop") ? 1 : 0;
      return passes > kMostProxies;
    });
  }
  return passes > kMostProxies;
}

std::string_view strict_transport_security(const http::Client& client,
                                           const http::ListenerTerms* terms, Arena& arena) {
  if (!client.secure || terms == nullptr) return {};
  const config::Listener& listener = terms->config;
  if (listener.hsts_max_age.count() == 0) return {};
  Text text(arena, 64);
  text << "max-age=" << static_cast<uint64_t>(listener.hsts_max_age.count() / 1000);
  if (listener.hsts_subdomains) text << "; includeSubDomains";
  return text.view();
}

std::string_view https_location(const http::RequestHead& head, const http::Client& client,
                                const http::ListenerTerms* terms, Arena& arena) {
  if (client.secure || terms == nullptr || head.authority.empty()) return {};
  const uint32_t port = terms->config.redirect_to_https;
  if (port == 0) return {};
  const std::string_view authority = head.authority;
  const size_t bracket = authority.rfind(']');
  const size_t colon = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
  Text text(arena, authority.size() + head.target.size() + 32);
  text << "https://" << authority.substr(0, colon);
  if (port != 443) text << ":" << uint64_t{port};
  if (head.target != "*") text << with_path(head.target, arena);
  return text.view();
}

http::Fields forwarded_trailers(const Fields& trailers, std::span<Field> room,
                                const GuardedFields& guarded) {
  Fields out(room);
  const auto is_of_content = [](std::string_view name) {
    return name.size() >= 8 && equals_ignoring_case(name.substr(0, 8), "content-");
  };
  for (const Field& field : trailers) {
    if (field.id == FieldId::other && !is_of_content(field.name) &&
        guarded.of(field.name) == GuardedFields::Guard::none)
      out.add(field);
  }
  return out;
}

}  // namespace onehop::proxy
