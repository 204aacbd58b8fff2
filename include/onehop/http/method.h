// SPDX-License-Identifier: MIT
// Methods (RFC 9110 9). Any token is one, and is forwarded as it came; CONNECT alone is not. The
// table says of those that are registered what a proxy has to know: whether a request may be sent
// again, and whether it says how long its content is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace onehop::http {

// RFC 9110 9.2.2: doing it again has the effect of doing it once.
enum class Repeating : uint8_t { harmless, not_known_to_be };

// RFC 9110 8.6: whether a request says how long its content is also when there is none.
enum class Content : uint8_t { expected, possible };

// X(name, text, repeating, content): the registry of HTTP methods, the common ones first. PRI and
// "*" are there only so that nobody uses them, and are left out.
// clang-format off
#define ONEHOP_METHODS(X) \
  X(get, "GET", harmless, possible) \
  X(post, "POST", not_known_to_be, expected) \
  X(head, "HEAD", harmless, possible) \
  X(put, "PUT", harmless, expected) \
  X(delete_, "DELETE", harmless, possible) \
  X(options, "OPTIONS", harmless, possible) \
  X(patch, "PATCH", not_known_to_be, expected) \
  X(query, "QUERY", harmless, expected) \
  X(trace, "TRACE", harmless, possible) \
  X(connect, "CONNECT", not_known_to_be, possible) \
  X(acl, "ACL", harmless, possible) \
  X(baseline_control, "BASELINE-CONTROL", harmless, possible) \
  X(bind, "BIND", harmless, possible) \
  X(checkin, "CHECKIN", harmless, possible) \
  X(checkout, "CHECKOUT", harmless, possible) \
  X(copy, "COPY", harmless, possible) \
  X(label, "LABEL", harmless, possible) \
  X(link, "LINK", harmless, possible) \
  X(lock, "LOCK", not_known_to_be, possible) \
  X(merge, "MERGE", harmless, possible) \
  X(mkactivity, "MKACTIVITY", harmless, possible) \
  X(mkcalendar, "MKCALENDAR", harmless, possible) \
  X(mkcol, "MKCOL", harmless, possible) \
  X(mkredirectref, "MKREDIRECTREF", harmless, possible) \
  X(mkworkspace, "MKWORKSPACE", harmless, possible) \
  X(move, "MOVE", harmless, possible) \
  X(orderpatch, "ORDERPATCH", harmless, possible) \
  X(propfind, "PROPFIND", harmless, possible) \
  X(proppatch, "PROPPATCH", harmless, possible) \
  X(rebind, "REBIND", harmless, possible) \
  X(report, "REPORT", harmless, possible) \
  X(search, "SEARCH", harmless, possible) \
  X(unbind, "UNBIND", harmless, possible) \
  X(uncheckout, "UNCHECKOUT", harmless, possible) \
  X(unlink, "UNLINK", harmless, possible) \
  X(unlock, "UNLOCK", harmless, possible) \
  X(update, "UPDATE", harmless, possible) \
  X(updateredirectref, "UPDATEREDIRECTREF", harmless, possible) \
  X(version_control, "VERSION-CONTROL", harmless, possible)
// clang-format on

enum class Method : uint8_t {
#define X(name, text, repeating, content) name,
  ONEHOP_METHODS(X)
#undef X
      other
};

struct MethodRow {
  std::string_view text;
  Repeating repeating;
  Content content;
};

constexpr MethodRow kMethods[] = {
#define X(name, text, repeating, content) {text, Repeating::repeating, Content::content},
    ONEHOP_METHODS(X)
#undef X
        {"", Repeating::not_known_to_be, Content::possible}};

// Methods are told apart by their exact letters; `other` for one that is not in the table.
Method method_of(std::string_view text) noexcept;

constexpr bool is_idempotent(Method method) {
  return kMethods[static_cast<size_t>(method)].repeating == Repeating::harmless;
}

constexpr bool means_content(Method method) {
  return kMethods[static_cast<size_t>(method)].content == Content::expected;
}

}  // namespace onehop::http
