// SPDX-License-Identifier: MIT
#include "onehop/base/file_pattern.h"

#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/folder.h"

namespace onehop {
namespace {

using Paths = std::vector<std::string>;

Paths found(const test::Folder& folder, const std::string& pattern) {
  auto paths = paths_matching(folder / pattern);
  if (!paths.has_value()) FAIL(paths.error());
  for (std::string& path : *paths) path.erase(0, folder.path().size() + 1);
  return *paths;
}

TEST_CASE("a pattern finds what a shell finds, sorted by its bytes") {
  const test::Folder folder;
  for (const std::string name : {"b.toml", "a.toml", "B.toml", ".a.toml", "a.toml~", "c.json"})
    folder.write(name, "");
  CHECK(found(folder, "*.toml") == Paths{"B.toml", "a.toml", "b.toml"});
  CHECK(found(folder, "?.toml") == Paths{"B.toml", "a.toml", "b.toml"});
  CHECK(found(folder, "[ab].toml") == Paths{"a.toml", "b.toml"});
  CHECK(found(folder, ".*.toml") == Paths{".a.toml"});
  CHECK(found(folder, "*.yaml").empty());
}

TEST_CASE("wildcards may stand in the names of folders too") {
  const test::Folder folder;
  for (const std::string name : {"one", "two", "three"}) folder.make(name + "/conf");
  folder.write("one/conf/a.toml", "");
  folder.write("two/conf/a.toml", "");
  folder.write("two/conf/b.toml", "");
  folder.write("four", "");
  CHECK(found(folder, "*/conf/a.toml") == Paths{"one/conf/a.toml", "two/conf/a.toml"});
  CHECK(found(folder, "t*/conf/*") == Paths{"two/conf/a.toml", "two/conf/b.toml"});
}

TEST_CASE("a folder that is not there has nothing in it, and a path without wildcards is itself") {
  const test::Folder folder;
  folder.write("a", "");
  CHECK(found(folder, "none/*.toml").empty());
  CHECK(found(folder, "a") == Paths{"a"});
  CHECK(found(folder, "b").empty());
  CHECK_FALSE(has_wildcards("conf.d/a.toml"));
  CHECK(has_wildcards("conf.d/*.toml"));
}

}  // namespace
}  // namespace onehop
