// SPDX-License-Identifier: MIT
// conf/reference.toml and the tables of docs/configuration.md are made from the schema and compared
// byte for byte. After a change of the schema, run the tests once with ONEHOP_REGENERATE=1 to write
// them anew, and commit what changed. The text around the tables is written by hand and kept.
#include <cstdlib>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "onehop/config/schema.h"
#include "tests/support/catch.h"
#include "tests/unit/config/texts.h"

namespace onehop::config {
namespace {

using testing::contents;
using testing::reference;
using testing::source_dir;

// The visitor that makes one table of the document for each section of the file.
class Tables {
 public:
  struct Section {
    std::string header;  // "[server.limits]"
    std::string rows;
  };

  std::vector<Section> write() {
    const std::vector<std::string> include;
    const Config config;
    begin_section("the file, above its tables");
    describe(*this, WithIncludes{include, config});
    return std::move(sections_);
  }

  template <class Rule, class T>
  void value(std::string_view key, const T& member, const Rule& rule, std::string_view why) {
    const std::string standard =
        is_required(rule, member) ? "required" : '`' + written(rule, member) + '`';
    row(key, type_of(rule, member), standard, allowed(rule), why);
  }

  template <class T>
  void table(std::string_view key, const T& member, std::string_view) {
    const std::string outer =
        std::exchange(path_, path_.empty() ? std::string(key) : path_ + '.' + std::string(key));
    section('[' + path_ + ']', member);
    path_ = outer;
  }

  template <class T>
  void optional_table(std::string_view key, const T&, const T& given, std::string_view why) {
    table(key, given, why);
  }

  template <class T>
  void tables(std::string_view key, const std::vector<T>&, std::string_view) {
    const std::string outer = std::exchange(path_, std::string(key));
    section("[[" + path_ + "]]", T{});
    path_ = outer;
  }

  template <class T>
  void named_tables(std::string_view key, const std::vector<T>&, std::string_view why) {
    table(std::string(key) + ".NAME", T{}, why);
  }

  template <class T>
  void entries(std::string_view key, const std::vector<T>&, const Entries<T>& rule,
               std::string_view why) {
    row(key, "array",
        rule.instead.empty() ? "required" : "required without " + quoted(rule.instead),
        rule.short_form == nullptr ? "tables as below" : "strings, or tables as below", why);
    const size_t here = current_;
    section("an entry of " + std::string(key), T{});
    current_ = here;
  }

 private:
  template <class T>
  void section(const std::string& header, const T& member) {  // as it is by default
    begin_section(header);
    describe(*this, member);
  }

  void begin_section(const std::string& header) {
    current_ = sections_.size();
    sections_.push_back(
        {header,
         "| Key | Type | Default | Allowed | What it is, and why |\n|---|---|---|---|---|\n"});
  }

  static std::string quoted(std::string_view key) { return '`' + std::string(key) + '`'; }

  void row(std::string_view key, const std::string& type, const std::string& standard,
           const std::string& range, std::string_view why) {
    sections_[current_].rows += "| `" + std::string(key) + "` | " + type + " | " + standard +
                                " | " + range + " | " + std::string(why) + " |\n";
  }

  template <class Rule, class T>
  static bool is_required(const Rule&, const T&) {
    return false;
  }
  static bool is_required(Text rule, const std::string& member) { return !fits(rule, member); }
  static bool is_required(const Frequency& rule, const PerTime& member) {
    return !fits(rule, member);
  }

  static std::string type_of(const Count&, uint64_t) { return "integer"; }
  static std::string type_of(const Bytes&, uint64_t) { return "size"; }
  static std::string type_of(const Rate&, uint64_t) { return "size per second"; }
  static std::string type_of(const Time&, milliseconds) { return "duration"; }
  static std::string type_of(const Frequency&, const PerTime&) { return "rate"; }
  static std::string type_of(Share, uint32_t) { return "number"; }
  static std::string type_of(Flag, bool) { return "boolean"; }
  static std::string type_of(Text, const std::string&) { return "string"; }
  static std::string type_of(Text, const std::vector<std::string>&) { return "array of strings"; }
  template <class Enum>
  static std::string type_of(Choice<Enum>, Enum) {
    return "string";
  }

  std::vector<Section> sections_;
  std::string path_;
  size_t current_ = 0;
};

void check_generated(const std::filesystem::path& path, const std::string& expected) {
  if (std::getenv("ONEHOP_REGENERATE") != nullptr) {
    std::ofstream(path, std::ios::binary) << expected;
  }
  INFO(path << " differs from the schema; ONEHOP_REGENERATE=1 in the environment writes it anew");
  CHECK(contents(path) == expected);
}

std::string begin_mark(const std::string& header) {
  return "<!-- keys of " + header + " -->\n";
}

TEST_CASE("conf/reference.toml holds every key at its default") {
  Config config = reference();
  config.rate_limits.push_back({.name = "per-client", .rate = {100, seconds(1)}});
  check_generated(source_dir() / "conf/reference.toml", to_toml(config, true));
}

TEST_CASE("the tables that conf/reference.toml has in comments are good without their signs") {
  std::istringstream reference_text(contents(source_dir() / "conf/reference.toml"));
  std::string text;
  for (std::string line; std::getline(reference_text, line);) {
    const bool in_comments = line.size() > 1 && line[0] == '#' && line[1] != ' ';
    text += line.substr(in_comments ? 1 : 0) + '\n';
  }
  const auto config = parse(text, "t.toml", testing::variable);
  if (!config) FAIL(config.error().front().to_string());
  ListenerTls tls;
  tls.certificates = {{"tls/example.org.pem", "tls/example.org.key", ""}};
  CHECK(config->listeners[0].tls == tls);
  CHECK(config->upstreams[0].tls == switched_on());
  CHECK(config->log.access == to_standard_output());
  CHECK(text.find('\n' + std::string("[listener.tls]\n")) != std::string::npos);
  CHECK(text.find('\n' + std::string("[upstream.app.tls]\n")) != std::string::npos);
}

TEST_CASE("docs/configuration.md documents every key with its default, range and reason") {
  const std::filesystem::path path = source_dir() / "docs/configuration.md";
  std::string document = contents(path);
  for (const Tables::Section& section : Tables().write()) {
    const std::string mark = begin_mark(section.header);
    INFO("the document needs the line " << mark << "and below it <!-- end -->");
    const size_t begin = document.find(mark);
    REQUIRE(begin != std::string::npos);
    const size_t table = begin + mark.size();
    const size_t end = document.find("<!-- end -->", table);
    REQUIRE(end != std::string::npos);
    document.replace(table, end - table, section.rows);
  }
  check_generated(path, document);
}

TEST_CASE("docs/configuration.md has a table for nothing else") {
  const std::string document = contents(source_dir() / "docs/configuration.md");
  const std::string mark = "<!-- keys of ";
  size_t count = 0;
  for (size_t at = document.find(mark); at != std::string::npos; at = document.find(mark, at + 1)) {
    ++count;
  }
  CHECK(count == Tables().write().size());
}

TEST_CASE("the problems that docs/configuration.md shows are what its example is answered with") {
  const std::string document = contents(source_dir() / "docs/configuration.md");
  const auto block_below = [&document](const std::string& heading, const std::string& fence) {
    const size_t begin = document.find(fence, document.find(heading)) + fence.size();
    return document.substr(begin, document.find("```", begin) - begin);
  };
  const auto result = parse(block_below("## Mistakes", "```toml\n"), "conf/shop.toml",
                            [](std::string_view) { return std::nullopt; });
  REQUIRE_FALSE(result);
  std::string shown;
  for (const Problem& problem : result.error()) shown += problem.to_string() + '\n';
  CHECK(block_below("## Mistakes", "```text\n") == shown);
}

TEST_CASE("each example that docs/configuration.md has of TLS and HTTP/2 passes the check") {
  const std::string document = contents(source_dir() / "docs/configuration.md");
  const std::string fence = "```toml\n";
  const size_t end = document.find("\n## ", document.find("## TLS and HTTP/2") + 1);
  size_t count = 0;
  for (size_t at = document.find(fence, document.find("## TLS and HTTP/2")); at < end;
       at = document.find(fence, at)) {
    at += fence.size();
    const std::string text = document.substr(at, document.find("```", at) - at);
    INFO(text);
    const auto config = parse(text, "t.toml", testing::variable);
    if (!config) FAIL(config.error().front().to_string());
    CHECK((config->listeners[0].tls.enabled() || config->upstreams[0].tls.enabled ||
           config->upstreams[0].protocol == UpstreamProtocol::h2));
    ++count;
  }
  CHECK(count == 3);
}

TEST_CASE("conf/onehop.toml passes the check") {
  const auto config = load(source_dir() / "conf/onehop.toml", testing::variable);
  if (!config) FAIL(config.error().front().to_string());
  CHECK(config->config.listeners.size() == 1);
}

}  // namespace
}  // namespace onehop::config
