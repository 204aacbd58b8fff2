// SPDX-License-Identifier: MIT
// Endpoints that a file lists, which others write while requests come.
#include <nlohmann/json.hpp>
#include <string>

#include "tests/support/catch.h"
#include "tests/support/folder.h"
#include "tests/support/proxy_process.h"
#include "tests/support/scripted_origin.h"

namespace onehop::test {
namespace {

struct Stage {
  ScriptedOrigin a{ScriptedOrigin::always(ok("a"))};
  ScriptedOrigin b{ScriptedOrigin::always(ok("b"))};
  Folder folder;

  ProxyConfig config(const std::string& file) const {
    return {.upstream = "endpoints_file = \"" + folder / file + "\""};
  }
  static std::string list(const std::string& address) {
    return "{\"endpoints\": [\"" + address + "\"]}";
  }
};

std::string answer(const ProxyProcess& proxy) {
  const Response response = proxy.get();
  return response.status == 200 ? response.body : std::to_string(response.status);
}

bool comes_to(const ProxyProcess& proxy, const std::string& wanted) {
  return eventually([&] { return answer(proxy) == wanted; });
}

int64_t failed_reads(const ProxyProcess& proxy) {
  return proxy.stats().number("upstreams/app/endpoints_file/failed_total");
}

TEST_CASE("a file that is replaced by rename gives an upstream its endpoints, without a reload") {
  const Stage stage;
  stage.folder.write("app.json", Stage::list(stage.a.address()));
  const ProxyProcess proxy(stage.config("app.json"));
  CHECK(answer(proxy) == "a");
  stage.folder.replace("app.json", Stage::list(stage.b.address()));
  CHECK(comes_to(proxy, "b"));
  const auto shown = proxy.stats().document()["upstreams"]["app"];
  CHECK(shown["endpoints"][stage.b.address()]["source"] == "file provider");
  CHECK(shown["endpoints"][stage.b.address()]["since"] > 0);
  CHECK(shown["endpoints_file"]["path"] == stage.folder / "app.json");
  const std::string metrics = proxy.metrics();
  const std::string reads = "onehop_endpoints_file_reads_total{upstream=\"app\",result=";
  CHECK(metrics.find(reads + "\"success\"} 2") != std::string::npos);
  CHECK(metrics.find("onehop_config_reloads_total{result=\"success\"} 0") != std::string::npos);
}

TEST_CASE("the links of a Kubernetes ConfigMap are followed when they are swapped") {
  const Stage stage;
  const auto publish = [&](const std::string& version, const std::string& address) {
    stage.folder.make(version);
    stage.folder.write(version + "/app.toml", "endpoints = [\"" + address + "\"]\n");
    stage.folder.link("..data", version);
  };
  publish("..2026_01", stage.a.address());
  stage.folder.link("app.toml", "..data/app.toml");
  const ProxyProcess proxy(stage.config("app.toml"));
  CHECK(answer(proxy) == "a");
  publish("..2026_02", stage.b.address());
  stage.folder.remove("..2026_01");
  CHECK(comes_to(proxy, "b"));
  publish("..2026_03", stage.a.address());
  CHECK(comes_to(proxy, "a"));
}

TEST_CASE("half a file, or none, leaves the endpoints as they are, and the log says why") {
  const Stage stage;
  stage.folder.write("app.json", Stage::list(stage.a.address()));
  const ProxyProcess proxy(stage.config("app.json"));
  CHECK(answer(proxy) == "a");
  const std::string whole = Stage::list(stage.b.address());
  stage.folder.write("app.json", whole.substr(0, whole.size() / 2));
  CHECK(eventually([&] { return failed_reads(proxy) > 0; }));
  CHECK(answer(proxy) == "a");
  CHECK(eventually([&] {
    return proxy.errors().find("app.json:1:") != std::string::npos &&
           proxy.errors().find("this is not valid JSON") != std::string::npos;
  }));
  const int64_t before = failed_reads(proxy);
  stage.folder.remove("app.json");
  CHECK(eventually([&] { return failed_reads(proxy) > before; }));
  CHECK(answer(proxy) == "a");
  stage.folder.write("app.json", whole);
  CHECK(comes_to(proxy, "b"));
}

TEST_CASE("a file that comes after the start is taken then, and until then there is no endpoint") {
  const Stage stage;
  const ProxyProcess proxy(stage.config("later/app.json"));
  CHECK(answer(proxy) == "503");
  CHECK(eventually([&] { return proxy.errors().find("No such file") != std::string::npos; }));
  stage.folder.make("later");
  stage.folder.write("later/app.json", Stage::list(stage.a.address()));
  CHECK(comes_to(proxy, "a"));
}

TEST_CASE("a reload that names another file has its endpoints from then on") {
  const Stage stage;
  stage.folder.write("one.json", Stage::list(stage.a.address()));
  stage.folder.write("two.json", Stage::list(stage.b.address()));
  ProxyProcess proxy(stage.config("one.json"));
  CHECK(answer(proxy) == "a");
  REQUIRE(proxy.reload(stage.config("two.json")));
  CHECK(answer(proxy) == "b");
  stage.folder.replace("one.json", Stage::list(stage.b.address()));
  stage.folder.replace("two.json", Stage::list(stage.a.address()));
  CHECK(comes_to(proxy, "a"));
}

TEST_CASE("check says what is wrong with an endpoints_file, as a warning") {
  const Stage stage;
  stage.folder.write("app.json", "[\"127.0.0.1\"]");
  stage.folder.write("onehop.toml",
                     "[[listener]]\naddress = \"127.0.0.1:8080\"\n[[route]]\nupstream = \"app\"\n"
                     "[upstream.app]\nendpoints_file = \"app.json\"\n");
  const Finished check =
      run_program({ProxyProcess::binary(), "check", stage.folder / "onehop.toml"});
  CHECK(check.code == 0);
  CHECK(check.errors.find(
            "onehop.toml:6:18: warning: upstream.app.endpoints_file: " + stage.folder / "app.json" +
            ": endpoints[0].address: ") != std::string::npos);
}

}  // namespace
}  // namespace onehop::test
