// SPDX-License-Identifier: MIT
// Signals that have no meaning do not end the program, and a service manager learns when it serves.
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <set>

#include "tests/support/catch.h"
#include "tests/support/gate.h"
#include "tests/support/notify_socket.h"
#include "tests/support/proxy_process.h"
#include "tests/support/scripted_origin.h"

namespace onehop::test {
namespace {

TEST_CASE("SIGUSR1 ends nothing, and the log says that it is ignored") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  const bool with_file = GENERATE(true, false);
  const std::vector<std::string> options = {"proxy",       "--listen", "127.0.0.1:0",   "--admin",
                                            "127.0.0.1:0", "--to",     origin.address()};
  ProxyProcess proxy = with_file ? ProxyProcess(ProxyConfig{.endpoints = {origin.address()}})
                                 : ProxyProcess(options);
  proxy.signal(SIGUSR1);
  CHECK(eventually([&] { return proxy.errors().find("SIGUSR1 is ignored") != std::string::npos; }));
  CHECK(proxy.get().status == 200);
}

TEST_CASE("a test that writes to a peer that has gone gets an error, also without MSG_NOSIGNAL") {
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  ::close(ends[1]);
  CHECK(::write(ends[0], "x", 1) == -1);
  CHECK(errno == EPIPE);
  ::close(ends[0]);
}

TEST_CASE("a program that a test starts does not inherit that SIGPIPE is ignored") {
  CHECK(run_program({"sh", "-c", "kill -PIPE $$; echo alive"}).code == 128 + SIGPIPE);
}

TEST_CASE("the demo goes on after SIGHUP, SIGUSR1 and SIGUSR2, and ends with 0 on SIGQUIT") {
  Subprocess demo({ProxyProcess::binary(), "demo"});
  REQUIRE(eventually([&] { return demo.output().find("REQ/S") != std::string::npos; }));
  demo.signal(SIGHUP);
  for (const int number : {SIGUSR1, SIGUSR2}) demo.signal(number);
  CHECK(eventually([&] {
    return demo.errors().find("SIGHUP: the new configuration is refused") != std::string::npos;
  }));
  for (const std::string name : {"SIGUSR1", "SIGUSR2"}) {
    CHECK(
        eventually([&] { return demo.errors().find(name + " is ignored") != std::string::npos; }));
  }
  demo.signal(SIGQUIT);
  CHECK(demo.wait_exit() == 0);
}

TEST_CASE("signals that come before it listens wait until it does") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  const Folder beside;
  const std::string pipe = beside / "onehop.toml";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  Subprocess onehop({ProxyProcess::binary(), "run", "--config", pipe});
  const int written_to = ::open(pipe.c_str(), O_WRONLY | O_CLOEXEC);  // it reads, so it has begun
  onehop.signal(SIGUSR1);
  const std::string text = ProxyConfig{.endpoints = {origin.address()}}.toml();
  CHECK(::write(written_to, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  ::close(written_to);
  CHECK(onehop.wait_line("listening on "));
  CHECK(
      eventually([&] { return onehop.errors().find("SIGUSR1 is ignored") != std::string::npos; }));
  onehop.signal(SIGTERM);
  CHECK(onehop.wait_exit() == 0);
  ::unlink(pipe.c_str());
}

TEST_CASE("on SIGQUIT a request in flight is finished, then it ends with 0") {
  Gate gate;
  ScriptedOrigin origin([&](OriginConnection& connection) {
    connection.must_read_request();
    gate.wait();
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    connection.wait_end();
  });
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}, .server = "drain = \"60s\""});
  Client client = proxy.connect();
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  REQUIRE(eventually([&] { return origin.requests() == 1; }));
  proxy.signal(SIGQUIT);
  REQUIRE(eventually([&] { return proxy.errors().find("draining") != std::string::npos; }));
  gate.open();
  CHECK(client.read_response().body == "hello");
  client.close();
  CHECK(proxy.wait_exit() == 0);
}

TEST_CASE("a service manager is told when clients can connect, and when it stops") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  const Folder beside;
  const std::string name =
      GENERATE(true, false) ? beside / "notify" : "@onehop-test/" + beside.path();
  const NotifySocket manager(name);
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}},
                     {.environment = {{"NOTIFY_SOCKET", name}}, .open_files = 0, .directory = ""});
  const std::string ready = manager.next();
  CHECK(ready.starts_with("READY=1\n"));
  CHECK(ready.find("STATUS=listening on " + proxy.address()) != ready.npos);
  CHECK(proxy.get().status == 200);
  CHECK(proxy.reload(ProxyConfig{.endpoints = {origin.address()}}));
  CHECK(manager.next().starts_with("RELOADING=1\nMONOTONIC_USEC="));
  CHECK(manager.next() == ready);
  proxy.signal(SIGTERM);
  CHECK(manager.next().starts_with("STOPPING=1\n"));
  CHECK(proxy.wait_exit() == 0);
}

TEST_CASE("a service manager that watches is told that every worker is alive") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  const Folder beside;
  const std::string name = beside / "notify";
  const NotifySocket manager(name);
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}},
                     {.environment = {{"NOTIFY_SOCKET", name}, {"WATCHDOG_USEC", "30000000"}},
                      .open_files = 0,
                      .directory = ""});
  std::set<std::string> told;
  while (told.size() < 2) {
    const std::string next = manager.next();
    REQUIRE_FALSE(next.empty());
    told.insert(next.substr(0, next.find('\n')));
  }
  CHECK(told == std::set<std::string>{"READY=1", "WATCHDOG=1"});
}

TEST_CASE("a service manager hears nothing of a start that fails") {
  const Folder beside;
  const NotifySocket manager(beside / "notify");
  const TemporaryFile file(
      "onehop.toml",
      "[[listener]]\naddress = \"192.0.2.1:80\"\n[[route]]\nupstream = \"a\"\n[upstream.a]\n"
      "endpoints = [\"127.0.0.1:9001\"]\n");
  const Finished run = run_program(
      {ProxyProcess::binary(), "run", file.path()},
      {.environment = {{"NOTIFY_SOCKET", beside / "notify"}}, .open_files = 0, .directory = ""});
  CHECK(run.code == 1);
  CHECK(manager.next(milliseconds(0)).empty());
}

}  // namespace
}  // namespace onehop::test
