// SPDX-License-Identifier: MIT
// Routes and endpoints see one path, whatever its spelling and whatever carries it.
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/expect.h"
#include "tests/support/proxy_chain.h"

namespace onehop::test {
namespace {

struct Row {
  const char* path;
  const char* at;      // "site", "guarded", or "400"
  const char* target;  // that the endpoint gets
};

// "/" goes to the upstream app, "/admin" to one of its own.
ProxyConfig two_routes(const std::string& guarded, const std::string& paths = "") {
  return {.routes =
              "[[route]]\npath = \"/\"\nupstream = \"app\"\n"
              "[[route]]\npath = \"/admin\"\nupstream = \"guarded\"\n",
          .more = "[upstream.guarded]\nendpoints = [\"" + guarded + "\"]\n" +
                  (paths.empty() ? "" : "[server.paths]\n" + paths + "\n")};
}

std::string name_of_target(const std::string& who, const Request& request) {
  return ok(who + " " + request.target);
}

TEST_CASE("matrix: no spelling of a path finds a way around a route") {
  const std::vector<Row> rows = {
      {"/static/../admin", "guarded", "/admin"},
      {"/static/%2E%2e/%61dmin/x?a=/../b", "guarded", "/admin/x?a=/../b"},
      {"//admin", "guarded", "/admin"},
      {"/admin;x=y", "guarded", "/admin;x=y"},
      {"/bucket//key%2fname", "site", "/bucket//key%2Fname"},
      {"/static/..%2fadmin", "400", ""},
      {"/static/..;/admin", "400", ""},
      {"/admin%2fx", "400", ""},
      {"/../admin", "400", ""},
      {"/%zz", "400", ""},
  };
  ScriptedOrigin guarded(ScriptedOrigin::answering(
      [](const Request& request) { return name_of_target("guarded", request); }));
  for_all_legs([&](Leg down, Leg up) {
    ProxyChain chain(down, up, ScriptedOrigin::answering([](const Request& request) {
                       return name_of_target("site", request);
                     }),
                     two_routes(guarded.address()));
    for (const Row& row : rows) {
      INFO(row.path);
      const auto client = chain.client();
      client->ask({.path = row.path});
      const Response response = client->response();
      if (std::string("400") == row.at) {
        CHECK(response.status == 400);
        CHECK(response.body.find("(ambiguous_path)") != std::string::npos);
      } else {
        CHECK(response.body == std::string(row.at) + " " + row.target);
      }
    }
  });
}

TEST_CASE("a path is as sent where that is asked for, and its route is that of the normal one") {
  ScriptedOrigin site(ScriptedOrigin::always(ok("site")));
  ScriptedOrigin guarded(ScriptedOrigin::answering(
      [](const Request& request) { return name_of_target("guarded", request); }));
  ProxyConfig config = two_routes(guarded.address(), "forward = \"as_sent\"");
  config.endpoints = {site.address()};
  ProxyProcess proxy(config);
  CHECK(proxy.get("/static/../%61dmin?x").body == "guarded /static/../%61dmin?x");
  CHECK(proxy.get("//admin").body == "guarded //admin");
  CHECK(proxy.get("/static/../../admin").status == 400);
}

TEST_CASE("the path of an absolute target is brought into its normal spelling, too") {
  ScriptedOrigin site(ScriptedOrigin::answering(
      [](const Request& request) { return name_of_target("site", request); }));
  ScriptedOrigin guarded(ScriptedOrigin::answering(
      [](const Request& request) { return name_of_target("guarded", request); }));
  ProxyConfig config = two_routes(guarded.address());
  config.endpoints = {site.address()};
  ProxyProcess proxy(config);
  const auto ask = [&](const std::string& start) {
    return proxy.exchange(start + " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  };
  CHECK(ask("GET http://a/x/%2e%2e/admin/.").body == "guarded /admin/");
  CHECK(ask("GET http://a?/../x").body == "site /?/../x");
  CHECK(ask("GET http://a/%2e%2e/admin").status == 400);
  CHECK(ask("OPTIONS *").body == "site *");
  CHECK(ask("OPTIONS http://a").body == "site *");
}

}  // namespace
}  // namespace onehop::test
