// SPDX-License-Identifier: MIT
// The resolver against a server that does what servers do when something is wrong.
#include "onehop/net/resolver.h"

#include <fstream>
#include <functional>
#include <optional>
#include <sstream>

#include "tests/support/deadline.h"
#include "tests/support/name_desk.h"
#include "tests/support/scripted_dns.h"

namespace onehop::net {
namespace {

using test::DnsMessage;
using test::DnsQuestion;
using test::Heard;
using test::ips_of;
using test::NameDesk;
using test::ScriptedDns;
using Ips = std::vector<std::string>;
using Messages = std::vector<std::string>;

// Long enough for a busy machine, where an answer comes.
Resolver::Options asking(const ScriptedDns& server) {
  return {
      .servers = {server.address()}, .search = SearchDomains(), .timeout_ms = 20'000, .tries = 1};
}

// Where none comes.
Resolver::Options asking_briefly(const ScriptedDns& server) {
  return {.servers = {server.address()}, .search = SearchDomains(), .timeout_ms = 100, .tries = 2};
}

// One answer to A and one to AAAA, each made by the test of an empty one.
using Fill = std::function<void(DnsMessage&)>;
ScriptedDns::Script by_family(const Fill& v4, const Fill& v6) {
  return [=](const DnsQuestion& question) -> Messages {
    DnsMessage message(question);
    (question.type == test::kTypeA ? v4 : v6)(message);
    return {message.bytes()};
  };
}

ScriptedDns::Script always(const Fill& fill) {
  return by_family(fill, fill);
}

void nothing(DnsMessage&) {}

Fill code(uint8_t rcode) {
  return [=](DnsMessage& message) { message.code(rcode); };
}

TEST_CASE("an address that is written out is its own answer, and no server is asked") {
  const ScriptedDns server(always(code(2)));
  NameDesk desk(asking(server));
  for (const std::string name : {"192.0.2.7", "2001:db8::7"}) {
    const AddressAnswer answer = desk.addresses(name);
    CHECK(answer.found == Found::answered);
    CHECK(ips_of(answer) == Ips{name});
    CHECK(answer.ttl_s == 0);
  }
  CHECK(server.asked() == 0);
}

TEST_CASE("localhost and what is below it is this machine, and no server is asked") {
  const ScriptedDns server(always(code(2)));
  NameDesk desk(asking(server));
  for (const std::string name : {"localhost", "LocalHost", "app.localhost", "app.localhost."}) {
    INFO(name);
    const AddressAnswer answer = desk.addresses(name);
    CHECK(answer.found == Found::answered);
    REQUIRE_FALSE(answer.records.empty());
    for (const std::string& ip : ips_of(answer)) {
      INFO(ip);
      CHECK((ip == "::1" || ip.starts_with("127.")));
    }
  }
  CHECK(server.asked() == 0);
  CHECK(desk.addresses("notlocalhost").found == Found::failed);
  CHECK(server.asked() > 0);
}

// A name of this machine's hosts file, with its address.
std::optional<std::pair<std::string, std::string>> hosts_entry() {
  std::ifstream file("/etc/hosts");
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line.substr(0, line.find('#')));
    std::string ip;
    std::string name;
    if (words >> ip >> name && name.find("localhost") == std::string::npos &&
        Address::numeric(ip, 0))
      return std::pair(name, ip);
  }
  return std::nullopt;
}

TEST_CASE("a name of the hosts file has its addresses from there, and nobody says for how long") {
  const auto entry = hosts_entry();
  if (!entry) {
    WARN("skipped: there is no name in /etc/hosts");
    return;
  }
  const ScriptedDns server(always(code(2)));
  NameDesk desk(asking(server));
  const AddressAnswer answer = desk.addresses(entry->first);
  CHECK(answer.found == Found::answered);
  const Ips ips = ips_of(answer);
  CHECK(std::find(ips.begin(), ips.end(), Address::numeric(entry->second, 0)->ip()) != ips.end());
  CHECK(answer.ttl_s == 0);
  CHECK(server.asked() == 0);
}

TEST_CASE("a name's IPv4 and IPv6 addresses are one answer, with each one's TTL and the smallest") {
  const ScriptedDns server(by_family(
      [](DnsMessage& message) { message.address("192.0.2.2", 60).address("192.0.2.1", 30); },
      [](DnsMessage& message) { message.address("2001:db8::1", 20); }));
  NameDesk desk(asking(server));
  const AddressAnswer answer = desk.addresses("app.test");
  CHECK(answer.found == Found::answered);
  CHECK(ips_of(answer) == Ips{"192.0.2.2", "192.0.2.1", "2001:db8::1"});
  REQUIRE(answer.records.size() == 3);
  CHECK(answer.records[0].ttl_s == 60);
  CHECK(answer.records[1].ttl_s == 30);
  CHECK(answer.records[2].ttl_s == 20);
  CHECK(answer.ttl_s == 20);
  CHECK(answer.lacking == Family::none);
  CHECK(answer.left_out == 0);
  CHECK(answer.why.empty());
}

TEST_CASE("the TTL of an alias counts as those of the addresses behind it") {
  const ScriptedDns server(by_family(
      [](DnsMessage& message) { message.alias("b.test", 5).address("192.0.2.1", 300); }, nothing));
  NameDesk desk(asking(server));
  const AddressAnswer answer = desk.addresses("a.test");
  CHECK(ips_of(answer) == Ips{"192.0.2.1"});
  CHECK(answer.ttl_s == 5);
}

TEST_CASE("a name that is there and has no address is answered with none") {
  const ScriptedDns server(always(nothing));
  NameDesk desk(asking(server));
  const AddressAnswer answer = desk.addresses("empty.test");
  CHECK(answer.found == Found::answered);
  CHECK(answer.records.empty());
  CHECK(answer.lacking == Family::none);
}

TEST_CASE("an alias that leads to no address is answered with none") {
  const ScriptedDns server(always([](DnsMessage& message) { message.alias("b.test", 5); }));
  NameDesk desk(asking(server));
  const AddressAnswer answer = desk.addresses("a.test");
  CHECK(answer.found == Found::answered);
  CHECK(answer.records.empty());
}

TEST_CASE("a name that is not there is told from one that nobody knows about") {
  const ScriptedDns server(always(code(3)));
  NameDesk desk(asking(server));
  CHECK(desk.addresses("none.test").found == Found::no_such_name);
  CHECK(desk.services("_http._tcp.none.test").found == Found::no_such_name);
}

TEST_CASE("a server that fails or refuses makes the look-up fail, and a sentence says so") {
  const uint8_t rcode = GENERATE(as<uint8_t>(), 2, 4, 5);  // SERVFAIL, NOTIMP, REFUSED
  const ScriptedDns server(always(code(rcode)));
  NameDesk desk(asking(server));
  const AddressAnswer addresses = desk.addresses("app.test");
  CHECK(addresses.found == Found::failed);
  CHECK(addresses.records.empty());
  CHECK_FALSE(addresses.why.empty());
  const ServiceAnswer services = desk.services("_http._tcp.app.test");
  CHECK(services.found == Found::failed);
  CHECK(services.records.empty());
  CHECK_FALSE(services.why.empty());
}

TEST_CASE("a server that says nothing makes the look-up fail after its tries") {
  const ScriptedDns server([](const DnsQuestion&) { return Messages{}; });
  NameDesk desk(asking_briefly(server));
  const AddressAnswer answer = desk.addresses("app.test");
  CHECK(answer.found == Found::failed);
  CHECK(answer.why == "no server answered in time");
  CHECK(test::eventually([&] { return server.asked() == 4; }));  // A and AAAA, twice
}

TEST_CASE("a port where nobody listens makes the look-up fail") {
  std::optional<ScriptedDns> server(std::in_place, always(nothing));
  const Resolver::Options options = asking_briefly(*server);
  server.reset();
  NameDesk desk(options);
  const AddressAnswer answer = desk.addresses("app.test");
  CHECK(answer.found == Found::failed);
  CHECK_FALSE(answer.why.empty());
}

TEST_CASE("bytes that are no message are no answer") {
  const ScriptedDns server([](const DnsQuestion&) {
    return Messages{"", "no", std::string(100, '\xff'), std::string(20, '\0')};
  });
  NameDesk desk(asking_briefly(server));
  const AddressAnswer answer = desk.addresses("app.test");
  CHECK(answer.found == Found::failed);
  CHECK_FALSE(answer.why.empty());
}

TEST_CASE("half an answer that says it is whole makes the look-up fail") {
  const ScriptedDns server([](const DnsQuestion& question) -> Messages {
    DnsMessage message(question);
    if (question.type == test::kTypeA) message.address("192.0.2.1", 30).address("192.0.2.2", 30);
    if (question.type == test::kTypeAaaa) message.address("2001:db8::1", 30);
    if (question.type == test::kTypeSrv) message.service(1, 1, 80, "a.test", 30);
    return {message.bytes().substr(0, message.bytes().size() - 3)};
  });
  NameDesk desk(asking_briefly(server));
  const AddressAnswer addresses = desk.addresses("app.test");
  CHECK(addresses.found == Found::failed);
  CHECK_FALSE(addresses.why.empty());
  CHECK(desk.services("_http._tcp.app.test").found == Found::failed);
}

TEST_CASE("an answer that is truncated is asked for again over TCP, where it is whole") {
  const ScriptedDns server([](const DnsQuestion& question) -> Messages {
    DnsMessage message(question);
    if (question.type == test::kTypeA) message.address("192.0.2.1", 30);
    if (!question.over_tcp) return {message.truncated().bytes()};
    if (question.type == test::kTypeA) message.address("192.0.2.2", 30);
    return {message.bytes()};
  });
  NameDesk desk(asking(server));
  const AddressAnswer answer = desk.addresses("app.test");
  CHECK(answer.found == Found::answered);
  CHECK(ips_of(answer) == Ips{"192.0.2.1", "192.0.2.2"});
  CHECK(server.asked() == 4);
}

TEST_CASE("an answer with another question's id is passed over, and the right one counts") {
  const ScriptedDns server([](const DnsQuestion& question) -> Messages {
    DnsMessage wrong(question);
    DnsMessage right(question);
    if (question.type == test::kTypeA) {
      wrong.address("203.0.113.66", 30);
      right.address("192.0.2.1", 30);
    }
    return {wrong.wrong_id().bytes(), right.bytes()};
  });
  NameDesk desk(asking(server));
  const AddressAnswer answer = desk.addresses("app.test");
  CHECK(ips_of(answer) == Ips{"192.0.2.1"});
}

TEST_CASE("where one family fails the other one's addresses count, and the answer says so") {
  const bool v4_fails = GENERATE(true, false);
  const Fill v4 = [](DnsMessage& message) { message.address("192.0.2.1", 30); };
  const Fill v6 = [](DnsMessage& message) { message.address("2001:db8::1", 30); };
  const ScriptedDns server(by_family(v4_fails ? code(2) : v4, v4_fails ? v6 : code(2)));
  NameDesk desk(asking(server));
  const AddressAnswer answer = desk.addresses("app.test");
  CHECK(answer.found == Found::answered);
  CHECK(ips_of(answer) == Ips{v4_fails ? "2001:db8::1" : "192.0.2.1"});
  CHECK((answer.lacking == (v4_fails ? Family::v4 : Family::v6)));
  CHECK_FALSE(answer.why.empty());
}

TEST_CASE("where one family fails and the other has no address, nobody knows") {
  const ScriptedDns server(by_family(code(2), nothing));
  NameDesk desk(asking(server));
  CHECK(desk.addresses("app.test").found == Found::failed);
}

TEST_CASE("that there is no such name is said for both families") {
  const Fill other = GENERATE(as<Fill>(), code(2), nothing);
  const ScriptedDns server(by_family(other, code(3)));
  NameDesk desk(asking(server));
  CHECK(desk.addresses("app.test").found == Found::no_such_name);
}

TEST_CASE("addresses of one family count though the other says that there is no such name") {
  const ScriptedDns server(
      by_family([](DnsMessage& message) { message.address("192.0.2.1", 30); }, code(3)));
  NameDesk desk(asking(server));
  const AddressAnswer answer = desk.addresses("app.test");
  CHECK(answer.found == Found::answered);
  CHECK(ips_of(answer) == Ips{"192.0.2.1"});
  CHECK(answer.lacking == Family::none);
}

// Knows addresses of both families for the first of these names, and of one for the second.
ScriptedDns::Script knowing(const std::string& both, const std::string& one, uint8_t else_code) {
  return [=](const DnsQuestion& question) -> Messages {
    DnsMessage message(question);
    const bool v4 = question.type == test::kTypeA;
    if (question.name == both) message.address(v4 ? "192.0.2.2" : "2001:db8::2", 30);
    if (question.name == one && v4) message.address("192.0.2.1", 30);
    if (question.name != both && question.name != one) message.code(else_code);
    return {message.bytes()};
  };
}

TEST_CASE("both families of a short name are those of the first domain where it has an address") {
  const ScriptedDns server(knowing("app.last.test", "app.middle.test", 3));
  Resolver::Options options = asking(server);
  options.search = {.domains = {"first.test", "middle.test", "last.test"}, .ndots = 1};
  NameDesk desk(options);
  const AddressAnswer answer = desk.addresses("app");
  CHECK(ips_of(answer) == Ips{"192.0.2.1"});
  CHECK(answer.lacking == Family::none);
  CHECK(server.asked() == 4);
}

TEST_CASE("a short name without an address in one domain is looked for in the next") {
  const ScriptedDns server([](const DnsQuestion& question) -> Messages {
    DnsMessage message(question);
    if (question.name == "app.last.test" && question.type == test::kTypeA)
      message.address("192.0.2.1", 30);
    if (question.name == "_http._tcp.last.test" && question.type == test::kTypeSrv)
      message.service(1, 1, 80, "a.test", 30);
    return {message.bytes()};
  });
  Resolver::Options options = asking(server);
  options.search = {.domains = {"first.test", "last.test"}, .ndots = 5};
  NameDesk desk(options);
  CHECK(ips_of(desk.addresses("app")) == Ips{"192.0.2.1"});
  CHECK(desk.services("_http._tcp").records.size() == 1);
  const AddressAnswer none = desk.addresses("other");
  CHECK(none.found == Found::answered);
  CHECK(none.records.empty());
}

TEST_CASE("a short name that nobody answers for in one domain is not looked for in the next") {
  const ScriptedDns server(knowing("app.last.test", "", 2));
  Resolver::Options options = asking(server);
  options.search = {.domains = {"first.test", "last.test"}, .ndots = 1};
  NameDesk desk(options);
  CHECK(desk.addresses("app").found == Found::failed);
  CHECK(desk.services("_http._tcp").found == Found::failed);
}

TEST_CASE("the next server is asked where the first one fails") {
  const ScriptedDns failing(always(code(2)));
  const ScriptedDns working(
      by_family([](DnsMessage& message) { message.address("192.0.2.1", 30); }, nothing));
  Resolver::Options options = asking(failing);
  options.servers.push_back(working.address());
  NameDesk desk(options);
  CHECK(ips_of(desk.addresses("app.test")) == Ips{"192.0.2.1"});
}

TEST_CASE("SRV records come with all that they say") {
  const ScriptedDns server(always([](DnsMessage& message) {
    message.service(10, 5, 8080, "a.app.test", 60).service(20, 0, 8081, "b.app.test", 40);
    message.service(30, 1, 1, "", 50);
  }));
  NameDesk desk(asking(server));
  const ServiceAnswer answer = desk.services("_http._tcp.app.test");
  CHECK(answer.found == Found::answered);
  CHECK(answer.ttl_s == 40);
  REQUIRE(answer.records.size() == 3);
  CHECK(answer.records[0].target == "a.app.test");
  CHECK(answer.records[0].port == 8080);
  CHECK(answer.records[0].priority == 10);
  CHECK(answer.records[0].weight == 5);
  CHECK(answer.records[0].ttl_s == 60);
  CHECK(answer.records[1].target == "b.app.test");
  CHECK(answer.records[1].weight == 0);
  CHECK(answer.records[2].target.empty());
}

TEST_CASE("an answer keeps 1,024 records and counts the others") {
  const ScriptedDns server([](const DnsQuestion& question) -> Messages {
    DnsMessage message(question);
    if (!question.over_tcp) return {message.truncated().bytes()};
    for (int i = 0; i < 1100 && question.type == test::kTypeA; ++i)
      message.address("10.0." + std::to_string(i / 250) + "." + std::to_string(i % 250), 30);
    if (question.type == test::kTypeAaaa) message.address("2001:db8::1", 10);
    return {message.bytes()};
  });
  NameDesk desk(asking(server));
  const AddressAnswer answer = desk.addresses("app.test");
  CHECK(answer.records.size() == Resolver::kMaxRecords);
  CHECK(answer.left_out == 1100 + 1 - Resolver::kMaxRecords);
  CHECK(answer.ttl_s == 10);
}

TEST_CASE("what is no name makes the look-up fail, and nobody is asked") {
  const ScriptedDns server(always(nothing));
  NameDesk desk(asking(server));
  for (const std::string& name :
       {std::string(), std::string(64, 'a') + ".test", std::string("a\0b", 3)}) {
    const AddressAnswer answer = desk.addresses(name);
    CHECK(answer.found == Found::failed);
    CHECK_FALSE(answer.why.empty());
    CHECK(desk.services(name).found == Found::failed);
  }
  CHECK(server.asked() == 0);
}

TEST_CASE("a look-up that is given up is not heard of") {
  const ScriptedDns server(
      by_family([](DnsMessage& message) { message.address("192.0.2.1", 30); }, nothing));
  NameDesk desk(asking(server));
  Heard<AddressAnswer> numeric(desk.loop);
  Heard<AddressAnswer> asked(desk.loop);
  Heard<ServiceAnswer> service(desk.loop);
  numeric.lookup = desk.resolver->addresses_of("192.0.2.1", numeric);
  asked.lookup = desk.resolver->addresses_of("other.test", asked);
  service.lookup = desk.resolver->services_of("_http._tcp.other.test", service);
  numeric.lookup.reset();
  asked.lookup.reset();
  service.lookup.reset();
  CHECK(ips_of(desk.addresses("app.test")) == Ips{"192.0.2.1"});
  CHECK(numeric.times + asked.times + service.times == 0);
}

TEST_CASE("a resolver may be destroyed while servers are asked") {
  const ScriptedDns server([](const DnsQuestion&) { return Messages{}; });
  NameDesk desk(asking(server));
  Heard<AddressAnswer> asked(desk.loop);
  asked.lookup = desk.resolver->addresses_of("app.test", asked);
  asked.lookup.reset();
  desk.resolver.reset();
  CHECK(asked.times == 0);
}

// Asks for the next name from within the answer to the last.
class Chain final : public Lookup::Events<AddressAnswer> {
 public:
  explicit Chain(NameDesk& desk) : desk_(desk) { ask(); }
  void on_answer(AddressAnswer answer) override {
    CHECK(ips_of(answer) == Ips{"192.0.2.1"});
    if (++answers == 5) {
      lookup_.reset();
      desk_.resolver.reset();
      desk_.loop.stop();
    } else {
      ask();
    }
  }
  int answers = 0;

 private:
  void ask() {
    const std::string name = "n" + std::to_string(answers) + ".test";
    lookup_ = desk_.resolver->addresses_of(name, *this);
  }
  NameDesk& desk_;
  std::unique_ptr<Lookup> lookup_;
};

TEST_CASE("an answer may begin another look-up, and end the resolver") {
  const ScriptedDns server(
      by_family([](DnsMessage& message) { message.address("192.0.2.1", 30); }, nothing));
  NameDesk desk(asking(server));
  Chain chain(desk);
  desk.loop.run();
  CHECK(chain.answers == 5);
}

TEST_CASE("many names are looked up at once, each with its own answer") {
  const ScriptedDns server([](const DnsQuestion& question) -> Messages {
    DnsMessage message(question);
    const std::string number = question.name.substr(1, question.name.find('.') - 1);
    if (question.type == test::kTypeA) message.address("192.0.2." + number, 30);
    return {message.bytes()};
  });
  NameDesk desk(asking(server));
  std::vector<std::unique_ptr<Heard<AddressAnswer>>> all;
  for (int i = 0; i < 50; ++i) {
    auto& heard = *all.emplace_back(std::make_unique<Heard<AddressAnswer>>(desk.loop));
    heard.lookup = desk.resolver->addresses_of("n" + std::to_string(i) + ".test", heard);
  }
  for (size_t i = 0; i < all.size(); ++i) {
    while (all[i]->times == 0) desk.loop.run();
    CHECK(ips_of(*all[i]->answer) == Ips{"192.0.2." + std::to_string(i)});
  }
}

TEST_CASE("servers may be given with a port and without, of both families") {
  EventLoop loop;
  Resolver::Options options;
  CHECK(Resolver::make(loop, options).has_value());
  options.servers = {*Address::numeric("127.0.0.1", 0), *Address::numeric("::1", 5353)};
  CHECK(Resolver::make(loop, options).has_value());
}

}  // namespace
}  // namespace onehop::net
