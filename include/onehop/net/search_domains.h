// SPDX-License-Identifier: MIT
// SearchDomains: the names that a short one may stand for, by `search` and `ndots` of
// /etc/resolv.conf (resolv.conf(5)).
//
// c-ares has a search of its own, for one type of record at a time: the IPv4 addresses of a name
// could be those of one host and the IPv6 addresses those of another.
#pragma once

#include <string>
#include <vector>

namespace onehop::net {

struct SearchDomains {
  std::vector<std::string> domains;  // the C library knows six at most
  unsigned ndots = 1;                // a name with so many dots is asked for as it is first

  // As the C library has them, which reads the file again after it has changed. LOCALDOMAIN and
  // RES_OPTIONS of the environment count.
  static SearchDomains of_system();

  // In the order in which to ask for them; `name` itself is one of them. A name that ends with a
  // dot stands for itself.
  std::vector<std::string> candidates(const std::string& name) const;
};

}  // namespace onehop::net
