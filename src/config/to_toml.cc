// SPDX-License-Identifier: MIT
// The visitor of the schema that writes TOML: above each key what it is, beside it what it allows.
// Each line of a table that is not there begins with `#`, so that taking those away makes it good.
#include <fmt/format.h>

#include "expand.h"
#include "key_path.h"
#include "onehop/config/load.h"
#include "onehop/config/schema.h"

namespace onehop::config {
namespace {

// { address = "127.0.0.1:9001", weight = 1 }: one entry of an inline list.
class InlineWriter {
 public:
  template <class T>
  static std::string write(const T& entry) {
    InlineWriter writer;
    describe(writer, entry);
    return "{ " + writer.text_ + " }";
  }

  template <class Rule, class T>
  void value(std::string_view key, const T& member, const Rule& rule, std::string_view) {
    if (!text_.empty()) text_ += ", ";
    text_ += fmt::format("{} = {}", key, unexpanded(written(rule, member)));
  }

 private:
  std::string text_;
};

class Writer {
 public:
  explicit Writer(bool with_comments) : with_comments_(with_comments) {}

  std::string write(const Config& config) {
    comment("Every key of onehop, with what it allows. docs/configuration.md says more.");
    comment("A # right before a header or a key: take it away where you want that table.");
    const std::vector<std::string> include;  // a Config is of all its files
    describe(*this, WithIncludes{include, config});
    return std::move(text_);
  }

  template <class Rule, class T>
  void value(std::string_view key, const T& member, const Rule& rule, std::string_view why) {
    comment(why);
    text_ += fmt::format("{} = {}", key, unexpanded(written(rule, member)));
    if (with_comments_) text_ += fmt::format("  # {}", allowed(rule));
    text_ += '\n';
  }

  template <class T>
  void table(std::string_view key, const T& member, std::string_view why) {
    const Within within(path_, key);
    section(fmt::format("[{}]", path_), member, why);
  }

  template <class T>
  void optional_table(std::string_view key, const T& member, const T& given, std::string_view why) {
    if (member != T{}) return table(key, member, why);
    if (!with_comments_) return;
    const size_t begin = text_.size();
    table(key, given, why);
    comment_out(begin);
  }

  template <class T>
  void tables(std::string_view key, const std::vector<T>& members, std::string_view why) {
    const Within within(path_, key);
    for (const T& member : members) section(fmt::format("[[{}]]", key), member, why);
  }

  template <class T>
  void named_tables(std::string_view key, const std::vector<T>& members, std::string_view why) {
    const Within within(path_, key);
    for (const T& member : members) table(toml_key(member.name), member, why);
  }

  template <class T>
  void entries(std::string_view key, const std::vector<T>& members, const Entries<T>& rule,
               std::string_view why) {
    comment(why);
    if (members.empty() && rule.may_be_empty) {
      text_ += fmt::format("{} = []\n", key);
      return;
    }
    if (members.empty()) {
      text_ += fmt::format("{} = [{}]\n", key, InlineWriter::write(rule.example));
      return;
    }
    text_ += fmt::format("{} = [\n", key);
    for (const T& member : members) text_ += fmt::format("  {},\n", InlineWriter::write(member));
    text_ += "]\n";
  }

 private:
  template <class T>
  void section(const std::string& header, const T& member, std::string_view why) {
    if (!text_.empty()) text_ += '\n';
    comment(why);
    text_ += header + '\n';
    describe(*this, member);
  }

  // A `#` before each key and header that was written since `begin`.
  void comment_out(size_t begin) {
    for (size_t at = begin; at < text_.size(); at = text_.find('\n', at) + 1) {
      if (text_[at] != '#' && text_[at] != '\n') text_.insert(at, 1, '#');
    }
  }

  void comment(std::string_view line) {
    if (with_comments_) text_ += fmt::format("# {}\n", line);
  }

  bool with_comments_;
  std::string text_;
  std::string path_;
};

}  // namespace

std::string to_toml(const Config& config, bool with_comments) {
  return Writer(with_comments).write(config);
}

}  // namespace onehop::config
