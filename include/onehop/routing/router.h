// SPDX-License-Identifier: MIT
// Router: host and path to a route. Pure: no I/O, no clock, built once.
//
// The host is looked at first: the exact name, then the longest matching wildcard (`*.example.org`
// matches any name below example.org, not example.org itself), then the routes without a host; the
// first of these groups that has a match decides. Within a group an exact path wins over a prefix
// and a longer prefix over a shorter one. A prefix ends at a segment: `/api` matches `/api`,
// `/api/` and `/api/x`, not `/apix`; `/api/` matches only what is below it. The query does not
// count.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "onehop/config/config.h"

namespace onehop::routing {

// Indexes of the configuration's routes and upstreams.
struct Match {
  size_t route;
  size_t upstream;
};

class Router {
 public:
  // Every route names one of the upstreams (config::check saw to it).
  Router(const std::vector<config::Route>& routes, const std::vector<config::Upstream>& upstreams);

  // `authority` as in the Host field, with or without a port, any case; `target` in origin-form, or
  // "*", its path comparable (normal_path.h). find_way() is for those that came from a client.
  std::optional<Match> match(std::string_view authority, std::string_view target) const;

 private:
  struct Path {
    std::string text;
    bool exact;
    Match match;
  };
  struct Host {
    std::string name;         // lower case; of a wildcard the part behind the `*`, with its dot
    std::vector<Path> paths;  // exact ones first, then the longest
  };
  static std::vector<Path>& paths_of(std::vector<Host>& hosts, std::string_view name);
  static std::optional<Match> match_path(const std::vector<Path>& paths, std::string_view path);

  std::vector<Host> exact_hosts_;
  std::vector<Host> wildcards_;  // longest first
  std::vector<Path> any_host_;
};

}  // namespace onehop::routing
