// SPDX-License-Identifier: MIT
// Names are classified once; a name that is taken for another, or missed, would let a field through
// that concerns one connection only.
#include "onehop/http/fields.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <string>
#include <vector>

#include "onehop/base/ascii.h"
#include "onehop/http/identity_fields.h"
#include "tests/support/catch.h"
#include "tests/support/source_tree.h"

namespace onehop::http {
namespace {

struct Known {
  std::string_view name;
  FieldId id;
};
const std::vector<Known> kKnown = {
#define X(id, name) {name, FieldId::id},
    ONEHOP_KNOWN_FIELDS(X)
#undef X
};

const std::vector<std::string_view> kIdentity = {
#define X(name) name,
    ONEHOP_IDENTITY_FIELDS(X)
#undef X
};

std::string in_upper_case(std::string_view name) {
  std::string text(name);
  for (char& c : text) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
  }
  return text;
}

bool is_known(std::string_view name) {
  for (const Known& known : kKnown) {
    if (known.name == name) return true;
  }
  return name.starts_with("x-forwarded") ||
         std::find(kIdentity.begin(), kIdentity.end(), name) != kIdentity.end();
}

TEST_CASE("every known name is found in any case") {
  for (const Known& known : kKnown) {
    INFO(known.name);
    CHECK(classify(known.name) == known.id);
    CHECK(classify(in_upper_case(known.name)) == known.id);
    std::string title(known.name);
    title[0] = in_upper_case(title).front();
    CHECK(classify(title) == known.id);
  }
}

TEST_CASE("a known name with another sign for any of its hyphens is an alias") {
  for (const char sign : std::string_view("_.!#$%&'*+^`|~")) {
    for (const Known& known : kKnown) {
      std::string all(known.name);
      for (size_t i = 0; i < known.name.size(); ++i) {
        if (known.name[i] != '-') continue;
        std::string one(known.name);
        one[i] = all[i] = sign;
        INFO(one);
        CHECK(classify(one) == FieldId::alias);
        CHECK(classify(in_upper_case(one)) == FieldId::alias);
      }
      if (all != known.name) CHECK(classify(all) == FieldId::alias);
    }
  }
}

TEST_CASE("a name that says who the client is, is one in every spelling") {
  for (const std::string_view name : kIdentity) {
    for (const char sign : std::string_view("-_.!~")) {
      std::string spelled(name);
      std::replace(spelled.begin(), spelled.end(), '-', sign);
      INFO(spelled);
      CHECK(classify(spelled) == FieldId::identity);
      CHECK(classify(in_upper_case(spelled)) == FieldId::identity);
    }
  }
  for (const char* name : {"X-Forwarded", "x-forwarded-user", "X_Forwarded.Server", "X-Forwarded-",
                           "x-forwarded-and-something-that-is-very-long"}) {
    INFO(name);
    CHECK(classify(name) == FieldId::identity);
  }
  for (const char* name :
       {"X-SSL-Client-Cert", "SSL-Client-Cert", "SSL_CLIENT_VERIFY", "SSL-Client-S-DN",
        "X-SSL-Client-Verify", "X-SSL-Client-S-DN-CN", "X-SSL-Client-SHA1", "X-Client-Cert",
        "X-Client-Cert-Hash", "X-Client-DN", "X-Client-Verify", "X-Forwarded-Client-Cert",
        "X-Forwarded-Tls-Client-Cert-Info", "X-Amzn-Mtls-Clientcert-Subject",
        "X-HTTP-Host-Override", "X-Original-Remote-Addr"}) {
    INFO(name);
    CHECK(classify(name) == FieldId::identity);
  }
  for (const char* name : {"X-SSL-Clients", "SSL-Clients", "X-Client-Certs", "X-Client-Certificate",
                           "X-Forwardedly", "X-Forward", "Client-IPs", "X-Client", "Proxy-X"}) {
    INFO(name);
    CHECK(classify(name) == FieldId::other);
  }
}

TEST_CASE("docs/client-identity.md names every field that says who the client is") {
  std::ifstream stream(test::source_tree() / "docs/client-identity.md");
  std::string text{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  std::transform(text.begin(), text.end(), text.begin(), [](char c) { return to_lower(c); });
  for (const std::string_view name : kIdentity) {
    INFO(name);
    CHECK(text.find("`" + std::string(name) + "`") != std::string::npos);
  }
}

TEST_CASE("a name that is nearly known is another") {
  for (const Known& known : kKnown) {
    const std::string name(known.name);
    const std::string longer[] = {name + "s", name + "-", "x" + name, " " + name, name + " "};
    for (const std::string& near : longer) {
      INFO(near);
      if (!is_known(near)) CHECK(classify(near) == FieldId::other);
    }
    for (size_t i = 0; i < name.size(); ++i) {
      std::string missing = name;
      missing.erase(i, 1);
      std::string changed = name;
      changed[i] = '!';
      INFO(missing << " and " << changed);
      if (!is_known(missing)) CHECK(classify(missing) == FieldId::other);
      const bool levelled = known.name[i] == '-' || changed.starts_with("x-forwarded-");
      CHECK((classify(changed) != FieldId::other) == levelled);
    }
  }
  for (const char* name : {"", "h", "accept", "x-forward", "content_language", "\xC8ost"}) {
    INFO(name);
    CHECK(classify(name) == FieldId::other);
  }
}

TEST_CASE("a letter differs from the sign that shares its lower bits") {
  // '[' | 0x20 is '{', '\r' | 0x20 is '-': tricks with one bit would confuse them.
  CHECK(classify("content\rlength") == FieldId::alias);
  CHECK(classify("cont\x05nt-length") == FieldId::other);
  CHECK(classify(std::string_view("hos\x14", 4)) == FieldId::other);
}

TEST_CASE("fields keep their order, their names and their repetitions") {
  std::array<Field, 4> room;
  Fields fields(room);
  fields.add("Set-Cookie", "a=1");
  fields.add("X-Own", "v");
  fields.add("set-cookie", "b=2");
  CHECK(fields.size() == 3);
  CHECK_FALSE(fields.full());
  CHECK(fields.count(FieldId::set_cookie) == 2);
  REQUIRE(fields.find(FieldId::set_cookie) != nullptr);
  CHECK(fields.find(FieldId::set_cookie)->value == "a=1");
  CHECK(fields.find(FieldId::date) == nullptr);
  REQUIRE(fields.find("x-OWN") != nullptr);
  CHECK(fields.find("x-OWN")->name == "X-Own");
  CHECK(fields.find("x-other") == nullptr);
  fields.last().value = "c=3";
  CHECK(fields.begin()[2].value == "c=3");
  fields.add("Via", "1.1 x");
  CHECK(fields.full());
}

TEST_CASE("a copy of fields lives in its arena and has room for more") {
  Arena arena;
  Fields copy;
  {
    std::string name = "X-Own";
    std::string value = "some value";
    std::array<Field, 2> room;
    Fields fields(room);
    fields.add(name, value);
    fields.add("Host", "h");
    copy = fields.copy_to(arena, 1);
    name.assign(name.size(), '-');
    value.assign(value.size(), '-');
  }
  REQUIRE(copy.size() == 2);
  CHECK(copy.begin()->name == "X-Own");
  CHECK(copy.begin()->value == "some value");
  CHECK(copy.find(FieldId::host) != nullptr);
  CHECK_FALSE(copy.full());
  copy.add("Via", "1.1 x");
  CHECK(copy.full());
}

}  // namespace
}  // namespace onehop::http
