// SPDX-License-Identifier: MIT
// By which names the admin endpoint may be asked. A page of a stranger can make a browser connect
// to 127.0.0.1 under a name of the stranger's own, whose address it changes meanwhile (DNS
// rebinding), and read the answers as its own; the Host field has that name in it then.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace onehop::admin {

class AllowedHosts {
 public:
  // `names` as configured: "onehop.example.org" or "*.example.org", any case.
  explicit AllowedHosts(std::vector<std::string> names);

  // `authority` as in the Host field, with or without a port; empty where HTTP/1.0 has none.
  // Allowed beside the names: what nobody can point elsewhere by DNS. That is every IP address,
  // localhost and the names below it, and names without a dot, which are no names of the public DNS
  // but of a container network, a cluster or /etc/hosts.
  bool allow(std::string_view authority) const;

 private:
  std::vector<std::string> names_;  // lower case
};

}  // namespace onehop::admin
