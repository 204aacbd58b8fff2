// SPDX-License-Identifier: MIT
// The lists in which proxies say through whom a request came: X-Forwarded-For, and Forwarded
// (RFC 7239). Both become hops, the client's end first.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "onehop/base/address.h"
#include "onehop/base/arena.h"
#include "onehop/http/fields.h"

namespace onehop::proxy {

// The most that a list may have: a longer one was made up, or goes in circles. So reading it costs
// no more than reading an ordinary head.
constexpr size_t kMostHops = 40;

// What one of them said, as it said it; empty where it did not.
struct Hop {
  std::string_view node;
  std::string_view host;
  std::string_view proto;
};

// Over all lines of the field; nothing when there are more than kMostHops.
std::optional<std::span<Hop>> hops_of_x_forwarded_for(const http::Fields& fields, Arena& arena);

// The same. A line that breaks the grammar of RFC 7239, or has several times as many parameters as
// hops, says nothing.
std::optional<std::span<Hop>> hops_of_forwarded(const http::Fields& fields, Arena& arena);

// A node that is an address, without brackets and port: "192.0.2.7", "192.0.2.7:80", "2001:db8::7",
// "[2001:db8::7]:80". `unknown` and the names that proxies make up are none.
struct Node {
  std::string_view text;
  Address address;
};
std::optional<Node> node_of(std::string_view text);

// The element of a list field that stands at `position` from its end, 1 for the last, over all its
// lines; its first element where it has fewer. Empty when there is none.
std::string_view from_the_end(const http::Fields& fields, http::FieldId id, size_t position);

}  // namespace onehop::proxy
