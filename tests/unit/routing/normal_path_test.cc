// SPDX-License-Identifier: MIT
// One spelling for each path: what becomes of it, and what is refused.
#include "onehop/routing/normal_path.h"

#include <optional>
#include <random>
#include <string>

#include "tests/support/catch.h"
#include "tests/support/seed.h"

namespace onehop::routing {
namespace {

using config::EncodedSlashes;

struct Normal {
  std::string text;                // empty where it is refused
  std::optional<PathFault> fault;  // and why
};

Normal normal(std::string_view path, Slashes slashes = Slashes::as_they_are,
              EncodedSlashes encoded = EncodedSlashes::keep) {
  Arena arena;
  const auto clean = unescaped(path, encoded, arena);
  if (!clean.has_value()) return {{}, clean.error()};
  const auto result = without_dots(*clean, slashes, arena);
  if (!result.has_value()) return {{}, result.error()};
  return {std::string(*result), std::nullopt};
}

struct Row {
  const char* path;
  const char* normal;
};

TEST_CASE("dot segments are resolved, however they are written") {
  const Row row = GENERATE(values<Row>({
      {"/", "/"},
      {"/a/b", "/a/b"},
      {"/a/b/", "/a/b/"},
      {"/.", "/"},
      {"/./", "/"},
      {"/./admin", "/admin"},
      {"/admin/.", "/admin/"},
      {"/admin/./", "/admin/"},
      {"/a/..", "/"},
      {"/a/../", "/"},
      {"/a/b/..", "/a/"},
      {"/a/b/../", "/a/"},
      {"/a/b/../c", "/a/c"},
      {"/static/../admin", "/admin"},
      {"/static/%2e%2e/admin", "/admin"},
      {"/static/%2E%2E/admin", "/admin"},
      {"/static/.%2e/admin", "/admin"},
      {"/static/%2E./admin", "/admin"},
      {"/static/%2e/admin", "/static/admin"},
      {"/a/b/c/../../../d", "/d"},
      {"/a/./b/../././c/..", "/a/"},
      // These are names.
      {"/...", "/..."},
      {"/.a", "/.a"},
      {"/..a", "/..a"},
      {"/a..", "/a.."},
      {"/a.", "/a."},
      {"/.well-known/acme-challenge/x", "/.well-known/acme-challenge/x"},
      {"/%2e%2e%2e", "/..."},
  }));
  CAPTURE(row.path);
  CHECK(normal(row.path).text == row.normal);
}

TEST_CASE("an encoding that need not be is decoded, and the others have upper-case digits") {
  const Row row = GENERATE(values<Row>({
      {"/%61dmin", "/admin"},
      {"/%41%5a%5A%30%39%2d%5f%7e", "/AZZ09-_~"},
      {"/caf%c3%a9", "/caf%C3%A9"},
      {"/a%2fb", "/a%2Fb"},
      {"/a%5cb", "/a%5Cb"},
      {"/a%3bb%3ab%40", "/a%3Bb%3Ab%40"},
      {"/a%20b%22", "/a%20b%22"},
      {"/%0d%0a%7f", "/%0D%0A%7F"},
      {"/%252e%252e/x", "/%252e%252e/x"},  // decoded once, never twice
      {"/a+b;c=d,e!$&'()*:@", "/a+b;c=d,e!$&'()*:@"},
      {"/caf\xc3\xa9/%c3", "/caf\xc3\xa9/%C3"},
      {"/a\\b", "/a%5Cb"},  // what no path can have
  }));
  CAPTURE(row.path);
  CHECK(normal(row.path).text == row.normal);
}

TEST_CASE("doubled slashes are merged where that is asked for, and only there") {
  struct Slashed {
    const char* path;
    const char* kept;
    const char* merged;
  };
  const Slashed row = GENERATE(values<Slashed>({
      {"//admin", "//admin", "/admin"},
      {"///admin//", "///admin//", "/admin/"},
      {"/a//b/", "/a//b/", "/a/b/"},
      {"/a//../b", "/a/b", "/b"},
      {"/a//./b", "/a//b", "/a/b"},
      {"/a/.//b", "/a//b", "/a/b"},
      {"//", "//", "/"},
  }));
  CAPTURE(row.path);
  CHECK(normal(row.path).text == row.kept);
  CHECK(normal(row.path, Slashes::merged).text == row.merged);
}

TEST_CASE("encoded slashes are kept, decoded or refused") {
  for (const std::string path : {"/a%2fb", "/a%2Fb", "/a%5cb", "/a%5Cb"}) {
    CAPTURE(path);
    CHECK(normal(path, Slashes::merged, EncodedSlashes::decode).text == "/a/b");
    CHECK(normal(path, Slashes::merged, EncodedSlashes::refuse).fault == PathFault::encoded_slash);
  }
  // Decoded, they are slashes to what follows, too.
  CHECK(normal("/a/..%2fb", Slashes::merged, EncodedSlashes::decode).text == "/b");
  CHECK(normal("/..%2fb", Slashes::merged, EncodedSlashes::decode).fault == PathFault::above_root);
}

TEST_CASE("a path that can be read in two ways or none is refused") {
  struct Bad {
    std::string path;
    PathFault fault;
  };
  const Bad row = GENERATE(values<Bad>({
      {"/..", PathFault::above_root},
      {"/../", PathFault::above_root},
      {"/../etc/passwd", PathFault::above_root},
      {"/a/../..", PathFault::above_root},
      {"/a/../../b", PathFault::above_root},
      {"/%2e%2e/b", PathFault::above_root},
      {"/%2e./b", PathFault::above_root},
      {"/./../b", PathFault::above_root},
      {"/%", PathFault::bad_escape},
      {"/%4", PathFault::bad_escape},
      {"/%zz", PathFault::bad_escape},
      {"/%4g", PathFault::bad_escape},
      {"/%g4", PathFault::bad_escape},
      {"/%%41", PathFault::bad_escape},
      {"/%u0041", PathFault::bad_escape},
      {"/% 41", PathFault::bad_escape},
      {"/100%", PathFault::bad_escape},
      {"/a%00", PathFault::nul},
      {"/a%00.html", PathFault::nul},
      {"/static/..%2fadmin", PathFault::hidden_dots},
      {"/static/..%2Fadmin", PathFault::hidden_dots},
      {"/static/%2e%2e%2fadmin", PathFault::hidden_dots},
      {"/static/..%5cadmin", PathFault::hidden_dots},
      {"/static/%2E%2e%5Cadmin", PathFault::hidden_dots},
      {"/static%2f..%2fadmin", PathFault::hidden_dots},
      {"/static%2f../admin", PathFault::hidden_dots},
      {"/static%5c..", PathFault::hidden_dots},
      {"/a/.%2fb", PathFault::hidden_dots},
      {"/static/..;/admin", PathFault::hidden_dots},
      {"/static/..;x=y/admin", PathFault::hidden_dots},
      {"/static/%2e%2e;/admin", PathFault::hidden_dots},
      {"/static/..%3b/admin", PathFault::hidden_dots},
      {"/static/.;/admin", PathFault::hidden_dots},
      {"/static/..%3f", PathFault::hidden_dots},
      {"/static/..%23x/admin", PathFault::hidden_dots},
      {"/static/..\\admin", PathFault::hidden_dots},
  }));
  CAPTURE(row.path);
  CHECK(normal(row.path).fault == row.fault);
  CHECK(normal(row.path, Slashes::merged).fault == row.fault);
  CHECK_FALSE(sentence_of(row.fault).empty());
}

TEST_CASE("what is compared has no parameters and no encodings of what may stand for itself") {
  struct Compared {
    const char* path;
    const char* encoded;  // delimiters as they are
    const char* decoded;
  };
  const Compared row = GENERATE(values<Compared>({
      {"/admin", "/admin", "/admin"},
      {"/admin;x", "/admin", "/admin"},
      {"/admin;x=y;z/b;c", "/admin/b", "/admin/b"},
      {"/;/admin", "/admin", "/admin"},
      {"/;x/;y/admin", "/admin", "/admin"},
      {"/admin/;x", "/admin/", "/admin/"},
      {"/%24metadata", "/$metadata", "/$metadata"},
      {"/%40fs%2Cv%3D1%2B", "/@fs,v=1+", "/@fs,v=1+"},
      {"/caf%C3%A9%20b", "/caf%C3%A9%20b", "/caf%C3%A9%20b"},
      {"/caf\xc3\xa9/\xff", "/caf%C3%A9/%FF", "/caf%C3%A9/%FF"},
      {"/a%252F", "/a%252F", "/a%252F"},
      {"/a%2Fb", "/a%2Fb", "/a/b"},
      {"/a%5Cb", "/a%5Cb", "/a/b"},
      {"/%2Fadmin", "/%2Fadmin", "/admin"},
      {"/a%2F%2Fb", "/a%2F%2Fb", "/a/b"},
      {"/a%3Bx/b", "/a%3Bx/b", "/a/b"},
      {"/a%3Fx/b", "/a%3Fx/b", "/a"},
      {"/a%23x/b", "/a%23x/b", "/a"},
      {"/a;x%2Fb", "/a", "/a/b"},
      {"/a//b", "/a//b", "/a/b"},
  }));
  CAPTURE(row.path);
  Arena arena;
  CHECK(comparable(row.path, Delimiters::encoded, arena) == row.encoded);
  CHECK(comparable(row.path, Delimiters::decoded, arena) == row.decoded);
}

TEST_CASE("a plain path is one that stays as it is in every respect") {
  for (const char* path :
       {"/", "/a", "/a/b.c/d-e_f~", "/a.b/c..d/e.", "/x/:y/@z/$w,v=1+2", "*", ""}) {
    CAPTURE(path);
    CHECK(is_plain(path));
  }
  // At every place of paths of every length.
  for (const std::string odd : {"//", "/.", "%", ";", "\\", "\x80", "\xff"}) {
    for (size_t length = odd.size(); length < 40; ++length) {
      for (size_t at = 0; at + odd.size() <= length; ++at) {
        std::string path(length, 'a');
        CHECK(is_plain(path));
        path.replace(at, odd.size(), odd);
        CAPTURE(path);
        CHECK_FALSE(is_plain(path));
      }
    }
  }
}

TEST_CASE("a normal path is normal, comparable paths have no dots, and plain ones do not change") {
  std::mt19937_64 random(test::test_seed());
  const std::string_view pieces[] = {"/",   "/",   "a",   "b", ".",   "..",  "%2e", "%2E",  "%2f",
                                     "%5C", "%61", ";",   "%", "%3b", "%00", "%c3", "\xc3", "\\",
                                     "%23", "%3F", "%24", "$", "//",  "/..", "/.",  "%25"};
  for (int round = 0; round < 20000; ++round) {
    std::string path = "/";
    for (auto count = random() % 10; count > 0; --count)
      path += pieces[random() % std::size(pieces)];
    for (const Slashes slashes : {Slashes::as_they_are, Slashes::merged}) {
      const Normal once = normal(path, slashes);
      if (once.fault.has_value()) continue;
      const Normal twice = normal(once.text, slashes);
      Arena arena;
      const std::string decoded(comparable(once.text, Delimiters::decoded, arena));
      const bool good = once.text.starts_with('/') && twice.text == once.text &&
                        decoded.find("/../") == std::string::npos && !decoded.ends_with("/..") &&
                        decoded.find("//") == std::string::npos &&
                        (!is_plain(path) || (once.text == path && decoded == path));
      CAPTURE(path, once.text, twice.text, decoded);
      if (!good) FAIL("not normal");
    }
  }
}

}  // namespace
}  // namespace onehop::routing
