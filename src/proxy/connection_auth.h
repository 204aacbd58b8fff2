// SPDX-License-Identifier: MIT
// Schemes that authenticate a connection and not a request: NTLM, and Negotiate, which may be NTLM
// inside (RFC 4559; both at odds with RFC 9110 11.2 and in wide use). Whoever uses the connection
// next is taken for whom they named.
#pragma once

#include "onehop/http/fields.h"

namespace onehop::proxy {

// A request that says who its connection belongs to.
bool authenticates_connection(const http::Fields& request);

// A response that asks for it: one of the schemes, anywhere in any of the lists of challenges.
bool challenges_connection(const http::Fields& response);

}  // namespace onehop::proxy
