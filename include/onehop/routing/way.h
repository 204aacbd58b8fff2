// SPDX-License-Identifier: MIT
// Where a request goes, and the target that it goes there with: the same path decides the one and
// is the other.
//
// Some spellings can be read in two ways, and nobody but the endpoint knows which is its own:
// `//admin` is `/admin` to most programs and an empty segment to some; `/a%2Fb` is a name to some
// and `/a/b` to others. Both readings are looked up. While they lead to one route, the spelling is
// nobody's harm and stays as the client wrote it; object stores, GitLab and WebDAV live on that.
// Where they part, doubled slashes are merged and encoded delimiters are refused, so that no
// spelling finds a way around a route.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "onehop/base/arena.h"
#include "onehop/base/result.h"
#include "onehop/config/config.h"
#include "onehop/routing/normal_path.h"
#include "onehop/routing/router.h"

namespace onehop::routing {

struct Way {
  std::optional<Match> match;  // as Router::match() says it
  std::string_view target;     // to forward: the one that was given, or in the arena
};

// `authority` and `target` as in a http::RequestHead.
Result<Way, PathFault> find_way(const Router& router, const config::Paths& paths,
                                std::string_view authority, std::string_view target, Arena& arena);

}  // namespace onehop::routing
