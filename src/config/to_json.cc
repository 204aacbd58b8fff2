// SPDX-License-Identifier: MIT
// The visitor of the schema that writes JSON: the keys of the file, its notation of values, and ***
// for what came from a variable that is named like a secret.
#include <set>

#include "key_path.h"
#include "onehop/config/load.h"
#include "onehop/config/schema.h"
#include "text_rules.h"

namespace onehop::config {
namespace {

class Writer {
 public:
  explicit Writer(const Config& config) : masked_(config.masked.begin(), config.masked.end()) {}

  std::string write(const Config& config) {
    object(config);
    return std::move(text_) + '\n';
  }

  template <class Rule, class T>
  void value(std::string_view key, const T& member, const Rule& rule, std::string_view) {
    begin_member(key);
    text_ += masked_.contains(joined(path_, key)) ? kMask : written(rule, member);
  }

  // An entry that was a bare string is masked as a whole, and this is what stands for it.
  void value(std::string_view key, const std::string& member, Text rule, std::string_view) {
    begin_member(key);
    const bool secret = rule == Text::token && !member.empty();
    text_ += secret || covers(masked_, joined(path_, key)) ? kMask : written(rule, member);
  }

  void value(std::string_view key, const std::vector<std::string>& members, Text rule,
             std::string_view) {
    array(key, members, [&](const std::string& member) {
      text_ += covers(masked_, path_) ? kMask : written(rule, member);
    });
  }

  template <class T>
  void table(std::string_view key, const T& member, std::string_view) {
    begin_member(key);
    const Within within(path_, key);
    object(member);
  }

  template <class T>
  void optional_table(std::string_view key, const T& member, const T&, std::string_view why) {
    if (member != T{}) table(key, member, why);
  }

  template <class T>
  void tables(std::string_view key, const std::vector<T>& members, std::string_view) {
    array(key, members, [this](const T& member) { object(member); });
  }

  template <class T>
  void named_tables(std::string_view key, const std::vector<T>& members, std::string_view) {
    begin_member(key);
    const Within within(path_, key);
    open('{');
    for (const T& member : members) {
      const Within within_member(path_, toml_key(member.name));
      begin_member(member.name);
      object(member);
    }
    close('}');
  }

  template <class T>
  void entries(std::string_view key, const std::vector<T>& members, const Entries<T>&,
               std::string_view why) {
    tables(key, members, why);
  }

 private:
  static constexpr const char* kMask = "\"***\"";

  template <class T>
  void object(const T& member) {
    open('{');
    describe(*this, member);
    close('}');
  }

  template <class T, class WriteOne>
  void array(std::string_view key, const std::vector<T>& members, WriteOne write_one) {
    begin_member(key);
    const Within within(path_, key);
    open('[');
    for (size_t i = 0; i < members.size(); ++i) {
      const Within within_entry(path_, i);
      begin_line();
      write_one(members[i]);
    }
    close(']');
  }

  void begin_member(std::string_view key) {
    begin_line();
    text_ += in_quotes(key) + ": ";
  }

  void begin_line() {
    if (!empty_) text_ += ',';
    empty_ = false;
    text_ += '\n' + std::string(2 * depth_, ' ');
  }

  void open(char bracket) {
    text_ += bracket;
    ++depth_;
    empty_ = true;
  }

  void close(char bracket) {
    --depth_;
    if (!empty_) text_ += '\n' + std::string(2 * depth_, ' ');
    text_ += bracket;
    empty_ = false;
  }

  std::set<std::string, std::less<>> masked_;
  std::string text_;
  std::string path_;
  size_t depth_ = 0;
  bool empty_ = true;  // the innermost object or array, so far
};

}  // namespace

std::string to_json(const Config& config) {
  return Writer(config).write(config);
}

}  // namespace onehop::config
