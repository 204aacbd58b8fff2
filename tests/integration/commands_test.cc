// SPDX-License-Identifier: MIT
// Commands to a running proxy, over its unix socket and over the network: who may give them, what
// is refused, and that the log tells of all of it.
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/support/catch.h"
#include "tests/support/proxy_process.h"
#include "tests/support/unix_peer.h"

namespace onehop::test {
namespace {

constexpr const char* kToken = "0123456789abcdef0123456789abcdef";

// A path for a socket, in a folder of its own.
class Place {
 public:
  Place() : token_("token", std::string(kToken) + "\n") {}
  std::string control() const { return token_.folder() + "/control.sock"; }
  const std::string& token_file() const { return token_.path(); }

  // A proxy with both, in front of nobody.
  ProxyConfig config(const std::string& more = "") const {
    return {.endpoints = {"127.0.0.1:1"},
            .more = more,
            .admin = "control = \"" + control() + "\"\ntoken_file = \"" + token_file() + "\""};
  }

 private:
  TemporaryFile token_;
};

std::string request(const std::string& what, const std::string& fields = "",
                    const std::string& host = "localhost") {
  return what + " HTTP/1.1\r\nHost: " + host + "\r\n" + fields + "\r\n";
}

Response asked(Client client, const std::string& bytes) {
  client.send(bytes);
  return client.read_response();
}

Response over_network(const ProxyProcess& proxy, const std::string& bytes) {
  return asked(Peer::connect(proxy.admin_address()), bytes);
}

Response over_socket(const Place& place, const std::string& bytes) {
  return asked(connect_at(place.control()), bytes);
}

std::string with_token(const std::string& token) {
  return "Authorization: Bearer " + token + "\r\n";
}

bool logs(const ProxyProcess& proxy, const std::string& part) {
  return eventually([&] { return proxy.errors().find(part) != std::string::npos; });
}

// What a proxy says that does not start.
Finished failing_start(const ProxyConfig& config) {
  const TemporaryFile file("onehop.toml", config.toml());
  return run_program({ProxyProcess::binary(), "run", file.path()});
}

TEST_CASE("a command over the network is refused where no token is configured") {
  ProxyProcess proxy(ProxyConfig{.endpoints = {"127.0.0.1:1"}});
  for (const std::string& fields : {std::string(), with_token(kToken)}) {
    const Response refused = over_network(proxy, request("POST /log?level=debug", fields));
    CHECK(refused.status == 403);
    CHECK(refused.body.find("[admin] control") != std::string::npos);
    CHECK(refused.body.find("token_file") != std::string::npos);
  }
  CHECK(proxy.admin("/log").body.find("debug") == std::string::npos);
  CHECK(logs(proxy, " warning: refused POST /log?level=debug of 127.0.0.1:"));
}

TEST_CASE("a command over the network needs the token, and nothing but the token") {
  const Place place;
  ProxyProcess proxy(place.config());
  CHECK(over_network(proxy, request("POST /log?level=debug")).status == 403);
  const Response wrong = over_network(
      proxy, request("POST /log?level=debug", with_token("0123456789abcdef0123456789abcdeF")));
  CHECK(wrong.status == 401);
  CHECK(wrong.field("WWW-Authenticate") == "Bearer");
  CHECK(proxy.admin("/log").body.find("debug") == std::string::npos);
  CHECK(logs(proxy, ": 401\n"));
  const Response taken =
      over_network(proxy, request("POST /log?level=warning", with_token(kToken)));
  CHECK(taken.status == 200);
  CHECK(taken.field("Content-Type") == "application/json");
  CHECK(logs(proxy, " with the token: POST /log?level=warning: 200\n"));
  CHECK(proxy.errors().find(kToken) == std::string::npos);
  CHECK(proxy.admin("/config").body.find(kToken) == std::string::npos);
}

TEST_CASE("a token of a variable is taken, and shown nowhere") {
  SubprocessOptions options;
  options.environment["SESAME"] = kToken;
  ProxyProcess proxy(ProxyConfig{.endpoints = {"127.0.0.1:1"}, .admin = "token = \"${SESAME}\""},
                     options);
  CHECK(over_network(proxy, request("POST /log?level=info", with_token(kToken))).status == 200);
  const std::string config = proxy.admin("/config").body;
  CHECK(config.find(kToken) == std::string::npos);
  CHECK(config.find("\"token\": \"***\"") != std::string::npos);
}

TEST_CASE("the socket takes commands and shows every document, by whatever name it is asked") {
  const Place place;
  ProxyProcess proxy(place.config());
  CHECK(proxy.output().find("control on " + place.control() + "\n") != std::string::npos);
  struct stat found {};
  REQUIRE(::lstat(place.control().c_str(), &found) == 0);
  CHECK((found.st_mode & 0777) == 0660);
  CHECK(over_socket(place, request("POST /log?level=debug&room=net")).status == 200);
  CHECK(logs(proxy, " info: command of unix:uid=" + std::to_string(::getuid()) + ",pid=" +
                        std::to_string(::getpid()) + ": POST /log?level=debug&room=net: 200\n"));
  for (const std::string path :
       {"/", "/healthz", "/readyz", "/stats", "/metrics", "/config", "/log"})
    CHECK(over_socket(place, request("GET " + path, "", "evil.example")).status == 200);
  Client client = connect_at(place.control());
  for (int i = 0; i < 3; ++i) {
    client.send(request("POST /log?level=info"));
    CHECK(client.read_response().status == 200);
  }
}

TEST_CASE("a web page reads nothing and commands nothing, on neither way in") {
  const Place place;
  ProxyProcess proxy(place.config());
  const std::string page = "Origin: https://evil.example\r\n";
  for (const std::string what :
       {"GET /stats", "GET /config", "GET /nothing", "POST /log?level=debug", "OPTIONS /log"}) {
    CAPTURE(what);
    CHECK(over_network(proxy, request(what, page)).status == 403);
    CHECK(over_network(proxy, request(what, page + with_token(kToken))).status == 403);
    CHECK(over_socket(place, request(what, page)).status == 403);
  }
  const std::string rebound = request("POST /log?level=debug", with_token(kToken), "evil.example");
  CHECK(over_network(proxy, rebound).status == 421);
  CHECK(proxy.admin("/log").body.find("debug") == std::string::npos);
  CHECK(logs(proxy, "refused POST /log?level=debug of unix:uid="));
  CHECK(logs(proxy, ": 421\n"));
}

TEST_CASE("a command that does not fit is told what fits, and changes nothing") {
  const Place place;
  ProxyProcess proxy(place.config());
  struct Row {
    std::string what;
    int status;
    std::string says;
  };
  for (const Row& row :
       {Row{"POST /log", 400, "level must be one of: debug"},
        Row{"POST /log?level=loud", 400, "level must be one of: debug"},
        Row{"POST /log?level=debug&room=pantry", 400, "room must be one of: base"},
        Row{"POST /log?level=debug&rooms=net", 400, "allowed: level, room"},
        Row{"POST /nothing", 404, "no such path"}, Row{"PUT /log", 405, "GET, HEAD, POST"},
        Row{"POST /stats", 405, "GET, HEAD"}}) {
    CAPTURE(row.what);
    const Response response = over_socket(place, request(row.what));
    CHECK(response.status == row.status);
    CHECK(response.body.find(row.says) != std::string::npos);
  }
  CHECK(over_socket(place, request("PUT /log")).field("Allow") == "GET, HEAD, POST");
  CHECK(proxy.admin("/log").body.find("debug") == std::string::npos);
  CHECK(logs(proxy,
             ": POST /log?level=loud: 400 (level must be one of: debug, info, warning, "
             "error)\n"));
}

TEST_CASE("every command is in the log, the one that silences it too") {
  const Place place;
  ProxyProcess proxy(place.config());
  CHECK(over_socket(place, request("POST /log?level=error")).status == 200);
  CHECK(over_socket(place, request("POST /log?level=error&room=admin")).status == 200);
  CHECK(logs(proxy, ": POST /log?level=error: 200\n"));
  CHECK(logs(proxy, ": POST /log?level=error&room=admin: 200\n"));
  CHECK(over_network(proxy, request("POST /log?level=debug")).status == 403);
  CHECK(over_socket(place, request("POST /log?level=info")).status == 200);
  CHECK(logs(proxy, ": POST /log?level=info: 200\n"));
  CHECK(proxy.errors().find("refused") == std::string::npos);
}

TEST_CASE("the socket file that a killed proxy leaves is replaced, and a clean stop removes it") {
  const Place place;
  {
    const TemporaryFile file("onehop.toml", place.config().toml());
    Subprocess killed({ProxyProcess::binary(), "run", file.path()});
    REQUIRE(killed.wait_line("control on ").has_value());
    killed.signal(SIGKILL);
    REQUIRE(killed.wait_exit().has_value());
  }
  REQUIRE(std::filesystem::exists(place.control()));
  CHECK_THROWS_AS(connect_at(place.control()), PeerError);
  ProxyProcess proxy(place.config());
  CHECK(over_socket(place, request("POST /log?level=info")).status == 200);
  CHECK(proxy.terminate() == 0);
  CHECK_FALSE(std::filesystem::exists(place.control()));
}

TEST_CASE("a socket that a living proxy serves is an error at the start of another") {
  const Place place;
  ProxyProcess proxy(place.config());
  const Finished second = failing_start(place.config());
  CHECK(second.code == 1);
  CHECK(second.errors == "onehop: admin: cannot listen at control " + place.control() +
                             ": another process serves it; only one can\n");
  CHECK(over_socket(place, request("POST /log?level=info")).status == 200);
}

TEST_CASE("a file that is no socket is an error at the start, and is left alone") {
  const Place place;
  std::ofstream(place.control()) << "precious";
  const Finished run = failing_start(place.config());
  CHECK(run.code == 1);
  CHECK(run.errors == "onehop: admin: cannot listen at control " + place.control() +
                          ": there is something else than a socket, which is left alone\n");
  CHECK(std::filesystem::file_size(place.control()) == 8);
}

TEST_CASE("a stop leaves what another has put at the path of the socket") {
  const Place place;
  ProxyProcess proxy(place.config());
  std::filesystem::remove(place.control());
  std::ofstream(place.control()) << "another";
  CHECK(proxy.terminate() == 0);
  CHECK(std::filesystem::exists(place.control()));
}

TEST_CASE("a token file that is no good is an error at the start that does not show it") {
  struct Row {
    std::string content;
    std::string says;
  };
  for (const Row& row : {Row{"", "its first line is empty"}, Row{"\n", "its first line is empty"},
                         Row{"short\n", "16 to 512"}, Row{"0123456789 abcdef\n", "16 to 512"},
                         Row{"0123456789abcdef\nmore\n", "there is more than one line"}}) {
    CAPTURE(row.content);
    const TemporaryFile token("token", row.content);
    const Finished run = failing_start(
        {.endpoints = {"127.0.0.1:1"}, .admin = "token_file = \"" + token.path() + "\""});
    CHECK(run.code == 1);
    CHECK(run.errors.starts_with("onehop: admin: the token of token_file " + token.path() + ": "));
    CHECK(run.errors.find(row.says) != std::string::npos);
    CHECK(run.errors.find("0123456789") == std::string::npos);
  }
  const Finished none =
      failing_start({.endpoints = {"127.0.0.1:1"}, .admin = "token_file = \"/nowhere/token\""});
  CHECK(none.code == 1);
  CHECK(none.errors.find("/nowhere/token: No such file or directory") != std::string::npos);
}

TEST_CASE("without an address the admin endpoint is served over the socket alone") {
  const Place place;
  const TemporaryFile file(
      "onehop.toml",
      "[[listener]]\naddress = \"127.0.0.1:0\"\n[[route]]\npath = \"/\"\nupstream = \"app\"\n"
      "[upstream.app]\nendpoints = [\"127.0.0.1:1\"]\n[admin]\nlisten = \"\"\ncontrol = \"" +
          place.control() + "\"\n");
  Subprocess proxy({ProxyProcess::binary(), "run", file.path()});
  REQUIRE(proxy.wait_line("control on ").has_value());
  CHECK(proxy.output().find("admin on") == std::string::npos);
  CHECK(over_socket(place, request("GET /readyz")).body == "ready\n");
  CHECK(over_socket(place, request("POST /log?level=info")).status == 200);
  proxy.signal(SIGTERM);
  CHECK(proxy.wait_exit() == 0);
}

}  // namespace
}  // namespace onehop::test
