// SPDX-License-Identifier: MIT
// The one spelling of a path, so that what a route is chosen by is what the endpoint makes of it.
// Pure: no I/O, no state; what is written anew lives in the arena that the caller gives.
//
//   /static/%2e%2e/%61dmin  ->  /admin
//
// A *normal* path (RFC 3986 6.2.2) has no dot segments, no encodings of characters that need none,
// and upper-case digits in the others. It names what the path before named, and is what is
// forwarded. A *comparable* path is what routes are compared with and nothing else: it is further
// levelled, as applications level it before they choose a handler (parameters of segments off,
// reserved characters decoded).
//
// Whatever is done here takes time in proportion to the path.
#pragma once

#include <cstdint>
#include <string_view>

#include "onehop/base/arena.h"
#include "onehop/base/result.h"
#include "onehop/config/config.h"

namespace onehop::routing {

// Why a path is refused.
enum class PathFault : uint8_t {
  above_root,     // more ".." than there are segments to leave
  bad_escape,     // a "%" without two hexadecimal digits
  nul,            // %00, where many programs take a path to end
  hidden_dots,    // "..;x", "..%2Fx": a dot segment to some and a name to others
  doubled_slash,  // with doubled_slashes = "refuse"
  encoded_slash,  // with encoded_slashes = "refuse"
  two_routes,     // an encoded delimiter would lead to another route if it were none
  two_readings,   // as sent, it leads to another route when segments are levelled before the dots
};

// The sentence for people, without a full stop.
std::string_view sentence_of(PathFault fault);

// Whether nothing in the path of a target that a codec has checked needs a closer look: it is
// normal, comparable, and has no doubled slash. One pass without branches; almost all are plain.
bool is_plain(std::string_view path) noexcept;

// Without encodings that need not be: unreserved characters are decoded, the digits of the others
// are upper case. A raw "\" or control character is encoded; raw bytes outside ASCII, which a
// listener may let pass, stay. `path` begins with "/".
Result<std::string_view, PathFault> unescaped(std::string_view path, config::EncodedSlashes slashes,
                                              Arena& arena);

enum class Slashes : uint8_t { as_they_are, merged };

// Without dot segments (RFC 3986 5.2.4), and with doubled slashes as one where asked; what
// unescaped() has returned becomes a normal path.
Result<std::string_view, PathFault> without_dots(std::string_view path, Slashes slashes,
                                                 Arena& arena);

// How encoded delimiters (%2F, %5C, %3B, %3F, %23) of a normal path are read for a comparison: as
// a part of a name, as RFC 3986 has it, or as what they encode, as programs do that decode first.
enum class Delimiters : uint8_t { encoded, decoded };

// What routes are compared with. With `decoded`, doubled slashes count as one.
std::string_view comparable(std::string_view path, Delimiters delimiters, Arena& arena);

}  // namespace onehop::routing
