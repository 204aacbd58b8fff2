// SPDX-License-Identifier: MIT
// A configuration of several files that is loaded again when one of them changes.
#include <sys/stat.h>

#include <csignal>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/folder.h"
#include "tests/support/proxy_process.h"
#include "tests/support/scripted_origin.h"

namespace onehop::test {
namespace {

using Json = nlohmann::json;

struct Stage {
  Stage() {
    folder.make("conf.d");
    folder.write("onehop.toml", main(a.address()));
  }

  std::string main(const std::string& address, const std::string& server = "watch = true") const {
    return "include = [\"conf.d/*.toml\"]\n"
           "[server]\nworkers = 1\ndrain = \"1s\"\ndrain_idle = \"1ms\"\n" +
           server +
           "\n[[listener]]\naddress = \"127.0.0.1:0\"\n[admin]\nlisten = \"127.0.0.1:0\"\n"
           "[[route]]\nupstream = \"app\"\n[upstream.app]\nendpoints = [\"" +
           address + "\"]\n";
  }
  std::string other(const std::string& path, const std::string& name,
                    const std::string& address) const {
    return "[[route]]\npath = \"" + path + "\"\nupstream = \"" + name + "\"\n[upstream." + name +
           "]\nendpoints = [\"" + address + "\"]\n";
  }
  std::vector<std::string> run() const { return {"run", folder / "onehop.toml"}; }

  ScriptedOrigin a{ScriptedOrigin::always(ok("a"))};
  ScriptedOrigin b{ScriptedOrigin::always(ok("b"))};
  Folder folder;
};

std::string answer(const ProxyProcess& proxy, const std::string& path = "/") {
  const Response response = proxy.get(path);
  return response.status == 200 ? response.body : std::to_string(response.status);
}

Json in_force(const ProxyProcess& proxy) {
  return Json::parse(proxy.admin("/config").body)["in_force"];
}

bool says(const ProxyProcess& proxy, const std::string& words) {
  return eventually([&] { return proxy.errors().find(words) != std::string::npos; });
}

int64_t reloads(const ProxyProcess& proxy, const std::string& result) {
  const std::string name = "onehop_config_reloads_total{result=\"" + result + "\"} ";
  const std::string text = proxy.metrics();
  return std::stol(text.substr(text.find(name) + name.size()));
}

TEST_CASE("with watch a file that changes is loaded again, and /config says that it was watched") {
  const Stage stage;
  const ProxyProcess proxy(stage.run());
  CHECK(answer(proxy) == "a");
  stage.folder.replace("onehop.toml", stage.main(stage.b.address()));
  CHECK(eventually([&] { return answer(proxy) == "b"; }));
  CHECK(in_force(proxy)["by"] == "watch");
  CHECK(in_force(proxy)["number"] == 2);
}

TEST_CASE("with watch files are followed that are included, come and go") {
  const Stage stage;
  const ProxyProcess proxy(stage.run());
  const auto files = [&] { return in_force(proxy)["files"].size(); };
  CHECK(files() == 1);
  stage.folder.write("conf.d/b.toml", stage.other("/b", "other", stage.b.address()));
  CHECK(eventually([&] { return answer(proxy, "/b") == "b"; }));
  CHECK(files() == 2);
  const Json before = in_force(proxy);
  stage.folder.write("conf.d/b.toml", stage.other("/b", "other", stage.a.address()));
  CHECK(eventually([&] { return in_force(proxy)["sha256"] != before["sha256"]; }));
  CHECK(answer(proxy, "/b") == "a");
  stage.folder.remove("conf.d/b.toml");
  CHECK(eventually([&] { return files() == 1; }));
}

TEST_CASE("with watch wrong files are refused whole with all mistakes, and mended ones taken") {
  const Stage stage;
  const ProxyProcess proxy(stage.run());
  stage.folder.write("extra.toml", "[upstream.extra]\nendpoints = [\"nowhere\"]\n");
  stage.folder.replace("onehop.toml", "include = [\"extra.toml\"]\n" +
                                          stage.main(stage.b.address(), "watch = true\nwokers = 3")
                                              .substr(sizeof "include = [\"conf.d/*.toml\"]"));
  CHECK(says(proxy, "extra.toml:2:14: upstream.extra.endpoints[0].address: "));
  CHECK(says(proxy, "onehop.toml:7:1: server.wokers: an unknown key"));
  CHECK(answer(proxy) == "a");
  CHECK(in_force(proxy)["number"] == 1);
  CHECK(reloads(proxy, "failure") > 0);
  // Neither file is one of the configuration in force.
  stage.folder.replace(
      "onehop.toml",
      "include = [\"extra.toml\"]\n" +
          stage.main(stage.b.address()).substr(sizeof "include = [\"conf.d/*.toml\"]"));
  stage.folder.write("extra.toml", "[upstream.extra]\nendpoints = [\"127.0.0.1:1\"]\n");
  CHECK(eventually([&] { return answer(proxy) == "b"; }));
}

TEST_CASE("with watch a file that is written as it was is no reload") {
  const Stage stage;
  const ProxyProcess proxy(stage.run());
  stage.folder.replace("onehop.toml", stage.main(stage.a.address()));
  stage.folder.write("conf.d/notes.txt", "nothing");
  stage.folder.write("conf.d/b.toml", stage.other("/b", "other", stage.b.address()));
  CHECK(eventually([&] { return answer(proxy, "/b") == "b"; }));
  CHECK(in_force(proxy)["number"] == 2);
  CHECK(reloads(proxy, "success") == 1);
}

TEST_CASE("with watch a renamed file is loaded again, as paths in it begin at its folder") {
  const Stage stage;
  stage.folder.make("teams/x");
  stage.folder.write("teams/x/b.toml",
                     "[[route]]\npath = \"/b\"\nupstream = \"b\"\n"
                     "[upstream.b]\nendpoints_file = \"b.json\"\n");
  stage.folder.write("teams/x/b.json", "[\"" + stage.a.address() + "\"]");
  stage.folder.write(
      "onehop.toml",
      "include = [\"teams/*/*.toml\"]\n" +
          stage.main(stage.a.address()).substr(sizeof "include = [\"conf.d/*.toml\"]"));
  const ProxyProcess proxy(stage.run());
  CHECK(answer(proxy, "/b") == "a");
  stage.folder.rename("teams/x", "teams/y");
  stage.folder.replace("teams/y/b.json", "[\"" + stage.b.address() + "\"]");
  CHECK(eventually([&] { return answer(proxy, "/b") == "b"; }));
}

TEST_CASE("watch is switched on and off by a reload") {
  const Stage stage;
  stage.folder.write("onehop.toml", stage.main(stage.a.address(), ""));
  const ProxyProcess proxy(stage.run());
  stage.folder.replace("onehop.toml", stage.main(stage.a.address()));
  proxy.signal(SIGHUP);
  CHECK(eventually([&] { return in_force(proxy)["number"] == 2; }));
  stage.folder.replace("onehop.toml", stage.main(stage.b.address(), ""));
  CHECK(eventually([&] { return answer(proxy) == "b"; }));
  CHECK(in_force(proxy)["by"] == "watch");
  stage.folder.replace("onehop.toml", stage.main(stage.a.address(), ""));
  proxy.signal(SIGHUP);
  CHECK(eventually([&] { return answer(proxy) == "a"; }));
  CHECK(in_force(proxy)["by"] == "SIGHUP");
}

TEST_CASE("a file that has become a pipe is not waited for") {
  const Stage stage;
  const ProxyProcess proxy(stage.run());
  REQUIRE(::mkfifo((stage.folder / "pipe").c_str(), 0600) == 0);
  stage.folder.rename("pipe", "onehop.toml");
  CHECK(says(proxy, "onehop.toml is a pipe or a device, which cannot be read again"));
  stage.folder.replace("onehop.toml", stage.main(stage.b.address()));
  CHECK(eventually([&] { return answer(proxy) == "b"; }));
}

TEST_CASE("check and diff take a configuration of several files, and name that with a mistake") {
  const Stage stage;
  stage.folder.write("conf.d/b.toml", stage.other("/b", "other", stage.b.address()));
  const ProxyProcess proxy(stage.run());
  const auto program = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), ProxyProcess::binary());
    arguments.push_back(stage.folder / "onehop.toml");
    return run_program(arguments);
  };
  CHECK(program({"check"}).output ==
        stage.folder / "onehop.toml" +
            " with 1 included file: fine: 1 listener, 2 routes, 2 upstreams\n");
  const std::vector<std::string> diff = {"diff", "--admin", proxy.admin_address()};
  CHECK(program(diff).code == 0);
  stage.folder.write("conf.d/c.toml", "[upstream.other]\nendpoints = [\"127.0.0.1:1\"]\n");
  const Finished wrong = program({"check"});
  CHECK(wrong.code == 2);
  CHECK(wrong.errors == stage.folder / "conf.d/c.toml" +
                            ":1:1: upstream.other: may stand in one of the files, found in " +
                            stage.folder / "conf.d/b.toml" + ":4 as well\n");
}

}  // namespace
}  // namespace onehop::test
