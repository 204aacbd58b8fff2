// SPDX-License-Identifier: MIT
#include "onehop/admin/allowed_hosts.h"

#include "tests/support/catch.h"

namespace onehop::admin {
namespace {

TEST_CASE("what DNS cannot point elsewhere may name the admin endpoint without being listed") {
  const AllowedHosts hosts({});
  for (const std::string_view authority :
       {"", "127.0.0.1", "127.0.0.1:9900", "127.9.9.9:1", "10.1.2.3:9900", "203.0.113.9", "[::1]",
        "[::1]:9900", "[2001:db8::1]:80", "localhost", "LocalHost:9900", "localhost.",
        "app.localhost:9900", "onehop", "onehop:9900", "prometheus-target"}) {
    INFO(authority);
    CHECK(hosts.allow(authority));
  }
}

TEST_CASE("a name of the public DNS is refused, also where it looks like an address") {
  const AllowedHosts hosts({});
  for (const std::string_view authority :
       {"evil.example", "evil.example:9900", "EVIL.example.", "127.0.0.1.evil.example",
        "localhost.evil.example", "evil-localhost.example", "1.2.3", "0x7f.1", "127.0.0.1.",
        "999.1.1.1", "[::1].evil.example", "[evil.example]:9900", ":9900", "evil.", "com.",
        "notlocalhost.example", "xn--e1awd7f.example"}) {
    INFO(authority);
    CHECK_FALSE(hosts.allow(authority));
  }
}

TEST_CASE("a listed name is allowed in any case and with any port, and nothing beside it") {
  const AllowedHosts hosts({"Metrics.Example.org", "*.cluster.local"});
  for (const std::string_view authority :
       {"metrics.example.org", "METRICS.example.ORG:9900", "metrics.example.org.",
        "onehop.svc.cluster.local:9900", "a.b.cluster.local"}) {
    INFO(authority);
    CHECK(hosts.allow(authority));
  }
  for (const std::string_view authority :
       {"example.org", "a.metrics.example.org", "metrics.example.org.evil.example", "cluster.local",
        ".cluster.local", "evilcluster.local", "metrics-example.org.net"}) {
    INFO(authority);
    CHECK_FALSE(hosts.allow(authority));
  }
}

}  // namespace
}  // namespace onehop::admin
