// SPDX-License-Identifier: MIT
#include "field_name.h"

#include <algorithm>
#include <array>

#include "onehop/base/ascii.h"

namespace onehop::config {
namespace {

// Of one connection, not of the message (RFC 9110, section 7.6.1): a proxy takes them out.
constexpr std::array<std::string_view, 10> kHopByHop = {
    "connection", "keep-alive",       "proxy-authenticate",        "proxy-authorization",
    "te",         "proxy-connection", "proxy-authentication-info", "trailer",
    "upgrade",    "transfer-encoding"};

// Written by onehop, for the next hop to believe.
constexpr std::array<std::string_view, 16> kWritten = {"forwarded",
                                                       "front-end-https",
                                                       "proxy-status",
                                                       "server",
                                                       "strict-transport-security",
                                                       "via",
                                                       "x-forwarded-for",
                                                       "x-forwarded-host",
                                                       "x-forwarded-port",
                                                       "x-forwarded-prefix",
                                                       "x-forwarded-proto",
                                                       "x-forwarded-protocol",
                                                       "x-forwarded-scheme",
                                                       "x-forwarded-ssl",
                                                       "x-real-ip",
                                                       "x-request-id"};

// Read by onehop, to know where a message ends and what becomes of it.
constexpr std::array<std::string_view, 7> kRead = {
    "content-length", "date", "expect", "host", "http2-settings", "max-forwards", "priority"};

// Taken out of what clients send, a field of these would break applications.
constexpr std::array<std::string_view, 7> kClients = {
    "allow",  "authorization", "cache-control",   "content-type",
    "cookie", "set-cookie",    "www-authenticate"};

}  // namespace

std::string canonical_field(std::string_view text) {
  std::string name(text);
  for (char& c : name) c = levelled(c);
  return name;
}

std::string_view identity_field_fault(std::string_view text) {
  if (!is_token(text)) return "a character that no field name has";
  const std::string name = canonical_field(text);
  if (std::ranges::find(kHopByHop, name) != kHopByHop.end()) return "it is of one hop alone";
  if (std::ranges::find(kRead, name) != kRead.end()) return "onehop reads it";
  if (std::ranges::find(kClients, name) != kClients.end()) return "it has a meaning in HTTP";
  return {};
}

std::string_view field_fault(std::string_view text) {
  const bool written = std::ranges::find(kWritten, canonical_field(text)) != kWritten.end();
  return written ? "onehop sets it" : identity_field_fault(text);
}

}  // namespace onehop::config
