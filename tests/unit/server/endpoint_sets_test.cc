// SPDX-License-Identifier: MIT
// Which endpoints upstreams have: of the file, of names that a test answers for, and by hand.
#include "server/endpoint_sets.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/folder.h"
#include "tests/support/hand_files.h"
#include "tests/support/hand_loop.h"
#include "tests/support/hand_names.h"

namespace onehop::server {
namespace {

using Hand = EndpointSets::Hand;
using Names = std::vector<std::string>;

// Those that may be asked.
Names names_of(const upstream::EndpointSet& set) {
  Names names;
  for (const auto& spec : *set) {
    if (!spec->drained) names.push_back(spec->name + "*" + std::to_string(spec->weight));
  }
  return names;
}

struct Side final : private EndpointSets::Events {
  config::Config config_of(const std::vector<config::Endpoint>& endpoints) {
    config::Config config;
    config::Upstream upstream;
    upstream.name = "app";
    upstream.endpoints = endpoints;
    config.upstreams.push_back(upstream);
    return config;
  }
  EndpointSets::Staged stage(const std::vector<config::Endpoint>& endpoints) {
    return sets.stage(config_of(endpoints), names);
  }
  // In use from now on.
  void use(const std::vector<config::Endpoint>& endpoints, const std::string& file = {}) {
    config::Config config = config_of(endpoints);
    config.upstreams.front().endpoints_file = file;
    EndpointSets::Staged staged = sets.stage(config, names);
    now = staged.sets().front();
    sets.use(std::move(staged));
  }
  bool order(Hand hand, const std::string& address, uint32_t weight = 1) {
    return sets.obey({hand, "app", address, weight}).has_value();
  }
  Names now_names() const { return names_of(now); }

  void on_endpoints(const config::Upstream&, const upstream::EndpointSet& set) override {
    now = set;
    ++told;
  }
  void on_names() override {}

  test::HandLoop loop;
  std::shared_ptr<test::HandNames> names = std::make_shared<test::HandNames>();
  telemetry::Telemetry telemetry{{}, 1};
  test::HandFiles files;
  EndpointSets sets{loop, telemetry, *this, files};
  upstream::EndpointSet now;
  int told = 0;
};

TEST_CASE("addresses are there at once, in the order of the file, and localhost is one of them") {
  Side side;
  const auto staged = side.stage({{"127.0.0.1:2", 1}, {"127.0.0.1:1", 3}, {"localhost:3", 1}});
  CHECK(staged.complete());
  CHECK(names_of(staged.sets().front()) ==
        Names{"127.0.0.1:2*1", "127.0.0.1:1*3", "localhost:3*1"});
  CHECK(staged.sets().front()->back()->address.to_string() == "127.0.0.1:3");
}

TEST_CASE("a name is known once it was answered for, and whoever uses the upstream is told") {
  Side side;
  side.use({{"app.test:80", 2}, {"127.0.0.1:1", 1}});
  CHECK(side.now_names() == Names{"127.0.0.1:1*1"});
  side.names->answer("app.test", test::addresses({"10.0.0.2", "10.0.0.1"}, 5));
  CHECK(side.told == 1);
  CHECK(side.now_names() == Names{"10.0.0.1:80*2", "10.0.0.2:80*2", "127.0.0.1:1*1"});
  CHECK(side.sets.origins("app").front().source == "app.test:80");
  CHECK(side.sets.lookups("app").ended == 1);
}

TEST_CASE("what is staged and not in use tells nobody, and changes nothing") {
  Side side;
  side.use({{"127.0.0.1:1", 1}});
  const auto staged = side.stage({{"app.test:80", 1}});
  CHECK_FALSE(staged.complete());
  side.names->answer("app.test", test::addresses({"10.0.0.1"}, 5));
  CHECK(staged.complete());
  CHECK(side.told == 0);
  CHECK(side.now_names() == Names{"127.0.0.1:1*1"});
}

TEST_CASE("an upstream that is described as before goes on, with its look-ups and its specs") {
  Side side;
  side.use({{"app.test:80", 1}});
  side.names->answer("app.test", test::addresses({"10.0.0.1"}, 5));
  const upstream::EndpointSet before = side.now;
  const size_t begun = side.names->begun();
  side.use({{"app.test:80", 1}});
  CHECK(side.names->begun() == begun);
  CHECK(side.now == before);
}

TEST_CASE("what was known of a name counts in another configuration until there is an answer") {
  Side side;
  side.use({{"app.test:80", 1}});
  side.names->answer("app.test", test::addresses({"10.0.0.1"}, 5));
  const upstream::SpecRef known = side.now->front();
  side.use({{"app.test:80", 1}, {"127.0.0.1:1", 1}});
  CHECK(side.now_names() == Names{"10.0.0.1:80*1", "127.0.0.1:1*1"});
  CHECK(side.now->front() == known);
  side.names->answer("app.test", test::failed<net::AddressAnswer>());
  CHECK(side.now_names() == Names{"10.0.0.1:80*1", "127.0.0.1:1*1"});
}

TEST_CASE("who waits for a dial is told where a name has addresses of both families") {
  Side side;
  side.use({{"app.test:80", 1}, {"127.0.0.9:80", 1}});
  const auto with_alternative = [&] {
    return std::ranges::count_if(*side.now, [](const upstream::SpecRef& spec) {
      return spec->shared->reachability.has_alternative();
    });
  };
  side.names->answer("app.test", test::addresses({"127.0.0.1", "::1"}, 5));
  CHECK(side.now->size() == 3);
  CHECK(with_alternative() == 2);
  side.loop.pass_ms(5000);
  side.names->answer("app.test", test::addresses({"127.0.0.1", "127.0.0.2"}, 5));
  CHECK(side.now->size() == 3);
  CHECK(with_alternative() == 0);
}

TEST_CASE("an address that two names have is one endpoint") {
  Side side;
  side.use({{"one.test:80", 1}, {"two.test:80", 1}, {"10.0.0.1:80", 1}});
  side.names->answer("one.test", test::addresses({"10.0.0.1", "10.0.0.2"}, 5));
  side.names->answer("two.test", test::addresses({"10.0.0.2"}, 5));
  CHECK(side.now->size() == 2);
}

TEST_CASE("by hand an endpoint is added, weighed, drained, made ready and removed") {
  Side side;
  side.use({{"127.0.0.1:1", 1}});
  CHECK(side.order(Hand::add, "127.0.0.1:2", 3));
  CHECK(side.now_names() == Names{"127.0.0.1:1*1", "127.0.0.1:2*3"});
  CHECK(side.sets.origins("app").back().source == "api");
  CHECK(side.order(Hand::weigh, "127.0.0.1:1", 7));
  CHECK(side.now_names() == Names{"127.0.0.1:1*7", "127.0.0.1:2*3"});
  CHECK(side.order(Hand::drain, "127.0.0.1:1"));
  CHECK(side.now_names() == Names{"127.0.0.1:2*3"});
  CHECK(side.sets.origins("app").front().drained);
  CHECK(side.sets.endpoint("app", "127.0.0.1:1") != nullptr);
  CHECK(side.order(Hand::ready, "127.0.0.1:1"));
  CHECK(side.now_names() == Names{"127.0.0.1:1*7", "127.0.0.1:2*3"});
  CHECK(side.order(Hand::remove, "127.0.0.1:1"));
  CHECK(side.order(Hand::remove, "127.0.0.1:2"));
  CHECK(side.now_names().empty());
  CHECK(side.sets.origins("app").empty());
  CHECK(side.order(Hand::add, "127.0.0.1:1"));
  CHECK(side.sets.origins("app").front().source == "file");  // it is that of the file again
}

TEST_CASE("an order for what is not there, or cannot be, is refused with a sentence") {
  Side side;
  side.use({{"127.0.0.1:1", 1}});
  const auto why = [&](Hand hand, const std::string& upstream, const std::string& address) {
    const auto obeyed = side.sets.obey({hand, upstream, address, 1});
    return obeyed.has_value() ? std::string() : obeyed.error();
  };
  CHECK(why(Hand::drain, "web", "127.0.0.1:1") == "there is no upstream web");
  CHECK(why(Hand::drain, "app", "127.0.0.1:9") == "upstream app has no endpoint 127.0.0.1:9");
  CHECK(why(Hand::add, "app", "127.0.0.1:1") == "127.0.0.1:1 is there already");
  CHECK(why(Hand::add, "app", "localhost:1") == "localhost:1 is there already, by another name");
  CHECK(why(Hand::add, "app", "app.test:80").starts_with("an address is needed"));
  CHECK(why(Hand::add, "app", "").starts_with("an address is needed"));
  CHECK(side.told == 0);
}

TEST_CASE("what was set by hand outlives a reload, unless the file says something else of it") {
  Side side;
  side.use({{"127.0.0.1:1", 1}, {"127.0.0.1:2", 1}});
  CHECK(side.order(Hand::weigh, "127.0.0.1:1", 7));
  CHECK(side.order(Hand::drain, "127.0.0.1:2"));
  CHECK(side.order(Hand::add, "127.0.0.1:3"));
  side.use({{"127.0.0.1:1", 1}, {"127.0.0.1:2", 1}, {"127.0.0.1:4", 1}});
  CHECK(side.now_names() == Names{"127.0.0.1:1*7", "127.0.0.1:4*1", "127.0.0.1:3*1"});
  side.use({{"127.0.0.1:1", 2}, {"127.0.0.1:2", 1}});
  CHECK(side.now_names() == Names{"127.0.0.1:1*2", "127.0.0.1:3*1"});
}

TEST_CASE("what is done by hand while a configuration waits for its names holds in it, too") {
  Side side;
  side.use({{"127.0.0.1:1", 1}, {"127.0.0.1:2", 1}, {"127.0.0.1:3", 1}});
  CHECK(side.order(Hand::drain, "127.0.0.1:1"));
  auto staged =
      side.stage({{"127.0.0.1:1", 1}, {"127.0.0.1:2", 1}, {"127.0.0.1:3", 2}, {"app.test:80", 1}});
  CHECK(side.order(Hand::ready, "127.0.0.1:1"));
  CHECK(side.order(Hand::drain, "127.0.0.1:2"));
  CHECK(side.order(Hand::drain, "127.0.0.1:3"));  // of which the file says something else
  CHECK(side.order(Hand::add, "127.0.0.1:4"));
  side.names->answer("app.test", test::addresses({"10.0.0.1"}, 5));
  CHECK(staged.complete());
  side.sets.catch_up(staged);
  CHECK(names_of(staged.sets().front()) ==
        Names{"127.0.0.1:1*1", "127.0.0.1:3*2", "10.0.0.1:80*1", "127.0.0.1:4*1"});
}

TEST_CASE("endpoints of a file follow those of the configuration, and say where they are from") {
  const test::Folder folder;
  folder.write("a.json", "[\"127.0.0.1:2\", {\"address\": \"127.0.0.1:3\", \"weight\": 4}]");
  Side side;
  side.use({{"127.0.0.1:1", 1}, {"127.0.0.1:2", 5}}, folder / "a.json");
  CHECK(side.now_names() == Names{"127.0.0.1:1*1", "127.0.0.1:2*5", "127.0.0.1:3*4"});
  CHECK(side.sets.origins("app")[1].source == "file");
  CHECK(side.sets.origins("app")[2].source == "file provider");
  CHECK(side.sets.file("app")->path == folder / "a.json");
  CHECK(side.sets.file("app")->since_unix_s > 0);
  CHECK_FALSE(side.sets.file("other").has_value());
}

TEST_CASE("a file that changes changes the set, one that is as before tells nobody") {
  const test::Folder folder;
  folder.write("a.toml", "endpoints = [\"127.0.0.1:1\"]");
  Side side;
  side.use({}, folder / "a.toml");
  const upstream::SpecRef stays = side.now->front();
  folder.write("a.toml", "endpoints = [\"127.0.0.1:2\", \"127.0.0.1:1\"]");
  side.files.changed(folder / "a.toml");
  CHECK(side.told == 1);
  CHECK(side.now_names() == Names{"127.0.0.1:2*1", "127.0.0.1:1*1"});
  CHECK(side.now->back() == stays);
  side.files.changed(folder / "a.toml");
  CHECK(side.told == 1);
  CHECK(side.sets.file("app")->reads == 3);
  folder.write("a.toml", "endpoints = []");
  side.files.changed(folder / "a.toml");
  CHECK(side.now_names().empty());
}

TEST_CASE("a file that is gone or half there leaves the last good list, and is counted") {
  const test::Folder folder;
  folder.write("a.json", "[\"127.0.0.1:1\"]");
  Side side;
  side.use({}, folder / "a.json");
  const auto look = [&] {
    side.files.changed(folder / "a.json");
    return side.sets.file("app").value();
  };
  folder.write("a.json", "[\"127.0.0.1:2\", \"127.");
  CHECK(look().failed == 1);
  CHECK(look().fault.find("a.json:1:22: this is not valid JSON") != std::string::npos);
  folder.remove("a.json");
  CHECK(look().fault.find("No such file") != std::string::npos);
  CHECK(side.now_names() == Names{"127.0.0.1:1*1"});
  CHECK(side.told == 0);
  folder.write("a.json", "[\"127.0.0.1:1\"]");
  CHECK(look().fault.empty());
  CHECK(look().failed == 3);
}

TEST_CASE("a file that is not there at the start is no endpoint, until it comes") {
  const test::Folder folder;
  Side side;
  side.use({}, folder / "a.json");
  CHECK(side.now_names().empty());
  CHECK(side.sets.file("app")->since_unix_s == 0);
  folder.write("a.json", "[\"127.0.0.1:1\"]");
  side.files.changed(folder / "a.json");
  CHECK(side.now_names() == Names{"127.0.0.1:1*1"});
}

TEST_CASE("names of a file are looked up, and go on where the list changes beside them") {
  const test::Folder folder;
  folder.write("a.json", "[{\"address\": \"app.test:80\", \"weight\": 3}]");
  Side side;
  side.use({}, folder / "a.json");
  side.names->answer("app.test", test::addresses({"10.0.0.1"}, 5));
  CHECK(side.now_names() == Names{"10.0.0.1:80*3"});
  const size_t begun = side.names->begun();
  folder.write("a.json", "[{\"address\": \"app.test:80\", \"weight\": 3}, \"127.0.0.1:1\"]");
  side.files.changed(folder / "a.json");
  CHECK(side.now_names() == Names{"10.0.0.1:80*3", "127.0.0.1:1*1"});
  CHECK(side.names->begun() == begun);
  folder.write("a.json", "[\"app.test:80\", \"other.test:80\"]");
  side.files.changed(folder / "a.json");
  CHECK(side.now_names() == Names{"10.0.0.1:80*1"});  // what was known of it
  side.names->answer("other.test", test::addresses({"10.0.0.2"}, 5));
  CHECK(side.now_names() == Names{"10.0.0.1:80*1", "10.0.0.2:80*1"});
  CHECK(side.sets.lookups("app").ended == 2);
}

TEST_CASE("what was set by hand stays, unless the file says something else of that endpoint") {
  const test::Folder folder;
  folder.write("a.json", "[\"127.0.0.1:1\", \"127.0.0.1:2\", \"127.0.0.1:3\"]");
  Side side;
  side.use({}, folder / "a.json");
  CHECK(side.order(Hand::weigh, "127.0.0.1:1", 7));
  CHECK(side.order(Hand::drain, "127.0.0.1:2"));
  CHECK(side.order(Hand::remove, "127.0.0.1:3"));
  folder.write("a.json",
               "[\"127.0.0.1:1\", {\"address\": \"127.0.0.1:2\", \"weight\": 2}, "
               "\"127.0.0.1:3\", \"127.0.0.1:4\"]");
  side.files.changed(folder / "a.json");
  CHECK(side.now_names() == Names{"127.0.0.1:1*7", "127.0.0.1:2*2", "127.0.0.1:4*1"});
}

TEST_CASE("a configuration with another file has its list, and watches the old one no more") {
  const test::Folder folder;
  folder.write("a.json", "[\"127.0.0.1:1\"]");
  folder.write("b.json", "[\"127.0.0.1:2\"]");
  Side side;
  side.use({}, folder / "a.json");
  side.use({}, folder / "b.json");
  CHECK(side.now_names() == Names{"127.0.0.1:2*1"});
  CHECK(side.files.watching(folder / "a.json") == 0);
  CHECK(side.files.watching(folder / "b.json") == 1);
  folder.remove("b.json");
  side.use({{"127.0.0.1:3", 1}}, folder / "b.json");  // the same file, which cannot be read now
  CHECK(side.now_names() == Names{"127.0.0.1:3*1", "127.0.0.1:2*1"});
  CHECK(side.sets.file("app")->reads == 3);
}

}  // namespace
}  // namespace onehop::server
