// SPDX-License-Identifier: MIT
// What a newcomer sees first: `onehop demo`, in a pipe and on a terminal.
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <sstream>

#include "tests/support/catch.h"
#include "tests/support/proxy_process.h"
#include "tests/support/scripted_origin.h"

namespace onehop::test {
namespace {

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

// A line of the table.
struct Row {
  std::string address;
  double requests = 0;
  double reuse_percent = 0;
  double p50_us = 0;
};

// The rows of the table that comes after the line that starts with `title`.
std::vector<Row> table_after(const std::string& title, const std::string& output) {
  std::vector<Row> rows;
  bool begun = false;
  for (const std::string& line : lines_of(output)) {
    if (line.starts_with(title)) begun = true;
    if (!begun || !line.starts_with("127.0.0.1:")) continue;
    std::istringstream words(line);
    Row row;
    std::string percent;
    std::string unit;
    words >> row.address >> row.requests >> row.reuse_percent >> percent >> row.p50_us >> unit;
    if (!words || percent != "%") break;  // the table is over
    if (unit == "ms") row.p50_us *= 1000;
    rows.push_back(row);
  }
  return rows;
}

// Runs a program on a terminal of 80 columns and 24 rows until it ends. Returns all that it wrote
// there and its exit code.
Finished run_on_terminal(const std::vector<std::string>& arguments) {
  const winsize size{24, 80, 0, 0};
  int terminal = -1;
  const pid_t child = ::forkpty(&terminal, nullptr, nullptr, &size);
  if (child < 0) throw std::runtime_error("no pseudo-terminal");
  if (child == 0) {
    std::vector<char*> pointers;
    for (const std::string& argument : arguments) {
      pointers.push_back(const_cast<char*>(argument.c_str()));
    }
    pointers.push_back(nullptr);
    ::execvp(pointers[0], pointers.data());
    ::_exit(127);
  }
  Finished run;
  const Deadline deadline(patience(milliseconds(15000)));
  char block[4096];
  pollfd item{terminal, POLLIN, 0};
  while (::poll(&item, 1, deadline.poll_timeout()) > 0) {
    const ssize_t got = ::read(terminal, block, sizeof block);
    if (got <= 0) break;  // EIO: nobody has the other side open
    run.output.append(block, static_cast<size_t>(got));
  }
  if (deadline.passed()) ::kill(child, SIGKILL);
  int status = 0;
  ::waitpid(child, &status, 0);
  ::close(terminal);
  run.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return run;
}

// Asks the address that is the first word of `line`.
Response ask(const std::string& line, const std::string& path) {
  Client client = Peer::connect(line.substr(0, line.find(' ')));
  client.send("GET " + path + " HTTP/1.1\r\nHost: demo\r\n\r\n");
  return client.read_response();
}

TEST_CASE(
    "demo in a pipe ends with a plain table of three busy endpoints, and names the slow one") {
  const Finished run = run_program({ProxyProcess::binary(), "demo", "--seconds", "2"});
  CAPTURE(run.output, run.errors);
  CHECK(run.code == 0);
  CHECK(run.errors.empty());
  CHECK_FALSE(contains(run.output, "\x1b"));
  for (const std::string& line : lines_of(run.output)) CHECK(line.size() <= 80);

  const std::vector<Row> rows = table_after("Since start", run.output);
  REQUIRE(rows.size() == 3);
  Row slowest;
  for (const Row& row : rows) {
    CHECK(row.requests > 10);
    CHECK(row.reuse_percent > 90);
    CHECK(contains(run.output, "\n            " + row.address) +
              contains(run.output, "  replicas  " + row.address) ==
          1);  // the header names it
    if (row.p50_us > slowest.p50_us) slowest = row;
  }
  CHECK(slowest.p50_us >= 12'000);
  CHECK(contains(run.output, "\n" + slowest.address + " is the slow one"));
  CHECK(contains(run.output, "requests needed"));
  CHECK(contains(run.output, "set-ups avoided"));
}

TEST_CASE("the addresses that demo prints can be used while it runs, until a signal ends it") {
  const int signal = GENERATE(SIGINT, SIGTERM);
  Subprocess demo({ProxyProcess::binary(), "demo"});
  const auto proxy = demo.wait_line("  proxy     ");
  const auto admin = demo.wait_line("  admin     ");
  const auto replica = demo.wait_line("  replicas  ");
  REQUIRE(proxy);
  REQUIRE(admin);
  REQUIRE(replica);
  const Response direct = ask(*replica, "/");
  CHECK(direct.status == 200);
  CHECK(direct.body.size() == 256);
  CHECK(contains(direct.body, "\"" + replica->substr(0, replica->find(' ')) + "\""));
  CHECK(ask(*proxy, "/").body.size() == 256);
  CHECK(ask(*admin, "/metrics").status == 200);
  REQUIRE(eventually(
      [&] { return Stats(ask(*admin, "/stats").body).number("uptime_us") > 1'000'000; }));
  demo.signal(signal);
  CHECK(demo.wait_exit(Deadline(patience(milliseconds(10000)))) == 0);
  CAPTURE(demo.output(), demo.errors());
  CHECK(table_after("Since start", demo.output()).size() == 3);
  CHECK(contains(demo.output(), "requests needed"));
  CHECK_FALSE(contains(demo.output(), "failed"));
}

TEST_CASE("a replica of the demo reads a request's body and keeps the connection") {
  Subprocess demo({ProxyProcess::binary(), "demo"});
  const auto replica = demo.wait_line("  replicas  ");
  REQUIRE(replica);
  Client client = Peer::connect(replica->substr(0, replica->find(' ')));
  client.send("POST / HTTP/1.1\r\nHost: demo\r\nContent-Length: 5\r\n\r\nhello");
  CHECK(client.read_response().status == 200);
  client.send("POST / HTTP/1.1\r\nHost: demo\r\nTransfer-Encoding: chunked\r\n\r\n" +
              chunked("hello"));
  CHECK(client.read_response().status == 200);
  client.send("HEAD / HTTP/1.1\r\nHost: demo\r\n\r\n");
  const Response head = client.read_response("HEAD");
  CHECK(head.field("Content-Length") == "256");
  client.send("GET / HTTP/1.1\r\nHost: demo\r\n\r\n");
  CHECK(client.read_response().body.size() == 256);
  const auto admin = demo.wait_line("  admin     ");
  REQUIRE(admin);
  REQUIRE(ask(*admin, "/healthz").status == 200);  // it watches for signals by now
  demo.signal(SIGTERM);
  CHECK(demo.wait_exit(Deadline(patience(milliseconds(10000)))) == 0);
}

TEST_CASE("demo on a terminal draws its table in place, in colour, and gives the cursor back") {
  const Finished run = run_on_terminal(
      {"env", "-u", "NO_COLOR", "TERM=xterm", ProxyProcess::binary(), "demo", "--seconds", "3"});
  CAPTURE(run.output);
  CHECK(run.code == 0);
  CHECK(contains(run.output, "\x1b[1mENDPOINT"));
  const size_t hidden = run.output.find("\x1b[?25l");
  const size_t first_table = run.output.find("ENDPOINT");
  const size_t moved_up = run.output.find("A\r", first_table);
  const size_t second_table = run.output.find("ENDPOINT", moved_up);
  const size_t summary = run.output.find("Since start");
  const size_t shown = run.output.find("\x1b[?25h");
  REQUIRE(shown != std::string::npos);
  CHECK(hidden < first_table);
  CHECK(first_table < moved_up);
  CHECK(moved_up < second_table);
  CHECK(second_table < summary);
  CHECK(summary < shown);
  CHECK(run.output.rfind("\x1b[?25l") == hidden);
}

TEST_CASE("with NO_COLOR or on a dumb terminal the demo has no colour") {
  const std::string setting = GENERATE("NO_COLOR=1", "TERM=dumb");
  const Finished run = run_on_terminal(
      {"env", "TERM=xterm", setting, ProxyProcess::binary(), "demo", "--seconds", "1"});
  CAPTURE(setting, run.output);
  CHECK(run.code == 0);
  CHECK(contains(run.output, "ENDPOINT"));
  CHECK_FALSE(contains(run.output, "\x1b[1m"));
  CHECK_FALSE(contains(run.output, "\x1b[2m"));
}

}  // namespace
}  // namespace onehop::test
