// SPDX-License-Identifier: MIT
// `onehop check` and the words that people try before they read the help.
#include "tests/support/catch.h"
#include "tests/support/proxy_process.h"
#include "tests/support/scripted_origin.h"

namespace onehop::test {
namespace {

Finished onehop(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), ProxyProcess::binary());
  return run_program(std::move(arguments));
}

// The command's standard input is `text`.
Finished onehop_with_input(const std::string& words, const std::string& text) {
  const TemporaryFile input("input", text);
  return run_program(
      {"sh", "-c", "'" + ProxyProcess::binary() + "' " + words + " < '" + input.path() + "'"});
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::string config_with(const std::string& endpoint, const std::string& path = "/") {
  return "[[listener]]\naddress = \"127.0.0.1:8080\"\n[[route]]\npath = \"" + path +
         "\"\nupstream = \"app\"\n[upstream.app]\nendpoints = [\"" + endpoint + "\"]\n";
}

TEST_CASE("check takes its file in each form that run does, and from standard input") {
  const std::string text = config_with("127.0.0.1:9001");
  const TemporaryFile file("onehop.toml", text);
  for (const std::vector<std::string>& row : {std::vector<std::string>{"check", file.path()},
                                              {"check", "--config", file.path()},
                                              {"check", "-c", file.path()},
                                              {"check", "--config=" + file.path()}}) {
    const Finished run = onehop(row);
    CAPTURE(run.errors);
    CHECK(run.code == 0);
    CHECK(run.output == file.path() + ": fine: 1 listener, 1 route, 1 upstream\n");
  }
  for (const char* words : {"check -", "check --config -"}) {
    const Finished piped = onehop_with_input(words, text);
    CAPTURE(words, piped.errors);
    CHECK(piped.code == 0);
    CHECK(piped.output == "<stdin>: fine: 1 listener, 1 route, 1 upstream\n");
  }
  const Finished bad = onehop_with_input("check -", config_with("127.0.0.1:9001", "/api/*"));
  CHECK(bad.code == 2);
  CHECK(contains(bad.errors, "<stdin>:4:8: route[0].path: "));
  CHECK(contains(bad.errors, "did you mean \"/api/\"?"));
}

TEST_CASE("warnings of check leave the exit code at 0") {
  const TemporaryFile unused(
      "onehop.toml",
      config_with("127.0.0.1:9001") + "[upstream.spare]\nendpoints = [\"127.0.0.1:9002\"]\n");
  const Finished one = onehop({"check", unused.path()});
  CHECK(one.code == 0);
  CHECK(one.errors == unused.path() + ":8:1: warning: upstream.spare: no route uses it\n");
  CHECK(contains(one.output, "2 upstreams; 1 warning\n"));
  const TemporaryFile nameless("onehop.toml", config_with("no-such-host.invalid:80"));
  const Finished other = onehop({"check", nameless.path()});
  CHECK(other.code == 0);
  CHECK(contains(other.errors,
                 ":7:14: warning: upstream.app.endpoints[0]: cannot resolve no-such-host.invalid"));
  const TemporaryFile elsewhere("onehop.toml", "[server.dns]\nservers = [\"127.0.0.1:1\"]\n" +
                                                   config_with("no-such-host.invalid:80"));
  CHECK(onehop({"check", elsewhere.path()}).errors.empty());
}

TEST_CASE("run says its warnings in the log and serves") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy(ProxyConfig{
      .endpoints = {origin.address()},
      .more = "[upstream.spare]\nendpoints = [\"127.0.0.1:9002\"]\n[log]\nlevel = \"warn\"\n"});
  CHECK(proxy.get().status == 200);
  CHECK(contains(proxy.errors(), "warning: upstream.spare: no route uses it"));
}

TEST_CASE("help is a command, and says what a command takes") {
  const Finished all = onehop({"help"});
  CHECK(all.code == 0);
  CHECK(all.output == onehop({"--help"}).output);
  for (const char* command :
       {"run", "check", "proxy", "demo", "stats", "check-health", "version"}) {
    CAPTURE(command);
    const Finished one = onehop({"help", command});
    CHECK(one.code == 0);
    CHECK(one.output == onehop({command, "--help"}).output);
  }
  const Finished slip = onehop({"help", "chek"});
  CHECK(slip.code == 2);
  CHECK(contains(slip.errors, "did you mean check?"));
}

TEST_CASE("the version has every option that people try for it") {
  for (const char* option : {"-V", "-v", "--version", "version"}) {
    CAPTURE(option);
    const Finished run = onehop({option});
    CHECK(run.code == 0);
    CHECK(run.output.starts_with("onehop "));
  }
}

TEST_CASE("the help of run and check calls neither form of the file required") {
  for (const char* command : {"run", "check"}) {
    const Finished help = onehop({command, "--help"});
    CHECK_FALSE(contains(help.output, "REQUIRED"));
    CHECK(contains(help.output, "--config"));
    const Finished none = onehop({command});
    CHECK(none.code == 2);
    CHECK(contains(none.errors, "a configuration file is needed"));
  }
}

TEST_CASE("words of other programs are answered with ours") {
  const std::vector<std::pair<std::vector<std::string>, std::string>> rows = {
      {{"-t"}, "onehop check FILE"},
      {{"-t", "-c", "nginx.conf"}, "onehop check FILE"},
      {{"-c", "onehop.toml"}, "onehop run FILE"},
      {{"-s", "reload"}, "onehop reload"},
      {{"-s", "stop"}, "kill -TERM PID"},
      {{"validate", "onehop.toml"}, "onehop check FILE"},
      {{"status"}, "onehop stats"},
      {{"conf/onehop.toml"}, "onehop run conf/onehop.toml"},
  };
  for (const auto& [arguments, meant] : rows) {
    const Finished run = onehop(arguments);
    CAPTURE(arguments.front(), run.errors);
    CHECK(run.code == 2);
    CHECK(contains(run.errors, "did you mean `" + meant + "`?"));
  }
}

}  // namespace
}  // namespace onehop::test
