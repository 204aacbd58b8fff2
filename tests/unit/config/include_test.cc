// SPDX-License-Identifier: MIT
// A configuration of several files.
#include <string>
#include <vector>

#include "onehop/config/load_files.h"
#include "tests/support/catch.h"
#include "tests/support/folder.h"
#include "tests/unit/config/texts.h"

namespace onehop::config {
namespace {

using Lines = std::vector<std::string>;

constexpr std::string_view kMain = R"(include = ["conf.d/*.toml"]
[[listener]]
address = "127.0.0.1:8080"
[[route]]
upstream = "app"
[upstream.app]
endpoints = ["127.0.0.1:9001"]
)";

struct Side {
  explicit Side(std::string_view main = kMain) {
    folder.make("conf.d");
    folder.write("main.toml", std::string(main));
  }
  Loading load() const { return load_files(folder / "main.toml", testing::variable); }
  // Without the folder's path.
  Lines mistakes() const {
    const Loading loading = load();
    if (loading.result.has_value()) return {};
    Lines lines = testing::lines(loading.result.error());
    for (std::string& line : lines) {
      const std::string path = folder.path() + "/";
      for (size_t at = line.find(path); at != line.npos; at = line.find(path))
        line.erase(at, path.size());
    }
    return lines;
  }
  Config good() const {
    Loading loading = load();
    if (!loading.result.has_value()) FAIL(loading.result.error().front().to_string());
    return std::move(loading.result->config);
  }

  test::Folder folder;
};

TEST_CASE("included files add listeners, routes and upstreams, in the order of their names") {
  const Side side;
  side.folder.write("conf.d/b.toml",
                    "[[route]]\npath = \"/b\"\nupstream = \"b\"\n"
                    "[upstream.b]\nendpoints = [\"127.0.0.1:9003\"]\n");
  side.folder.write("conf.d/a.toml",
                    "[[listener]]\naddress = \"127.0.0.1:8081\"\n"
                    "[[route]]\npath = \"/a\"\nupstream = \"a\"\n"
                    "[upstream.a]\nendpoints = [\"127.0.0.1:9002\"]\n[admin]\n");
  side.folder.write("conf.d/c.json", "not a part of it");
  const Config config = side.good();
  REQUIRE(config.listeners.size() == 2);
  CHECK(config.listeners[1].address == "127.0.0.1:8081");
  REQUIRE(config.routes.size() == 3);
  CHECK(config.routes[1].path == "/a");
  CHECK(config.routes[2].path == "/b");
  REQUIRE(config.upstreams.size() == 3);
  CHECK(config.upstreams[1].name == "a");
  CHECK(config.upstreams[2].name == "b");
  CHECK(config.admin.listen == "127.0.0.1:9900");
}

TEST_CASE("what was looked at is known, with the text of all files one behind the other") {
  const Side side("include = [\"conf.d/*.toml\", \"conf.d/a.toml\", \"none/*.toml\"]\n" +
                  std::string(testing::kRest));
  side.folder.write("conf.d/a.toml", "[log]\n");
  const Loading loading = side.load();
  CHECK(loading.result.has_value());
  CHECK(loading.sources.files == Lines{side.folder / "main.toml", side.folder / "conf.d/a.toml"});
  CHECK(loading.sources.patterns == Lines{side.folder / "main.toml", side.folder / "conf.d/*.toml",
                                          side.folder / "conf.d/a.toml",
                                          side.folder / "none/*.toml"});
  CHECK(loading.sources.text == testing::contents(side.folder / "main.toml") + "[log]\n");
}

TEST_CASE("mistakes in several files are all said, each with its file and line") {
  const Side side("include = [\"conf.d/*.toml\"]\n[server]\nwokers = 2\n" +
                  std::string(testing::kRest));
  side.folder.write("conf.d/a.toml", "\n[upstream.a]\nendpoints = [\"127.0.0.1\"]\n");
  side.folder.write("conf.d/b.toml", "[[route]]\nupstream = \"c\"\nhots = \"a\"\npath = \"/c\"\n");
  side.folder.write("conf.d/c.toml", "[upstream.c\n");
  const Lines lines = side.mistakes();
  REQUIRE(lines.size() == 5);
  CHECK(lines[0].starts_with("main.toml:3:1: server.wokers: an unknown key"));
  CHECK(lines[1].starts_with("conf.d/a.toml:3:14: upstream.a.endpoints[0].address: "));
  CHECK(lines[2].starts_with("conf.d/b.toml:2:12: route[1].upstream: the name of an upstream"));
  CHECK(lines[3].starts_with("conf.d/b.toml:3:1: route[1].hots: an unknown key"));
  CHECK(lines[4].starts_with("conf.d/c.toml:1:12: this is not valid TOML"));
}

TEST_CASE("an upstream, and a table that is there once, stand in one file alone") {
  const Side side("include = [\"conf.d/*.toml\"]\n[server]\nworkers = 2\n" +
                  std::string(testing::kRest));
  side.folder.write("conf.d/a.toml", "[upstream.app]\nendpoints = [\"127.0.0.1:9002\"]\n");
  side.folder.write("conf.d/b.toml", "[server.limits]\nrequest_line = \"4KiB\"\n[log]\n");
  side.folder.write("conf.d/c.toml", "[log]\nlevel = \"debug\"\n");
  CHECK(side.mistakes() ==
        Lines{"conf.d/a.toml:1:1: upstream.app: may stand in one of the files, found in "
              "main.toml:9 as well",
              "conf.d/b.toml:1:1: server: may stand in one of the files, found in main.toml:2 as "
              "well",
              "conf.d/c.toml:1:1: log: may stand in one of the files, found in conf.d/b.toml:3 as "
              "well"});
}

TEST_CASE("what clashes across files is said with both places") {
  const Side side;
  side.folder.write("conf.d/a.toml",
                    "[[listener]]\naddress = \"127.0.0.1:8080\"\n[[route]]\nupstream = \"app\"\n");
  CHECK(side.mistakes() ==
        Lines{"conf.d/a.toml:2:11: listener[1].address: an address of its own, found that of "
              "listener[0].address (main.toml:3)",
              "conf.d/a.toml:3:1: route[1]: a host, path and match of its own, found that of "
              "route[0] (main.toml:4)"});
}

TEST_CASE("a pattern may find nothing, a plain name has to be there") {
  const Side side("include = [\"conf.d/*.toml\", \"extra.toml\", \"conf.d\"]\n" +
                  std::string(testing::kRest));
  CHECK(side.mistakes() ==
        Lines{"main.toml:1:29: include[1]: cannot read extra.toml: No such file or directory",
              "main.toml:1:43: include[2]: cannot read conf.d: it is a folder"});
  side.folder.write("extra.toml", "");
  CHECK(side.mistakes().size() == 1);
}

TEST_CASE("a file is taken once, however often it is found and its path is spelled") {
  const Side side(
      "include = [\"conf.d/*.toml\", \"./conf.d/*.toml\", \"conf.d//a.toml\", "
      "\"./*.toml\"]\n" +
      std::string(testing::kRest));
  side.folder.write("conf.d/a.toml", "[upstream.extra]\nendpoints = [\"127.0.0.1:1\"]\n");
  side.folder.link("conf.d/b.toml", "a.toml");
  CHECK(side.mistakes() == Lines{});
  CHECK(side.load().sources.files.size() == 2);
}

TEST_CASE("an included file includes no others, and a circle is not followed") {
  const Side side;
  side.folder.write("conf.d/a.toml", "include = [\"../main.toml\"]\n");
  CHECK(side.mistakes() ==
        Lines{"conf.d/a.toml:1:1: include: an included file includes no others"});
}

TEST_CASE("a wrong include is said with its place, and so is a wrong key beside it") {
  const Side side("include = [3, \"\", \"${NONE}\"]\nlisten = 3\n" + std::string(testing::kRest));
  const Lines lines = side.mistakes();
  REQUIRE(lines.size() == 4);
  CHECK(lines[0].starts_with("main.toml:1:12: include[0]: the path of a file, or a pattern"));
  CHECK(lines[1].starts_with("main.toml:1:15: include[1]: the path of a file, or a pattern"));
  CHECK(lines[2].starts_with("main.toml:1:19: include[2]: "));
  CHECK(lines[3].starts_with("main.toml:2:1: listen: an unknown key"));
}

TEST_CASE("relative paths begin at the folder of the file that has them, and variables count") {
  const Side side;
  side.folder.write("conf.d/a.toml",
                    "[upstream.a]\nendpoints_file = \"a.json\"\n"
                    "[upstream.b]\nendpoints = [\"${HOST}:1\"]\n");
  const Config config = side.good();
  CHECK(config.upstreams[1].endpoints_file == side.folder / "conf.d/a.json");
  CHECK(config.upstreams[2].endpoints[0].address == "10.0.0.1:1");
}

TEST_CASE("an upstream needs endpoints, or a file with them") {
  const auto with = [](const std::string& keys) {
    return testing::problems_of(
        "[[listener]]\naddress = \":80\"\n[[route]]\nupstream = \"a\"\n"
        "[upstream.a]\n" +
        keys);
  };
  CHECK(with("endpoints_file = \"a.json\"\n").empty());
  CHECK(with("endpoints_file = \"a.json\"\nendpoints = []\n").empty());
  CHECK(with("") == Lines{"t.toml:5:1: upstream.a.endpoints: at least one endpoint, or "
                          "endpoints_file, found none"});
}

TEST_CASE("a text without files, as parse() takes it, leads to none") {
  const auto config = parse(kMain, "/nonexistent/main.toml", testing::variable);
  CHECK(config.has_value());
}

TEST_CASE("a configuration whose endpoints are in a file is written so that it reads back") {
  Config config = testing::reference();
  config.upstreams[0].endpoints.clear();
  config.upstreams[0].endpoints_file = "/etc/onehop/app.json";
  const auto again = parse(to_toml(config, true), "t.toml", testing::variable);
  REQUIRE(again.has_value());
  CHECK(*again == config);
}

}  // namespace
}  // namespace onehop::config
