// SPDX-License-Identifier: MIT
// Names of fields as HTTP/2 writes them, and whether their values are worth a place in the dynamic
// table of the other side (RFC 7541 2.3.2).
#pragma once

#include <string_view>

#include "onehop/http/fields.h"

namespace onehop::http::h2 {

// `once`: a value that the next message will not have again: it would only push out one that comes
// back. So is a secret, which must not be found by guessing at what is in the table (RFC 7541 7.1),
// and whatever tells the clients apart that share a connection to an endpoint.
enum class Worth : uint8_t { kept, once };

struct FieldName {
  std::string_view text;  // a constant, in lower case; empty: the name is not known here
  Worth worth = Worth::kept;
};

FieldName field_name_of(const Field& field) noexcept;

}  // namespace onehop::http::h2
