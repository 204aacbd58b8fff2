// SPDX-License-Identifier: MIT
// Sockets that systemd has opened (LISTEN_FDS): who waits in their queues is served, whoever starts
// and stops meanwhile.
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "tests/support/catch.h"
#include "tests/support/scripted_origin.h"
#include "tests/support/successor.h"
#include "tests/support/unix_peer.h"

namespace onehop::test {
namespace {

constexpr char kGet[] = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

struct Opened {
  explicit Opened(int backlog = 16) {
    auto [number, text] = bind_loopback(backlog);
    fd = number;
    address = std::move(text);
  }
  ~Opened() { ::close(fd); }
  int fd = -1;
  std::string address;
};

// bash becomes the program, so that LISTEN_PID is right.
std::vector<std::string> launched(const std::string& file, size_t sockets,
                                  const std::string& names = "") {
  return {"bash",
          "-c",
          "export LISTEN_PID=$$ LISTEN_FDS=" + std::to_string(sockets) +
              (names.empty() ? "" : " LISTEN_FDNAMES=" + names) + "; exec \"$@\"",
          "bash",
          ProxyProcess::binary(),
          "run",
          file};
}

std::string toml(const std::string& origin, const std::string& listener, const std::string& admin,
                 int workers = 1) {
  return "[server]\nworkers = " + std::to_string(workers) +
         "\ndrain_idle = \"1ms\"\n[[listener]]\naddress = \"" + listener + "\"\n[admin]\n" + admin +
         "\n[[route]]\nupstream = \"app\"\n[upstream.app]\nendpoints = [\"" + origin + "\"]\n";
}

std::string listen_at(const std::string& address) {
  return "listen = \"" + address + "\"";
}

TEST_CASE("who waits in the queue of an activated socket is served, also after a restart") {
  const int workers = GENERATE(1, 3);
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  const Opened clients;
  const Opened admin;
  const TemporaryFile file(
      "onehop.toml", toml(origin.address(), clients.address, listen_at(admin.address), workers));
  for (int start = 0; start < 2; ++start) {
    Client early = Peer::connect(clients.address);
    early.send(kGet);
    Subprocess onehop(launched(file.path(), 2, "web:admin"),
                      {.environment = {},
                       .open_files = 0,
                       .directory = "",
                       .descriptors = {clients.fd, admin.fd}});
    CHECK(early.read_response().body == "done");
    Client asks = Peer::connect(admin.address);
    asks.send(kGet);
    CHECK(asks.read_response().status != 0);
    onehop.signal(SIGTERM);
    CHECK(onehop.wait_exit() == 0);
  }
}

TEST_CASE("an activated socket for which there is no listener is an error at the start") {
  const Opened clients;
  const Opened stray;
  const TemporaryFile file("onehop.toml", toml("127.0.0.1:1", clients.address, ""));
  const Finished finished = run_program(
      launched(file.path(), 2, "web:stray"),
      {.environment = {}, .open_files = 0, .directory = "", .descriptors = {clients.fd, stray.fd}});
  CHECK(finished.code == 1);
  CHECK(finished.errors.find("for which there is no listener") != std::string::npos);
  CHECK(finished.errors.find(stray.address + ", descriptor 4 (stray) of LISTEN_FDS") !=
        std::string::npos);
}

TEST_CASE("what is no listening stream socket is an error that says what is needed") {
  const bool is_socket = GENERATE(true, false);
  const std::string sentence = is_socket ? "it does not listen" : "it is no socket";
  const Opened mute(-1);
  const Opened clients;
  const int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  const TemporaryFile file("onehop.toml", toml("127.0.0.1:1", clients.address, ""));
  const Finished finished =
      run_program(launched(file.path(), 1), {.environment = {},
                                             .open_files = 0,
                                             .directory = "",
                                             .descriptors = {is_socket ? mute.fd : null}});
  ::close(null);
  CHECK(finished.code == 1);
  CHECK(finished.errors.find("descriptor 3 of LISTEN_FDS: " + sentence) != std::string::npos);
}

TEST_CASE("LISTEN_FDS that is for another process is left alone, and a wrong one is an error") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}},
                     {.environment = {{"LISTEN_PID", "1"}, {"LISTEN_FDS", "4"}},
                      .open_files = 0,
                      .directory = ""});
  CHECK(proxy.get().body == "done");
  const TemporaryFile file("onehop.toml", toml("127.0.0.1:1", "127.0.0.1:0", ""));
  std::vector<std::string> arguments = launched(file.path(), 1);
  arguments[2].replace(arguments[2].find("LISTEN_FDS=1"), 12, "LISTEN_FDS=many");
  const Finished finished = run_program(arguments);
  CHECK(finished.code == 1);
  CHECK(finished.errors.find("LISTEN_FDS is a number up to 1024, \"many\" was given") !=
        std::string::npos);
}

TEST_CASE("the file of a unix socket that systemd has opened stays, through takeover and stop") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  const Folder beside;
  const std::string path = beside / "web.sock";
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  REQUIRE(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(::listen(fd, 16) == 0);
  const TemporaryFile file("onehop.toml",
                           toml(origin.address(), "unix:" + path, listen_at("127.0.0.1:0"), 2));
  const auto serves = [&] {
    Client client = connect_at(path);
    client.send(kGet);
    return client.read_response().body == "done";
  };
  Subprocess first(launched(file.path(), 1),
                   {.environment = {}, .open_files = 0, .directory = "", .descriptors = {fd}});
  REQUIRE(first.wait_line("admin on "));
  CHECK(serves());
  ProxyProcess second({"run", "--takeover", file.path()});
  CHECK(first.wait_exit() == 0);
  CHECK(serves());
  CHECK(second.terminate() == 0);
  CHECK(std::filesystem::exists(path));
  ::close(fd);
}

TEST_CASE("an activated program hands its sockets over") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  const Opened clients;
  const Opened admin;
  const TemporaryFile file("onehop.toml",
                           toml(origin.address(), clients.address, listen_at(admin.address)));
  Subprocess first(
      launched(file.path(), 2),
      {.environment = {}, .open_files = 0, .directory = "", .descriptors = {clients.fd, admin.fd}});
  REQUIRE(first.wait_line("admin on "));
  ProxyProcess second({"run", "--takeover", file.path()});
  CHECK(first.wait_exit() == 0);
  CHECK(second.address() == clients.address);
  CHECK(second.get().body == "done");
}

}  // namespace
}  // namespace onehop::test
