// SPDX-License-Identifier: MIT
// The resolver and a real DNS server, dnsmasq, on a port of its own.
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/name_desk.h"
#include "tests/support/subprocess.h"

namespace onehop::test {
namespace {

using net::Family;
using net::Found;
using Ips = std::vector<std::string>;

// Free at this moment, for UDP and TCP.
uint16_t free_port() {
  for (int attempt = 0; attempt < 20; ++attempt) {
    const Address any = *Address::numeric("127.0.0.1", 0);
    const int udp = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const int tcp = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_storage bound{};
    socklen_t size = sizeof bound;
    const bool both = ::bind(udp, any.raw(), any.size()) == 0 &&
                      ::getsockname(udp, reinterpret_cast<sockaddr*>(&bound), &size) == 0 &&
                      ::bind(tcp, reinterpret_cast<sockaddr*>(&bound), size) == 0;
    ::close(udp);
    ::close(tcp);
    if (both) return Address::from(reinterpret_cast<const sockaddr*>(&bound)).port();
  }
  return 0;
}

// Of Debian's dnsmasq-base; a user's PATH need not have /usr/sbin.
std::string dnsmasq_program() {
  if (has_program("dnsmasq")) return "dnsmasq";
  for (const char* path : {"/usr/sbin/dnsmasq", "/usr/local/sbin/dnsmasq"}) {
    if (::access(path, X_OK) == 0) return path;
  }
  return {};
}

std::string hosts_lines() {
  std::string lines =
      "192.0.2.1 app.test\n192.0.2.3 app.test\n192.0.2.2 app.test\n"
      "2001:db8::1 app.test\n2001:db8::2 app.test\n192.0.2.9 last.test\n";
  for (int i = 0; i < 1000; ++i)
    lines += "10.0." + std::to_string(i / 250) + "." + std::to_string(i % 250 + 1) + " many.test\n";
  return lines;
}

class Dnsmasq {
 public:
  Dnsmasq() : hosts_("hosts", hosts_lines()) {}

  // Another program may take the port in between: then with another one.
  bool start() {
    for (int attempt = 0; attempt < 5; ++attempt) {
      port_ = free_port();
      program_.emplace(arguments());
      const auto decided = [&] {
        return program_->errors().find("started") != std::string::npos ||
               program_->errors().find("failed") != std::string::npos;
      };
      if (!eventually(decided)) return false;
      if (program_->errors().find("failed") == std::string::npos) return true;
    }
    return false;
  }

  net::Resolver::Options options() const {
    return {.servers = {*Address::numeric("127.0.0.1", port_)},
            .search = net::SearchDomains(),
            .timeout_ms = 20'000,
            .tries = 1};
  }
  std::string errors() const { return program_ ? program_->errors() : ""; }

 private:
  std::vector<std::string> arguments() const {
    return {dnsmasq_program(), "--no-daemon", "--conf-file=/dev/null", "--no-resolv", "--no-hosts",
            "--no-negcache", "--listen-address=127.0.0.1", "--bind-interfaces",
            "--port=" + std::to_string(port_), "--addn-hosts=" + hosts_.path(), "--local-ttl=30",
            // Below test it knows everything; of all else it knows nothing and asks nobody.
            "--local=/test/", "--host-record=short.test,192.0.2.7,5",
            "--host-record=never.test,192.0.2.8,0", "--txt-record=empty.test,text",
            "--cname=alias.test,next.test,20", "--cname=next.test,last.test,10",
            "--srv-host=_http._tcp.app.test,short.test,8080,10,60",
            "--srv-host=_http._tcp.app.test,never.test,8081,20,40"};
  }

  TemporaryFile hosts_;
  uint16_t port_ = 0;
  std::optional<Subprocess> program_;
};

// A server and whoever asks it; none where dnsmasq is not installed.
struct Stage {
  Stage() {
    if (dnsmasq_program().empty()) {
      WARN("skipped: needs dnsmasq");
      return;
    }
    const bool started = server.start();
    INFO(server.errors());
    REQUIRE(started);
    desk.emplace(server.options());
  }
  Dnsmasq server;
  std::optional<NameDesk> desk;
};

Ips sorted_ips(const net::AddressAnswer& answer) {
  Ips ips = ips_of(answer);
  std::sort(ips.begin(), ips.end());
  return ips;
}

TEST_CASE("all addresses that a server has for a name are found, with their TTL") {
  Stage stage;
  if (!stage.desk) return;
  const net::AddressAnswer answer = stage.desk->addresses("app.test");
  CHECK(answer.found == Found::answered);
  CHECK(sorted_ips(answer) ==
        Ips{"192.0.2.1", "192.0.2.2", "192.0.2.3", "2001:db8::1", "2001:db8::2"});
  CHECK(answer.ttl_s == 30);
  CHECK(answer.lacking == Family::none);
  const net::AddressAnswer brief = stage.desk->addresses("short.test");
  CHECK(ips_of(brief) == Ips{"192.0.2.7"});
  CHECK(brief.ttl_s == 5);
}

TEST_CASE("a TTL of 0 is said as it is") {
  Stage stage;
  if (!stage.desk) return;
  const net::AddressAnswer answer = stage.desk->addresses("never.test");
  CHECK(ips_of(answer) == Ips{"192.0.2.8"});
  CHECK(answer.ttl_s == 0);
}

TEST_CASE("a server's no such name, no such record and refusal are told apart") {
  Stage stage;
  if (!stage.desk) return;
  CHECK(stage.desk->addresses("none.test").found == Found::no_such_name);
  const net::AddressAnswer empty = stage.desk->addresses("empty.test");
  CHECK(empty.found == Found::answered);
  CHECK(empty.records.empty());
  const net::AddressAnswer refused = stage.desk->addresses("app.example.");
  CHECK(refused.found == Found::failed);
  CHECK_FALSE(refused.why.empty());
}

TEST_CASE("a chain of aliases leads to addresses, for as long as the first of them holds") {
  Stage stage;
  if (!stage.desk) return;
  const net::AddressAnswer answer = stage.desk->addresses("alias.test");
  CHECK(ips_of(answer) == Ips{"192.0.2.9"});
  CHECK(answer.ttl_s == 10);
}

TEST_CASE("a thousand addresses are found") {
  Stage stage;
  if (!stage.desk) return;
  const net::AddressAnswer answer = stage.desk->addresses("many.test");
  CHECK(answer.found == Found::answered);
  Ips ips = sorted_ips(answer);
  CHECK(ips.size() == 1000);
  CHECK(std::unique(ips.begin(), ips.end()) == ips.end());
  CHECK(answer.left_out == 0);
}

TEST_CASE("the SRV records of a real server are found") {
  Stage stage;
  if (!stage.desk) return;
  net::ServiceAnswer answer = stage.desk->services("_http._tcp.app.test");
  CHECK(answer.found == Found::answered);
  std::sort(answer.records.begin(), answer.records.end(),
            [](const auto& a, const auto& b) { return a.priority < b.priority; });
  REQUIRE(answer.records.size() == 2);
  CHECK(answer.records[0].target == "short.test");
  CHECK(answer.records[0].port == 8080);
  CHECK(answer.records[0].priority == 10);
  CHECK(answer.records[0].weight == 60);
  CHECK(answer.records[1].target == "never.test");
  CHECK(answer.records[1].port == 8081);
  CHECK(stage.desk->services("_http._tcp.none.test").found == Found::no_such_name);
  const net::ServiceAnswer none = stage.desk->services("short.test");
  CHECK(none.found == Found::answered);
  CHECK(none.records.empty());
}

// As in a pod of Kubernetes.
TEST_CASE("a short name is looked for in the search domains") {
  Stage stage;
  if (!stage.desk) return;
  net::Resolver::Options options = stage.server.options();
  options.search = {.domains = {"nowhere.test", "test"}, .ndots = 5};
  NameDesk desk(options);
  const net::AddressAnswer answer = desk.addresses("short");
  CHECK(ips_of(answer) == Ips{"192.0.2.7"});
  CHECK(answer.lacking == Family::none);
  CHECK(desk.services("_http._tcp.app").records.size() == 2);
}

}  // namespace
}  // namespace onehop::test
