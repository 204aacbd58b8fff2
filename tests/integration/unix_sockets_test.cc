// SPDX-License-Identifier: MIT
// Unix sockets, as endpoints and as listeners: what goes over them, what their clients are called,
// and what becomes of their files.
#include <sys/stat.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/support/catch.h"
#include "tests/support/certificates.h"
#include "tests/support/folder.h"
#include "tests/support/gate.h"
#include "tests/support/proxy_chain.h"
#include "tests/support/unix_peer.h"

namespace onehop::test {
namespace {

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n";

std::string listener_at(const std::string& path, const std::string& keys = "") {
  return "[[listener]]\naddress = \"unix:" + path + "\"\n" + keys + "\n";
}

mode_t mode_of(const std::string& path) {
  struct stat found {};
  REQUIRE(::stat(path.c_str(), &found) == 0);
  return found.st_mode & 07777;
}

ino_t inode_of(const std::string& path) {
  struct stat found {};
  REQUIRE(::stat(path.c_str(), &found) == 0);
  return found.st_ino;
}

// What a proxy says that cannot start.
std::string refusal(const ProxyConfig& config) {
  const TemporaryFile file("onehop.toml", config.toml());
  const Finished finished = run_program({ProxyProcess::binary(), "run", "--config", file.path()});
  CHECK(finished.code != 0);
  return finished.errors;
}

TEST_CASE("an endpoint at a path gets requests as one at an address does, on a kept connection") {
  const Folder folder;
  ScriptedOrigin origin(ScriptedOrigin::always(ok("app")), folder / "app.sock");
  const ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}});
  for (int i = 0; i < 3; ++i) CHECK(proxy.exchange(kGet).body == "app");
  CHECK(origin.accepts() == 1);
  CHECK(origin.last().fields.all("Host") == std::vector<std::string>{"shop.example"});
  const auto endpoints = proxy.stats().document()["upstreams"]["app"]["endpoints"];
  CHECK(endpoints.contains("unix:" + (folder / "app.sock")));
}

TEST_CASE("a large body goes both ways over the socket of an endpoint") {
  const Folder folder;
  const std::string body(3'000'000, 'b');
  ScriptedOrigin origin(
      ScriptedOrigin::answering([](const Request& request) { return ok(request.body); }),
      folder / "app.sock");
  const ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}});
  const Response response = proxy.exchange("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " +
                                           std::to_string(body.size()) + "\r\n\r\n" + body);
  CHECK(response.body == body);
}

TEST_CASE("a path where nobody listens is a refused endpoint, and the log says why") {
  const Folder folder;
  std::ofstream(folder / "file") << "no socket";
  for (const auto& [name, why] :
       {std::pair<std::string, std::string>{"none.sock", "No such file or directory"},
        std::pair<std::string, std::string>{"file", "Connection refused"}}) {
    CAPTURE(name);
    const std::string address = "unix:" + (folder / name);
    const ProxyProcess proxy(ProxyConfig{.endpoints = {address}});
    CHECK(proxy.get().status == 502);
    CHECK(eventually([&] {
      return proxy.errors().find("upstream app: " + address + " cannot be reached: " + why) !=
             std::string::npos;
    }));
  }
}

TEST_CASE("where one endpoint's socket is gone another endpoint answers") {
  const Folder folder;
  ScriptedOrigin origin(ScriptedOrigin::always(ok("app")));
  const ProxyProcess proxy(
      ProxyConfig{.endpoints = {"unix:" + (folder / "none.sock"), origin.address()}});
  for (int i = 0; i < 4; ++i) CHECK(proxy.get().body == "app");
}

TEST_CASE("a connect that finds the endpoint's queue full is tried again until there is room") {
  const Folder folder;
  const int listening = bind_path(folder / "app.sock", 0);
  const Peer first = connect_at(folder / "app.sock");  // the one that a backlog of 0 takes
  const ProxyProcess proxy(ProxyConfig{.endpoints = {"unix:" + (folder / "app.sock")},
                                       .upstream_timeouts = "connect = \"60s\""});
  Client client = proxy.connect();
  client.send(kGet);
  CHECK(eventually([&] {
    const auto endpoints = proxy.stats().document()["upstreams"]["app"]["endpoints"];
    return endpoints["unix:" + (folder / "app.sock")]["connections"]["connecting"] == 1;
  }));
  const Peer taken(::accept(listening, nullptr, nullptr));
  Peer served(::accept(listening, nullptr, nullptr));
  CHECK(served.read_request().has_value());
  served.send(ok("app"));
  CHECK(client.read_response().body == "app");
  ::close(listening);
}

TEST_CASE("a connect that finds the endpoint's queue full for too long is a connect timeout") {
  const Folder folder;
  const int listening = bind_path(folder / "app.sock", 0);
  const Peer first = connect_at(folder / "app.sock");
  const ProxyProcess proxy(ProxyConfig{.endpoints = {"unix:" + (folder / "app.sock")},
                                       .upstream_timeouts = "connect = \"20ms\""});
  CHECK(proxy.get().status == 504);
  ::close(listening);
}

TEST_CASE("an endpoint at a path is added, drained and removed by hand") {
  const Folder folder;
  ScriptedOrigin a(ScriptedOrigin::always(ok("a")));
  ScriptedOrigin b(ScriptedOrigin::always(ok("b")), folder / "b.sock");
  const std::string control = folder / "control";
  const ProxyProcess proxy(
      ProxyConfig{.endpoints = {a.address()}, .admin = "control = \"" + control + "\""});
  const auto command = [&](const std::string& method, const std::string& path) {
    return ask_at(control,
                  method + " /upstreams/app/endpoints" + path + " HTTP/1.1\r\nHost: a\r\n\r\n");
  };
  std::string escaped = b.address();
  for (size_t at = 0; (at = escaped.find('/', at)) != escaped.npos;) escaped.replace(at, 1, "%2F");
  CHECK(command("POST", "?address=" + b.address()).body == b.address() + " is added\n");
  CHECK(command("POST", "?address=" + b.address()).status == 422);
  CHECK(command("DELETE", "/" + a.address()).status == 200);
  CHECK(proxy.get().body == "b");
  CHECK(command("POST", "/" + escaped + "/drain?wait=30s").body ==
        b.address() + " is drained, 0 requests in flight\n");
  CHECK(proxy.get().status == 503);
  CHECK(command("DELETE", "/" + escaped).status == 200);
  CHECK(command("POST", "?address=unix:b.sock").body.find("\"unix:/path\"") != std::string::npos);
}

TEST_CASE("TLS is spoken over a unix socket with the name that is configured") {
  const Folder folder;
  Certificates made;
  ScriptedOrigin origin(ScriptedOrigin::always(ok("app")));
  const CertificateFiles files = made.leaf({.names = {"app.example"}});
  const ProxyProcess inner(ProxyConfig{
      .endpoints = {origin.address()},
      .more =
          listener_at(folder / "tls.sock", "[listener.tls]\ncertificates = [{ cert = \"" +
                                               files.cert + "\", key = \"" + files.key + "\" }]")});
  const ProxyProcess outer(ProxyConfig{.endpoints = {"unix:" + (folder / "tls.sock")},
                                       .more = "[upstream.app.tls]\nca = \"" + made.authority() +
                                               "\"\nserver_name = \"app.example\"\n"});
  CHECK(outer.get().body == "app");
}

TEST_CASE("a listener at a path serves clients, and endpoints learn that they have no address") {
  const Folder folder;
  ScriptedOrigin origin(ScriptedOrigin::always(ok("app")));
  const ProxyProcess proxy(
      ProxyConfig{.endpoints = {origin.address()},
                  .server = "workers = 2",
                  .more = listener_at(folder / "a.sock",
                                      "forwarded = [\"x-forwarded\", \"x-real-ip\", "
                                      "\"forwarded\"]")});
  CHECK(proxy.second_address() == "unix:" + (folder / "a.sock"));
  for (int i = 0; i < 20; ++i) CHECK(ask_at(folder / "a.sock", kGet).body == "app");
  const Request seen = origin.last();
  CHECK(seen.fields.all("X-Forwarded-For") == std::vector<std::string>{"unix:"});
  CHECK(seen.fields.all("X-Real-IP") == std::vector<std::string>{"unix:"});
  CHECK(seen.fields.all("Forwarded") ==
        std::vector<std::string>{"for=unknown;host=\"shop.example\";proto=http"});
  CHECK_FALSE(seen.fields.has("X-Forwarded-Port"));
}

TEST_CASE("who comes over a unix socket is believed where \"unix\" is among the trusted proxies") {
  const Folder folder;
  ScriptedOrigin origin(ScriptedOrigin::always(ok("app")));
  const auto said = [&](const std::string& server) {
    const ProxyProcess proxy(ProxyConfig{
        .endpoints = {origin.address()}, .server = server, .more = listener_at(folder / "a.sock")});
    CHECK(ask_at(folder / "a.sock",
                 "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.9, unix:\r\n\r\n")
              .status == 200);
    return origin.last().fields.all("X-Forwarded-For").front() + " | " +
           origin.last().fields.all("X-Real-IP").front();
  };
  CHECK(said("") == "unix: | unix:");
  CHECK(said("trusted_proxies = [\"0.0.0.0/0\", \"::/0\"]") == "unix: | unix:");
  CHECK(said("trusted_proxies = [\"unix\"]") == "192.0.2.9, unix:, unix: | 192.0.2.9");
}

TEST_CASE("the file of a listener has the mode that is configured, and goes with the process") {
  const Folder folder;
  ScriptedOrigin origin(ScriptedOrigin::always(ok("app")));
  ProxyProcess proxy(ProxyConfig{
      .endpoints = {origin.address()},
      .more = listener_at(folder / "a.sock", "mode = \"0640\"") + listener_at(folder / "b.sock")});
  CHECK(mode_of(folder / "a.sock") == 0640);
  CHECK(mode_of(folder / "b.sock") == 0666);
  CHECK(proxy.terminate() == 0);
  CHECK_FALSE(std::filesystem::exists(folder / "a.sock"));
}

TEST_CASE("the file is gone as soon as a stop drains: the next process can have its place") {
  const Folder folder;
  Gate gate;
  ScriptedOrigin slow(ScriptedOrigin::once_open(gate, ok("slow")));
  ProxyConfig config{.endpoints = {slow.address()},
                     .server = "drain = \"60s\"",
                     .more = listener_at(folder / "a.sock")};
  ProxyProcess old(config);
  Client client = connect_at(folder / "a.sock");
  client.send(kGet);
  REQUIRE(eventually([&] { return slow.requests() == 1; }));
  old.signal(SIGTERM);
  REQUIRE(eventually([&] { return !std::filesystem::exists(folder / "a.sock"); }));
  ScriptedOrigin origin(ScriptedOrigin::always(ok("next")));
  config.endpoints = {origin.address()};
  const ProxyProcess next(config);
  gate.open();
  CHECK(client.read_response().body == "slow");
  client.close();
  CHECK(old.wait_exit() == 0);
  CHECK(ask_at(folder / "a.sock", kGet).body == "next");
}

TEST_CASE("the file that a dead process has left is replaced") {
  const Folder folder;
  ::close(bind_path(folder / "a.sock", 1));
  REQUIRE(std::filesystem::exists(folder / "a.sock"));
  ScriptedOrigin origin(ScriptedOrigin::always(ok("app")));
  const ProxyProcess proxy(
      ProxyConfig{.endpoints = {origin.address()}, .more = listener_at(folder / "a.sock")});
  CHECK(ask_at(folder / "a.sock", kGet).body == "app");
}

TEST_CASE("a listener that cannot have its path says why, and leaves what is there alone") {
  const Folder folder;
  std::ofstream(folder / "file") << "mine";
  const int listening = bind_path(folder / "busy.sock", 8);
  const auto said = [&](const std::string& path) {
    return refusal(ProxyConfig{.endpoints = {"127.0.0.1:1"}, .more = listener_at(path)});
  };
  const auto refused = [&](const std::string& path, const std::string& why) {
    CHECK(said(path).find("cannot listen on unix:" + path + ": " + why) != std::string::npos);
  };
  refused(folder / "file", "there is something else than a socket, which is left alone");
  refused(folder / "busy.sock", "another process serves it; only one can");
  refused(folder / "none/a.sock", "No such file or directory");
  CHECK(std::filesystem::file_size(folder / "file") == 4);
  const Peer still = connect_at(folder / "busy.sock");
  ::close(listening);
}

TEST_CASE("over a reload a listener at a path keeps its socket, takes another mode, or is gone") {
  const Folder folder;
  ScriptedOrigin origin(ScriptedOrigin::always(ok("app")));
  const auto with = [&](const std::string& listeners) {
    return ProxyConfig{.endpoints = {origin.address()}, .more = listeners};
  };
  const std::string stays = folder / "stays.sock";
  const std::string goes = folder / "goes.sock";
  ProxyProcess proxy(with(listener_at(stays) + listener_at(goes)));
  const ino_t before = inode_of(stays);
  Client client = connect_at(stays);
  client.send(kGet);
  CHECK(client.read_response().body == "app");
  const std::string comes = folder / "comes.sock";
  REQUIRE(proxy.reload(with(listener_at(comes) + listener_at(stays, "mode = \"0600\""))));
  CHECK(inode_of(stays) == before);
  CHECK(mode_of(stays) == 0600);
  CHECK_FALSE(std::filesystem::exists(goes));
  CHECK(ask_at(comes, kGet).body == "app");
  client.send(kGet);
  CHECK(client.read_response().body == "app");
  // One that cannot be opened changes nothing, and leaves no file of the others.
  const std::string more = folder / "more.sock";
  CHECK_FALSE(proxy.reload(with(listener_at(more) + listener_at(folder / "none/a.sock"))));
  CHECK_FALSE(std::filesystem::exists(more));
  CHECK(ask_at(stays, kGet).body == "app");
}

}  // namespace
}  // namespace onehop::test
