// SPDX-License-Identifier: MIT
#include "onehop/routing/way.h"

#include <algorithm>

namespace onehop::routing {
namespace {

using config::DoubledSlashes;

// Two routes to one upstream are one way: nothing but the upstream depends on the route.
std::optional<size_t> upstream_of(const std::optional<Match>& match) {
  return match.has_value() ? std::optional(match->upstream) : std::nullopt;
}

// A path that is not plain, on its way to a route.
class Reader {
 public:
  Reader(const Router& router, const config::Paths& paths, std::string_view authority, Arena& arena)
      : router_(router), paths_(paths), authority_(authority), arena_(arena) {}

  // The way of the path, its target being the normal path without a query. `as_sent`: not that
  // one is forwarded, but the path itself.
  Result<Way, PathFault> read(std::string_view path, bool as_sent) {
    const auto clean = unescaped(path, paths_.encoded_slashes, arena_);
    if (!clean.has_value()) return Unexpected<PathFault>(clean.error());
    auto way = with_slashes(*clean);
    if (way.has_value() && way->target.find('%') != std::string_view::npos &&
        upstream_of(look_up(way->target, Delimiters::decoded)) != upstream_of(way->match))
      return Unexpected<PathFault>(PathFault::two_routes);
    if (!as_sent || !way.has_value()) return way;
    for (const Delimiters delimiters : {Delimiters::encoded, Delimiters::decoded}) {
      if (const auto fault = levelled_differs(*clean, delimiters, way->match); fault.has_value())
        return Unexpected<PathFault>(*fault);
    }
    return way;
  }

 private:
  Result<Way, PathFault> with_slashes(std::string_view path) {
    const auto kept = walk(path, Slashes::as_they_are);
    if (!kept.has_value() || path.find("//") == std::string_view::npos) return kept;
    if (paths_.doubled_slashes == DoubledSlashes::refuse)
      return Unexpected<PathFault>(PathFault::doubled_slash);
    const auto merged = walk(path, Slashes::merged);
    const bool keep = merged.has_value() &&
                      upstream_of(merged->match) == upstream_of(kept->match) &&
                      paths_.doubled_slashes == DoubledSlashes::keep;
    return keep ? kept : merged;
  }

  Result<Way, PathFault> walk(std::string_view path, Slashes slashes) {
    const auto normal = without_dots(path, slashes, arena_);
    if (!normal.has_value()) return Unexpected<PathFault>(normal.error());
    return Way{look_up(*normal, Delimiters::encoded), *normal};
  }

  // Tomcat and its like take the parameters off and merge the slashes first, and follow the dots
  // then: `/static/;/../admin` is `/admin` to them.
  std::optional<PathFault> levelled_differs(std::string_view clean, Delimiters delimiters,
                                            const std::optional<Match>& match) {
    const auto levelled =
        without_dots(comparable(clean, delimiters, arena_), Slashes::merged, arena_);
    if (!levelled.has_value()) return levelled.error();
    if (upstream_of(router_.match(authority_, *levelled)) == upstream_of(match))
      return std::nullopt;
    return PathFault::two_readings;
  }

  std::optional<Match> look_up(std::string_view normal, Delimiters delimiters) {
    return router_.match(authority_, comparable(normal, delimiters, arena_));
  }

  const Router& router_;
  const config::Paths& paths_;
  std::string_view authority_;
  Arena& arena_;
};

std::string_view joined(std::string_view path, std::string_view query, Arena& arena) {
  if (query.empty()) return path;
  char* room = static_cast<char*>(arena.allocate(path.size() + query.size(), 1));
  std::copy(query.begin(), query.end(), std::copy(path.begin(), path.end(), room));
  return {room, path.size() + query.size()};
}

}  // namespace

Result<Way, PathFault> find_way(const Router& router, const config::Paths& paths,
                                std::string_view authority, std::string_view target, Arena& arena) {
  const std::string_view path = target.substr(0, target.find('?'));
  if (is_plain(path)) return Way{router.match(authority, path), target};
  const bool as_sent = paths.forward == config::ForwardedPath::as_sent;
  auto way = Reader(router, paths, authority, arena).read(path, as_sent);
  if (!way.has_value()) return way;
  if (as_sent || way->target == path) {
    way->target = target;
  } else {
    way->target = joined(way->target, target.substr(path.size()), arena);
  }
  return way;
}

}  // namespace onehop::routing
