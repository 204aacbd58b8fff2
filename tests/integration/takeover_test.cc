// SPDX-License-Identifier: MIT
// A new process takes over from one that runs: whatever becomes of the new one, no request fails.
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <thread>

#include "onehop/base/address.h"
#include "tests/support/catch.h"
#include "tests/support/gate.h"
#include "tests/support/h2_client.h"
#include "tests/support/notify_socket.h"
#include "tests/support/proxy_chain.h"
#include "tests/support/scripted_origin.h"
#include "tests/support/successor.h"
#include "tests/support/tls_peer.h"
#include "tests/support/unix_peer.h"

namespace onehop::test {
namespace {

constexpr char kGet[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

// Idle connections are kept until their clients have asked once more, which they do at once.
std::string patient(const std::string& more = "") {
  return "drain = \"60s\"\ntunnel_drain = \"60s\"\ndrain_idle = \"20s\"\n" + more;
}

bool says(const ProxyProcess& proxy, const std::string& words) {
  return eventually([&] { return proxy.errors().find(words) != std::string::npos; });
}

// Clients that ask without a pause, each in its own way, until the load is destroyed.
class Load {
 public:
  explicit Load(std::string address) : address_(std::move(address)) {
    threads_.emplace_back([this] { ask("anew", [this] { ask_anew(); }); });
    threads_.emplace_back([this] { ask("on one connection", [this] { ask_on_one(); }); });
    threads_.emplace_back([this] { ask("over HTTP/2", [this] { ask_over_h2(); }); });
  }
  ~Load() { stop(); }

  void stop() {
    stopping_ = true;
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }
  // Waits until there were so many more of them.
  bool go_on(int requests) const {
    const int wanted = answered_ + requests;
    return eventually([&] { return answered_ >= wanted || failed_ > 0; }) && failed_ == 0;
  }
  // What the first one that failed met; "" where none did. After stop().
  const std::string& failure() const { return failure_; }

 private:
  template <class Way>
  void ask(const char* name, Way way) {
    while (!stopping_) {
      try {
        way();
      } catch (const std::exception& error) {
        if (failed_++ == 0) failure_ = std::string(name) + ": " + error.what();
      }
    }
  }
  void count(int status, const std::string& body) {
    if (status != 200) throw std::runtime_error(std::to_string(status) + " " + body);
    ++answered_;
  }
  void count(const Response& response) { count(response.status, response.body); }
  void ask_anew() {
    Client client = Peer::connect(address_);
    client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    count(client.read_response());
  }
  void ask_on_one() {
    Client client = Peer::connect(address_);
    while (!stopping_) {
      client.send(kGet);
      const Response response = client.read_response();
      count(response);
      if (response.fields.has_token("Connection", "close")) return;
    }
  }
  void ask_over_h2() {
    H2Peer client = H2Peer::connect(address_);
    while (!stopping_ && !client.goaway().has_value()) {
      const H2Exchange& exchange = client.finish(client.request(h2_request()));
      count(exchange.status(), exchange.body);
    }
  }

  std::string address_;
  std::atomic<bool> stopping_ = false;
  std::atomic<int> answered_ = 0;
  std::atomic<int> failed_ = 0;
  std::string failure_;
  std::vector<std::thread> threads_;
};

TEST_CASE("84: no request fails when the program is replaced, twice, with more and fewer workers") {
  const auto [first, second, third] =
      GENERATE(std::tuple(1, 1, 1), std::tuple(4, 2, 3), std::tuple(2, 4, 1));
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  const auto config = [&](int workers) {
    return ProxyConfig{.endpoints = {origin.address()},
                       .server = patient("workers = " + std::to_string(workers))};
  };
  ProxyProcess proxy(config(first));
  Successor successor(proxy);
  Load load(proxy.address());
  CHECK(load.go_on(30));
  proxy.write(config(second));
  REQUIRE(successor.take_over());
  CHECK(proxy.stats().number("takeover/predecessor_pid") == proxy.pid());
  CHECK(load.go_on(30));
  CHECK(proxy.wait_exit() == 0);
  proxy.write(config(third));
  REQUIRE(successor.take_over());
  CHECK(load.go_on(30));
  CHECK(proxy.stats().number("workers") == third);
  load.stop();
  CHECK(load.failure() == "");
}

// A name server that says nothing, which a start waits for.
struct Silent {
  Silent() {
    const Address any = *Address::numeric("127.0.0.1", 0);
    REQUIRE(::bind(fd, any.raw(), any.size()) == 0);
    sockaddr_storage bound{};
    socklen_t size = sizeof bound;
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &size);
    address = Address::from(reinterpret_cast<const sockaddr*>(&bound)).to_string();
  }
  ~Silent() { ::close(fd); }
  int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  std::string address;
};

TEST_CASE("until the new process serves, the one that runs answers on admin, and is ready") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  const Silent dns;
  ProxyConfig config{.endpoints = {origin.address()}, .server = patient()};
  ProxyProcess proxy(config);
  Successor successor(proxy);
  config.endpoints.push_back("app.example.test:80");
  config.more = "[server.dns]\nservers = [\"" + dns.address + "\"]\ntimeout = \"200ms\"\n";
  proxy.write(config);
  proxy.signal(SIGUSR2);
  bool ready = true;
  CHECK(eventually([&] {
    try {
      ready = ready && proxy.admin("/readyz").status == 200;
      return proxy.stats().number("pid") != proxy.pid();
    } catch (const std::exception&) {
      return false;  // between the two
    }
  }));
  CHECK(ready);
  REQUIRE(successor.wait_until_it_serves());
  CHECK(proxy.wait_exit() == 0);
}

TEST_CASE("a tunnel lives in the process that has handed over until it ends") {
  ScriptedOrigin origin([](OriginConnection& connection) {
    connection.must_read_request();
    connection.send(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n");
    while (true) {
      const std::string bytes = connection.read_some();
      if (bytes.empty() || !connection.try_send(bytes)) return;
    }
  });
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}, .server = patient()});
  Successor successor(proxy);
  Client tunnel = proxy.connect();
  tunnel.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n");
  REQUIRE(tunnel.read_response_head().status == 101);
  REQUIRE(successor.take_over());
  REQUIRE(says(proxy, "serves from now on; draining"));
  proxy.signal(SIGTERM);  // as systemd sends it to all: it drains already
  CHECK(says(proxy, "it drains already, as another process serves"));
  tunnel.send("hello");
  CHECK(tunnel.read_exact(5) == "hello");
  tunnel.close();
  CHECK(proxy.wait_exit() == 0);
}

TEST_CASE("that the new process is stopped is no error of the old one, which still drains") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}, .server = patient()});
  Client stays = proxy.connect();
  stays.send(kGet);
  REQUIRE(stays.read_response().status == 200);
  proxy.signal(SIGUSR2);
  REQUIRE(says(proxy, "this process serves from now on, in the place of process "));
  const std::string mark = "SIGUSR2: process ";
  const std::string log = proxy.errors();
  ::kill(std::stoi(log.substr(log.find(mark) + mark.size())), SIGTERM);
  CHECK(says(proxy, ", which has taken over, has ended"));
  CHECK(proxy.errors().find("error: ") == std::string::npos);
  stays.close();
  CHECK(proxy.wait_exit() == 0);
}

TEST_CASE("while the old process drains, a file that changes is the new one's alone") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyConfig config{.endpoints = {origin.address()}, .server = patient("watch = true")};
  ProxyProcess proxy(config);
  Successor successor(proxy);
  Client stays = proxy.connect();
  stays.send(kGet);
  REQUIRE(stays.read_response().status == 200);
  REQUIRE(successor.take_over());
  config.pool = "max_idle = 8";
  proxy.write(config);
  CHECK(says(proxy, "watch: configuration 2 is in force; upstream.app.pool.max_idle"));
  stays.close();
  CHECK(proxy.wait_exit() == 0);
  CHECK(proxy.errors().find("is refused and the old one stays in force") == std::string::npos);
}

TEST_CASE("where the new process does not start, the one that runs goes on and says why") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  const ProxyConfig good{.endpoints = {origin.address()}, .server = patient()};
  ProxyProcess proxy(good);
  Successor successor(proxy);
  const bool mistake = GENERATE(true, false);  // in the file, or an address that is taken
  const std::string taken = "[[listener]]\naddress = \"" + origin.address() + "\"\n";
  const std::string said = mistake ? "app.endpoints" : "cannot listen on " + origin.address();
  proxy.write(mistake ? ProxyConfig{.endpoints = {"nonsense:"}}
                      : ProxyConfig{.endpoints = {"127.0.0.1:1"}, .more = taken});
  proxy.signal(SIGUSR2);
  CHECK(says(proxy, "failed, this process goes on: "));
  const std::string log = proxy.errors();
  CHECK(log.find(said, log.find("failed, this process goes on: ")) != log.npos);
  CHECK(says(proxy, "it ended with code "));
  CHECK(proxy.stats().number("takeover/failed_total") == 1);
  CHECK(proxy.stats().number("pid") == proxy.pid());
  CHECK(proxy.get().body == "done");
  proxy.write(good);
  REQUIRE(successor.take_over());
  CHECK(proxy.get().body == "done");
  CHECK(proxy.wait_exit() == 0);
}

TEST_CASE("a process that is started with --takeover takes over from the one with the same file") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  const ProxyConfig config{.endpoints = {origin.address()}, .server = patient()};
  const TemporaryFile file("onehop.toml", config.toml());
  ProxyProcess first({"run", "--config", file.path()});
  ProxyProcess second({"run", "--takeover", file.path()});
  CHECK(second.address() == first.address());
  CHECK(second.admin_address() == first.admin_address());
  CHECK(first.wait_exit() == 0);
  CHECK(second.get().body == "done");
  CHECK(second.stats().number("pid") == second.pid());
  ProxyProcess third({"run", "--takeover", file.path()});
  CHECK(second.wait_exit() == 0);
  CHECK(third.get().body == "done");
}

TEST_CASE("a process that is started in another folder takes the control socket over, too") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  const ProxyConfig config{
      .endpoints = {origin.address()}, .server = patient(), .admin = "control = \"control.sock\""};
  const TemporaryFile file("onehop.toml", config.toml());
  SubprocessOptions there;
  there.directory = file.folder();
  const std::string name = std::filesystem::path(file.path()).filename();
  ProxyProcess first({"run", "--config", name}, there);
  ProxyProcess second({"run", "--takeover", file.path()});
  CHECK(first.wait_exit() == 0);
  Client client = connect_at(file.folder() + "/control.sock");
  client.send("GET /readyz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  CHECK(client.read_response().status == 200);
}

TEST_CASE("a proxy without a file is replaced on SIGUSR2, too") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy({"proxy", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--workers",
                      "2", "--to", origin.address()});
  Successor successor(proxy);
  REQUIRE(successor.take_over());
  CHECK(proxy.get().body == "done");
  CHECK(proxy.wait_exit() == 0);
  const Finished finished = run_program({ProxyProcess::binary(), "proxy", "--listen", "127.0.0.1:0",
                                         "--to", origin.address(), "--takeover"});
  CHECK(finished.code == 1);
  CHECK(finished.errors.find("send SIGUSR2 to the process that runs") != std::string::npos);
}

TEST_CASE("clients resume their sessions of TLS with the process that has taken over") {
  Certificates made;
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy(ProxyConfig{
      .endpoints = {origin.address()}, .server = patient(), .more = listener_tls(made)});
  Successor successor(proxy);
  TlsSession session;
  {
    TlsTunnel tunnel(proxy.address(), {.ca = made.authority()});
    Peer client = tunnel.take_peer();
    client.send(kGet);
    CHECK(client.read_response().body == "done");
    session = tunnel.session();
  }
  REQUIRE(successor.take_over());
  CHECK(proxy.wait_exit() == 0);
  TlsTunnel again(proxy.address(), {.ca = made.authority(), .session = session});
  CHECK(again.resumed());
  Peer client = again.take_peer();
  client.send(kGet);
  CHECK(client.read_response().body == "done");
}

TEST_CASE("where nobody runs with its file, --takeover is an error that says so") {
  const TemporaryFile file("onehop.toml", ProxyConfig{.endpoints = {"127.0.0.1:1"}}.toml());
  const Finished finished = run_program({ProxyProcess::binary(), "run", "--takeover", file.path()});
  CHECK(finished.code == 1);
  CHECK(finished.errors.find("no onehop runs with this file") != std::string::npos);
}

TEST_CASE("a takeover by another user is refused, and both processes say so") {
  if (::geteuid() != 0 || !has_program("setpriv")) {
    WARN("not tested: root and setpriv are needed");
    return;
  }
  const std::vector<std::string> as_nobody = {"setpriv", "--reuid=65534", "--clear-groups"};
  std::vector<std::string> arguments = as_nobody;
  arguments.insert(arguments.end(), {ProxyProcess::binary(), "version"});
  if (run_program(arguments).code != 0) {
    WARN("not tested: another user may not run the program");
    return;
  }
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  const TemporaryFile file("onehop.toml", ProxyConfig{.endpoints = {origin.address()}}.toml());
  ProxyProcess proxy({"run", "--config", file.path()});
  arguments = as_nobody;
  arguments.insert(arguments.end(), {ProxyProcess::binary(), "run", "--takeover", file.path()});
  const Finished finished = run_program(arguments);
  CHECK(finished.code == 1);
  CHECK(finished.errors.find("runs as user 0, and this one as user 65534") != std::string::npos);
  CHECK(says(proxy, "a takeover is refused: process "));
  CHECK(says(proxy, "runs as user 65534, and this one as user 0"));
  CHECK(proxy.get().body == "done");
}

// A program that is started with it waits until somebody writes to it.
void replace_by_pipe(const std::string& path) {
  const std::string beside = path + ".pipe";
  REQUIRE(::mkfifo(beside.c_str(), 0600) == 0);
  std::filesystem::rename(beside, path);
}

TEST_CASE("there is one takeover at a time, and a stop calls it off") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  const std::string text = ProxyConfig{.endpoints = {origin.address()}}.toml();
  const TemporaryFile file("onehop.toml", text);
  ProxyProcess proxy({"run", "--config", file.path()});
  Successor adopter(proxy);  // of a child that outlives its parent
  replace_by_pipe(file.path());
  proxy.signal(SIGUSR2);
  const int written_to = ::open(file.path().c_str(), O_WRONLY | O_CLOEXEC);  // when it is read
  proxy.signal(SIGUSR2);
  CHECK(says(proxy, "SIGUSR2 is ignored: process "));
  CHECK(proxy.get().body == "done");
  proxy.signal(SIGTERM);
  CHECK(says(proxy, "is called off: this one is being stopped"));
  CHECK(proxy.wait_exit() == 0);
  CHECK(::write(written_to, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  ::close(written_to);
  CHECK(says(proxy, "onehop: takeover: "));
}

TEST_CASE("the first process of a container is not replaced, as the container would end with it") {
  std::vector<std::string> arguments = {"unshare", "--pid", "--fork", "--kill-child", "true"};
  if (!has_program("unshare") || run_program(arguments).code != 0) {
    WARN("not tested: root and unshare are needed");
    return;
  }
  const TemporaryFile file("onehop.toml", ProxyConfig{.endpoints = {"127.0.0.1:1"}}.toml());
  arguments.pop_back();
  arguments.insert(arguments.end(), {ProxyProcess::binary(), "run", file.path()});
  Subprocess container(arguments);
  REQUIRE(container.wait_line("admin on "));
  const std::string outer = std::to_string(container.pid());
  pid_t first = 0;
  std::ifstream("/proc/" + outer + "/task/" + outer + "/children") >> first;
  REQUIRE(first > 0);
  ::kill(first, SIGUSR2);
  CHECK(eventually([&] {
    return container.errors().find("SIGUSR2 is ignored: this one is process 1 of its container") !=
           std::string::npos;
  }));
  ::kill(first, SIGTERM);
  CHECK(container.wait_exit() == 0);
}

TEST_CASE("the file of the control socket is the new process's, which removes it") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  const Folder beside;
  const std::string path = beside / "control.sock";
  ProxyProcess proxy(ProxyConfig{
      .endpoints = {origin.address()}, .server = patient(), .admin = "control = \"" + path + "\""});
  Successor successor(proxy);
  REQUIRE(successor.take_over());
  CHECK(proxy.wait_exit() == 0);
  Client client = connect_at(path);
  client.send("GET /readyz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  CHECK(client.read_response().status == 200);
  CHECK(successor.terminate() == 0);
  CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE("the file of a control socket that the new configuration does not have is removed") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  const Folder beside;
  const std::string path = beside / "control.sock";
  ProxyProcess proxy(ProxyConfig{
      .endpoints = {origin.address()}, .server = patient(), .admin = "control = \"" + path + "\""});
  Successor successor(proxy);
  REQUIRE(std::filesystem::exists(path));
  proxy.write(ProxyConfig{.endpoints = {origin.address()}, .server = patient()});
  REQUIRE(successor.take_over());
  CHECK(proxy.wait_exit() == 0);
  CHECK(eventually([&] { return !std::filesystem::exists(path); }));
}

std::string listener_at(const std::string& path, const std::string& mode = "0660") {
  return "[[listener]]\naddress = \"unix:" + path + "\"\nmode = \"" + mode + "\"\n";
}

Response get_at(const std::string& path) {
  return ask_at(path, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
}

struct stat status_of(const std::string& path) {
  struct stat found {};
  REQUIRE(::stat(path.c_str(), &found) == 0);
  return found;
}

TEST_CASE("a listener at a path keeps its file through takeovers, and the last one removes it") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  const Folder beside;
  const std::string path = beside / "web.sock";
  const auto config = [&](const std::string& mode) {
    return ProxyConfig{.endpoints = {origin.address()},
                       .server = patient("workers = 2"),
                       .more = listener_at(path, mode)};
  };
  ProxyProcess proxy(config("0660"));
  Successor successor(proxy);
  const struct stat first = status_of(path);
  CHECK((first.st_mode & 07777) == 0660);
  proxy.write(config("0600"));
  REQUIRE(successor.take_over());
  CHECK(proxy.wait_exit() == 0);
  CHECK(status_of(path).st_ino == first.st_ino);
  CHECK(eventually([&] { return (status_of(path).st_mode & 07777) == 0600; }));
  CHECK(get_at(path).body == "done");
  REQUIRE(successor.take_over());
  CHECK(status_of(path).st_ino == first.st_ino);
  CHECK(get_at(path).body == "done");
  CHECK(successor.terminate() == 0);
  CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE("a takeover that fails leaves the file of a listener, and none of those that were new") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  const Folder beside;
  const std::string path = beside / "web.sock";
  const std::string further = beside / "further.sock";
  ProxyConfig config{.endpoints = {origin.address()}, .more = listener_at(path)};
  ProxyProcess proxy(config);
  const std::string taken = "[[listener]]\naddress = \"" + origin.address() + "\"\n";
  config.more += listener_at(further) + taken;
  config.endpoints = {"127.0.0.1:1"};  // else it would be its own endpoint
  proxy.write(config);
  proxy.signal(SIGUSR2);
  REQUIRE(says(proxy, "it ended with code 1"));
  CHECK(proxy.errors().find("cannot listen on " + origin.address()) != std::string::npos);
  CHECK_FALSE(std::filesystem::exists(further));
  CHECK(get_at(path).body == "done");
  CHECK(proxy.terminate() == 0);
  CHECK_FALSE(std::filesystem::exists(path));
}

// It drains for as long as it has a client, and its end is not that of a file which is another's.
TEST_CASE("a process that was taken over from leaves the path to whoever listens there by then") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  const Folder beside;
  const std::string path = beside / "web.sock";
  const ProxyConfig without{.endpoints = {origin.address()}, .server = patient()};
  ProxyConfig with = without;
  with.more = listener_at(path);
  ProxyProcess proxy(with);
  Successor successor(proxy);
  Client stays = proxy.connect();
  stays.send(kGet);
  REQUIRE(stays.read_response().status == 200);
  REQUIRE(successor.take_over());
  const bool anew = GENERATE(false, true);  // a socket of a reload at the same path
  if (anew) {
    proxy.write(without);
    ::kill(successor.pid(), SIGHUP);
    REQUIRE(eventually([&] { return !std::filesystem::exists(path); }));
    proxy.write(with);
    ::kill(successor.pid(), SIGHUP);
    REQUIRE(eventually([&] { return std::filesystem::exists(path); }));
  }
  stays.close();
  CHECK(proxy.wait_exit() == 0);
  REQUIRE(std::filesystem::exists(path));
  CHECK(get_at(path).body == "done");
}

TEST_CASE("the file of a listener that the new configuration does not have is removed") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  const Folder beside;
  const std::string path = beside / "web.sock";
  ProxyConfig config{
      .endpoints = {origin.address()}, .server = patient(), .more = listener_at(path)};
  ProxyProcess proxy(config);
  Successor successor(proxy);
  REQUIRE(std::filesystem::exists(path));
  config.more.clear();
  proxy.write(config);
  REQUIRE(successor.take_over());
  CHECK(proxy.wait_exit() == 0);
  CHECK(eventually([&] { return !std::filesystem::exists(path); }));
}

TEST_CASE("what the new configuration does not listen on is closed, what is new is bound") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  const std::string further = "[[listener]]\naddress = \"127.0.0.1:0\"\n";
  ProxyProcess proxy(
      ProxyConfig{.endpoints = {origin.address()}, .server = patient(), .more = further});
  Successor successor(proxy);
  const std::string second = proxy.second_address();
  CHECK(Peer::connect(second).quiet_for(milliseconds(0)));
  proxy.write(ProxyConfig{.endpoints = {origin.address()}, .server = patient()});
  REQUIRE(successor.take_over());
  CHECK(says(proxy, "not listened on any more, as the configuration has it not: " + second));
  CHECK(proxy.wait_exit() == 0);
  CHECK_THROWS_AS(Peer::connect(second), PeerError);
  // By the address, where nobody knows the key.
  proxy.write(ProxyConfig{.endpoints = {origin.address()},
                          .server = patient(),
                          .more = "[[listener]]\naddress = \"" + second + "\"\n"});
  REQUIRE(successor.take_over());
  CHECK(Peer::connect(second).quiet_for(milliseconds(0)));
  CHECK(proxy.get().body == "done");
}

TEST_CASE("the new process has no descriptor of the one before but its sockets") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy(
      ProxyConfig{.endpoints = {origin.address()}, .server = patient("workers = 2")});
  Successor successor(proxy);
  REQUIRE(eventually([&] { return proxy.stats().number("downstream/requests/total") == 0; }));
  const size_t before = proxy.open_files();
  Client client = proxy.connect();
  client.send(kGet);
  REQUIRE(client.read_response().status == 200);
  REQUIRE(successor.take_over());
  client.close();
  CHECK(proxy.wait_exit() == 0);
  CHECK(eventually([&] { return successor.open_files() <= before; }));
}

TEST_CASE("a service manager is told which process is the service, which says that it serves") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  const Folder beside;
  const std::string name = beside / "notify";
  const NotifySocket manager(name);
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}, .server = patient()},
                     {.environment = {{"NOTIFY_SOCKET", name}}, .open_files = 0, .directory = ""});
  Successor successor(proxy);
  const std::string ready = manager.next();
  REQUIRE(ready.starts_with("READY=1\n"));
  REQUIRE(successor.take_over());
  CHECK(proxy.wait_exit() == 0);
  CHECK(manager.next() == "MAINPID=" + std::to_string(successor.pid()));
  CHECK(manager.next() == ready);
  CHECK(successor.terminate() == 0);
  CHECK(manager.next().starts_with("STOPPING=1\n"));
}

}  // namespace
}  // namespace onehop::test
