// SPDX-License-Identifier: MIT
// The command line: what each command prints, and the exit codes 0, 1 and 2.
#include <unistd.h>

#include <sstream>

#include "tests/support/catch.h"
#include "tests/support/proxy_process.h"
#include "tests/support/scripted_origin.h"

namespace onehop::test {
namespace {

Finished onehop(std::vector<std::string> arguments, const SubprocessOptions& options = {}) {
  arguments.insert(arguments.begin(), ProxyProcess::binary());
  return run_program(std::move(arguments), options);
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

constexpr char kSmallest[] =
    "[[listener]]\naddress = \"127.0.0.1:8080\"\n[[route]]\npath = \"/\"\nupstream = \"app\"\n"
    "[upstream.app]\nendpoints = [\"127.0.0.1:9001\", { address = \"127.0.0.1:9002\", weight = 2 "
    "}]\n"
    "[admin]\nlisten = \"127.0.0.1:9900\"\n";

TEST_CASE("version says the version and ends with 0") {
  const Finished run = onehop({"version"});
  CHECK(run.code == 0);
  CHECK(run.output.starts_with("onehop "));
  CHECK(run.output.find_first_of("0123456789") != std::string::npos);
}

TEST_CASE("check accepts the smallest file") {
  const TemporaryFile file("onehop.toml", kSmallest);
  const Finished run = onehop({"check", file.path()});
  CAPTURE(run.output, run.errors);
  CHECK(run.code == 0);
}

TEST_CASE("check names every error of a file with its place, and ends with 2") {
  const TemporaryFile file(
      "bad.toml",
      "[[listener]]\naddress = \"127.0.0.1:8080\"\n[[route]]\npath = \"/\"\n"
      "upstream = \"nobody\"\n[upstream.app]\nendpoints = [\"127.0.0.1:9001\"]\n"
      "balanc = \"round_robin\"\n[upstream.app.pool]\nmax_idle = \"many\"\n");
  const Finished run = onehop({"check", file.path()});
  CAPTURE(run.errors);
  CHECK(run.code == 2);
  CHECK(contains(run.errors, file.path() + ":5:"));
  CHECK(contains(run.errors, file.path() + ":8:"));
  CHECK(contains(run.errors, file.path() + ":10:"));
  CHECK(contains(run.errors, "balance"));  // the suggestion
  CHECK(contains(run.errors, "nobody"));
}

TEST_CASE("run takes the file with --config before it or without") {
  const TemporaryFile file("onehop.toml", std::string(kSmallest) + "[nonsense]\n");
  for (const std::vector<std::string>& row : {std::vector<std::string>{"run", file.path()},
                                              {"run", "--config", file.path()},
                                              {"run", "-c", file.path()}}) {
    const Finished run = onehop(row);
    CAPTURE(run.errors);
    CHECK(run.code == 2);
    CHECK(contains(run.errors, file.path() + ":10:2: nonsense: an unknown key"));
  }
}

TEST_CASE("check ends with 2 for a file that is no TOML and for one that is not there") {
  const TemporaryFile file("bad.toml", "[[listener]\naddress = \n");
  const Finished bad = onehop({"check", file.path()});
  CHECK(bad.code == 2);
  CHECK(contains(bad.errors, file.path() + ":1:"));
  const Finished missing = onehop({"check", file.folder() + "/missing.toml"});
  CHECK(missing.code == 2);
  CHECK(contains(missing.errors, "missing.toml"));
}

TEST_CASE("run does not start with a bad file") {
  const TemporaryFile file("bad.toml", std::string(kSmallest) + "[nonsense]\n");
  const Finished run = onehop({"run", "--config", file.path()});
  CHECK(run.code == 2);
  CHECK(contains(run.errors, "nonsense"));
  CHECK_FALSE(contains(run.output, "listening on"));
}

TEST_CASE("variables of the environment are replaced in the file") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy(
      ProxyConfig{.endpoints = {"${APP_ADDRESS}", "${OTHER:-" + origin.address() + "}"}},
      {.environment = {{"APP_ADDRESS", "127.0.0.1:1"}}, .open_files = 0, .directory = ""});
  CHECK(proxy.get().body == "done");
  const TemporaryFile file("bad.toml", "[[listener]]\naddress = \"${NO_SUCH_VARIABLE_HERE}\"\n");
  CHECK(onehop({"check", file.path()}).code == 2);
}

TEST_CASE("proxy needs no file, and its upstream is named default") {
  ScriptedOrigin a(ScriptedOrigin::always(ok("a")));
  ScriptedOrigin b(ScriptedOrigin::always(ok("b")));
  ProxyProcess proxy({"proxy", "--listen", "127.0.0.1:0", "--to", a.address(), "--to", b.address(),
                      "--admin", "127.0.0.1:0", "--workers", "1"});
  CHECK(contains(proxy.output(), "listening on 127.0.0.1:"));
  CHECK(contains(proxy.output(), "admin on 127.0.0.1:"));
  CHECK(eventually([&] {
    return contains(proxy.output(), "upstream default: " + a.address() + ", " + b.address());
  }));
  CHECK(proxy.get().status == 200);
  CHECK(proxy.get().status == 200);
  CHECK(a.requests() == 1);
  CHECK(b.requests() == 1);
  CHECK(proxy.wait_number("upstreams/default/endpoints/" + a.address() + "/requests/total", 1) ==
        1);
}

TEST_CASE("wrong usage ends with 2 and says what is wrong") {
  const std::vector<std::vector<std::string>> rows = {
      {"--nonsense"},
      {"nonsense"},
      {"proxy", "--nonsense"},
      {"proxy", "--listen", "127.0.0.1:0"},
      {"proxy", "--listen", "nowhere", "--to", "127.0.0.1:1"},
      {"proxy", "--listen", "127.0.0.1:0", "--to", "not an address"},
      {"proxy", "--listen", "127.0.0.1:0", "--to", "127.0.0.1:1", "--workers", "many"},
      {"run"},
      {"check"},
      {},
  };
  for (const std::vector<std::string>& row : rows) {
    std::string line;
    for (const std::string& word : row) line += word + " ";
    CAPTURE(line);
    const Finished run = onehop(row);
    CHECK(run.code == 2);
    CHECK_FALSE((run.output + run.errors).empty());
  }
}

struct Slip {
  std::vector<std::string> arguments;
  std::string sentence;
};

TEST_CASE("a slip in a name is answered with the name that was meant, not with what is missing") {
  const std::vector<Slip> slips = {
      {{"proxy", "--lisen", "127.0.0.1:0", "--to", "127.0.0.1:1"},
       "--lisen: an unknown option; did you mean --listen?\n"
       "Run onehop proxy --help for more information.\n"},
      {{"proxy", "--lisen=127.0.0.1:0"},
       "--lisen: an unknown option; did you mean --listen?\n"
       "Run onehop proxy --help for more information.\n"},
      {{"run", "--zzz"},
       "--zzz: an unknown option; known here: --help, --config, --takeover\n"
       "Run onehop run --help for more information.\n"},
      {{"chek", "onehop.toml"},
       "chek: an unknown command; did you mean check?\nRun onehop --help for more "
       "information.\n"},
      {{"bogus"},
       "bogus: an unknown command; known here: proxy, run, check, diff, reload, demo, stats, "
       "check-health, log, version, help\nRun onehop --help for more information.\n"},
      {{"-y"},
       "-y: an unknown option; known here: --help, --version\nRun onehop --help for more "
       "information.\n"},
      {{},
       "a command is needed: proxy, run, check, diff, reload, demo, stats, check-health, log, "
       "version, "
       "help\n"
       "Run onehop --help for more information.\n"},
      {{"proxy", "--to", "127.0.0.1:1"},
       "--listen is required\nRun onehop proxy --help for more information.\n"},
      {{"proxy", "--listen", ":0", "--to", "a:1", "--tls-cert", "a.pem"},
       "--tls-cert and --tls-key: one key for each certificate, found 1 --tls-cert and 0 "
       "--tls-key\nRun onehop proxy --help for more information.\n"},
      {{"proxy", "--listen", ":0", "--to", "http://a:1", "--insecure-upstream"},
       "--insecure-upstream: only with --to https://HOST:PORT, as nothing is verified without "
       "TLS\nRun onehop proxy --help for more information.\n"},
      {{"proxy", "--listen", "8080", "--to", "9001"},
       "--listen: \"IP:PORT\", \"[IP6]:PORT\", \"localhost:PORT\", \":PORT\" or \"unix:/path\", "
       "found \"8080\" (a port alone has a colon before it; did you mean \":8080\"?)\n"
       "--to: \"IP:PORT\", \"[IP6]:PORT\" or \"NAME:PORT\" with a port from 1 to 65535, "
       "\"srv:NAME\" or \"unix:/path\", found "
       "\"9001\"\nRun onehop proxy --help for more information.\n"},
      {{"proxy", "--listen", ":0", "--to", "a:1", "--workers", "lots"},
       "--workers: a whole number from 0 to 1024, found \"lots\"\nRun onehop proxy --help for "
       "more information.\n"},
      {{"proxy", "--listen", ":0", "--to", "a:1", "--workers", "1025"},
       "--workers: a whole number from 0 to 1024, found \"1025\"\nRun onehop proxy --help for "
       "more information.\n"},
      {{"demo", "--seconds", "1s"},
       "--seconds: a whole number from 0 to 86400, found \"1s\"\nRun onehop demo --help for more "
       "information.\n"},
      {{"stats", "--window", "2m"},
       "--window: 10s, 1m, 5m or total, found \"2m\"\nRun onehop stats --help for more "
       "information.\n"},
  };
  for (const Slip& slip : slips) {
    const Finished run = onehop(slip.arguments);
    CHECK(run.code == 2);
    CHECK(run.errors == slip.sentence);
  }
}

TEST_CASE("check reads certificates, beside the file, and answers with the place of a bad one") {
  const TemporaryFile file("onehop.toml", std::string(kSmallest) +
                                              "[[listener]]\naddress = \":0\"\n[listener.tls]\n"
                                              "certificates = [{ cert = \"no.pem\", key = "
                                              "\"no.key\" }]\n");
  const Finished run = onehop({"check", file.path()});
  CAPTURE(run.output, run.errors);
  CHECK(run.code == 2);
  CHECK(contains(run.errors, file.path() + ":13:26: listener[1].tls.certificates[0].cert: "));
  CHECK(contains(run.errors, file.folder() + "/no.pem"));
}

TEST_CASE("proxy does not start with a certificate that cannot be read") {
  const Finished run = onehop({"proxy", "--listen", "127.0.0.1:0", "--to", "127.0.0.1:1",
                               "--tls-cert", "no.pem", "--tls-key", "no.key"});
  CHECK(run.code == 2);
  CHECK(contains(run.errors, "--tls-cert: "));
  CHECK(contains(run.errors, "no.pem"));
  CHECK_FALSE(contains(run.errors, "listener"));
}

TEST_CASE("that certificates of replicas are not verified is said at the start") {
  for (const bool insecure : {true, false}) {
    std::vector<std::string> arguments = {
        "proxy",   "--listen",   "127.0.0.1:0", "--to", "https://127.0.0.1:1",
        "--admin", "127.0.0.1:0"};
    if (insecure) arguments.emplace_back("--insecure-upstream");
    const ProxyProcess proxy(arguments);
    CAPTURE(proxy.output());
    CHECK(contains(proxy.output(),
                   "warning: upstream default: its certificates are not verified\n") == insecure);
  }
}

TEST_CASE("help is not an error") {
  const Finished run = onehop({"--help"});
  CHECK(run.code == 0);
  for (const char* command : {"proxy", "run", "check", "demo", "stats", "version"}) {
    CHECK(contains(run.output, command));
  }
}

TEST_CASE("no line of any help is wider than 80 columns") {
  for (const std::string command :
       {"", "proxy", "run", "check", "demo", "stats", "check-health", "version"}) {
    std::vector<std::string> arguments = {"--help"};
    if (!command.empty()) arguments.insert(arguments.begin(), command);
    const Finished run = onehop(arguments);
    CHECK(run.code == 0);
    std::istringstream lines(run.output);
    for (std::string line; std::getline(lines, line);) {
      INFO(line);
      CHECK(line.size() <= 80);
    }
  }
}

TEST_CASE("the help of proxy says what --to may begin with, and what --workers is without it") {
  const std::string help = onehop({"proxy", "--help"}).output;
  for (const char* part : {"http://", "https://", "h2c://", "80", "443", "one per CPU"}) {
    CAPTURE(part, help);
    CHECK(contains(help, part));
  }
}

TEST_CASE("an address in use ends with 1 and a sentence that names it") {
  const auto [fd, address] = bind_loopback(16);
  const Finished run = onehop({"proxy", "--listen", address, "--to", "127.0.0.1:1"});
  CHECK(run.code == 1);
  CHECK(contains(run.errors, address));
  CHECK(contains(run.errors, "in use"));
  ::close(fd);
}

TEST_CASE("an admin address in use ends with 1 and a sentence that names it") {
  const auto [fd, address] = bind_loopback(16);
  const Finished run =
      onehop({"proxy", "--listen", "127.0.0.1:0", "--to", "127.0.0.1:1", "--admin", address});
  CHECK(run.code == 1);
  CHECK(contains(run.errors, address));
  ::close(fd);
}

TEST_CASE("stats prints a running proxy's table, or its document") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}});
  for (int i = 0; i < 3; ++i) REQUIRE(proxy.get().status == 200);
  REQUIRE(proxy.wait_number("downstream/requests/total", 3) == 3);
  const Finished table = onehop({"stats", "--admin", proxy.admin_address()});
  CHECK(table.code == 0);
  CHECK(contains(table.output, origin.address()));
  CHECK_FALSE(contains(table.output, "\x1b["));  // plain, as it is not a terminal
  const Finished json = onehop({"stats", "--admin", proxy.admin_address(), "--json"});
  CHECK(json.code == 0);
  CHECK(Stats(json.output).number("downstream/requests/total") == 3);
  const Finished nobody = onehop({"stats", "--admin", unused_address()});
  CHECK(nobody.code == 1);
  CHECK_FALSE(nobody.errors.empty());
}

TEST_CASE("demo runs by itself and shows three endpoints that reuse their connections") {
  const Finished run = onehop({"demo", "--seconds", "1"});
  CAPTURE(run.output, run.errors);
  CHECK(run.code == 0);
  CHECK_FALSE(contains(run.output, "\x1b["));
  size_t addresses = 0;
  for (size_t at = 0; (at = run.output.find("127.0.0.1:", at)) != std::string::npos; ++at)
    ++addresses;
  CHECK(addresses >= 4);
}

}  // namespace
}  // namespace onehop::test
