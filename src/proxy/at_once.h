// SPDX-License-Identifier: MIT
// Requests that need no endpoint: what their head alone says is answered at once.
#pragma once

#include <optional>
#include <string_view>

#include "onehop/base/arena.h"
#include "onehop/config/config.h"
#include "onehop/http/connection.h"
#include "onehop/http/head.h"
#include "onehop/proxy/outcome.h"

namespace onehop::proxy {

struct AtOnce {
  Outcome outcome;
  std::string_view detail = {};  // lives in the arena
};

// A redirect to https, a refusal of what is too large or not understood, or the end of Max-Forwards
// (RFC 9110 7.6.2). `terms` are those of the listener, or null.
std::optional<AtOnce> answer_at_once(const http::RequestHead& head, const http::Client& client,
                                     const http::ListenerTerms* terms, const config::Limits& limits,
                                     Arena& arena);

}  // namespace onehop::proxy
