// SPDX-License-Identifier: MIT
// The visitor of the schema that reads a TOML tree. A value that it refuses keeps its default, so
// that reading goes on and every mistake of the file is found in one run.
#include "reader.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <optional>
#include <tuple>
#include <utility>

#include "choosing.h"
#include "json_tree.h"
#include "key_path.h"
#include "key_words.h"
#include "merge.h"
#include "node_reports.h"
#include "onehop/base/ascii.h"
#include "onehop/config/schema.h"
#include "onehop/config/suggest.h"
#include "onehop/config/units.h"
#include "plain_values.h"

namespace onehop::config {
namespace {

class Reader final : private NodeReports {
 public:
  using NodeReports::NodeReports;

  Reading read(const toml::table& root) {
    std::vector<std::string> include;  // which is done
    WithIncludes file{include, reading_.config};
    read_table(root, file);
    return std::move(reading_);
  }

  ListReading read_list(const toml::table& root) {
    ListReading made;
    read_table(root, made.list);
    if (!root.contains("endpoints"))
      report("endpoints", place(root.source()),
             "a list of endpoints, which may be empty, found nothing");
    made.reading = std::move(reading_);
    return made;
  }

  // The visitor's part; schema.h says what each is for.
  template <std::unsigned_integral Number>
  void value(std::string_view key, Number& member, const Count& rule, std::string_view) {
    member = static_cast<Number>(read_count(key, rule).value_or(member));
  }
  void value(std::string_view key, uint64_t& member, const Bytes& rule, std::string_view);
  void value(std::string_view key, milliseconds& member, const Time& rule, std::string_view);
  void value(std::string_view key, PerTime& member, const Frequency& rule, std::string_view);
  void value(std::string_view key, uint32_t& member, Share rule, std::string_view);
  void value(std::string_view key, bool& member, Flag rule, std::string_view);
  void value(std::string_view key, std::string& member, Text rule, std::string_view);
  void value(std::string_view key, std::vector<std::string>& member, Text rule, std::string_view);
  template <class Enum>
  void value(std::string_view key, Enum& member, Choice<Enum> rule, std::string_view) {
    const auto written_names = names(member);
    const auto others = synonyms(member);
    member = static_cast<Enum>(read_choice(key, {written_names, others}, allowed(rule))
                                   .value_or(static_cast<size_t>(member)));
  }

  template <class T>
  void table(std::string_view key, T& member, std::string_view) {
    const toml::node* node = find(key);
    if (node == nullptr) return;
    const Within within(path_, key);
    if (const toml::table* given = as_table(*node, "a table")) read_table(*given, member);
  }

  template <class T>
  void optional_table(std::string_view key, T& member, const T& given, std::string_view why) {
    if (table_->contains(key)) member = given;
    table(key, member, why);
  }

  template <class T>
  void tables(std::string_view key, std::vector<T>& members, std::string_view) {
    read_array(key, fmt::format("tables, each with the header [[{}]]", key),
               [&](const toml::node& node) {
                 T& member = members.emplace_back();
                 if (const toml::table* given = as_table(node, "a table")) {
                   read_table(*given, member);
                 }
               });
  }

  template <class T>
  void named_tables(std::string_view key, std::vector<T>& members, std::string_view) {
    const toml::node* node = find(key);
    if (node == nullptr) return;
    const Within within(path_, key);
    const std::string expected = fmt::format("tables, each with a header such as [{}.app]", key);
    const toml::table* all = as_table(*node, expected);
    if (all == nullptr) return;
    for (const auto& [name, given] : in_file_order(*all)) {
      const Within within_member(path_, toml_key(name));
      note_place(*given);
      if (const toml::table* one = as_table(*given, expected)) {
        T& member = members.emplace_back();
        member.name = name;
        read_table(*one, member);
      }
    }
  }

  template <class T>
  void entries(std::string_view key, std::vector<T>& members, const Entries<T>& rule,
               std::string_view) {
    const bool takes_strings = rule.short_form != nullptr;
    const std::string_view expected = takes_strings ? "a string or a table" : "a table";
    read_array(key, takes_strings ? "an array of strings or tables" : "an array of tables",
               [&](const toml::node& node) {
                 T& member = members.emplace_back();
                 if (takes_strings && node.is_string()) {
                   std::optional<Expanded> text = expanded(path_, node);
                   if (text) member.*rule.short_form = std::move(text->text);
                 } else if (const toml::table* given = as_table(node, expected)) {
                   read_table(*given, member);
                 }
               });
    // check() cannot tell an optional table without its entries from one that is not there.
    const std::string path = joined(path_, key);
    if (!members.empty() || rule.may_be_empty || reading_.refused.contains(path)) return;
    report(path, place_of(reading_.places, path), allowed(rule) + ", found none");
  }

 private:
  using Named = std::pair<std::string_view, const toml::node*>;

  std::vector<Named> in_file_order(const toml::table& table) const {
    std::vector<Named> members;
    for (const auto& [key, node] : table) members.emplace_back(key.str(), &node);
    std::ranges::stable_sort(members, {}, [this](const Named& named) {
      const Place at = place(named.second->source());
      return std::tuple(at.file, at.line, at.column);
    });
    return members;
  }

  template <class T>
  void read_table(const toml::table& table, T& member) {
    const toml::table* const outer = std::exchange(table_, &table);
    std::vector<std::string_view> outer_keys = std::exchange(keys_, {});
    describe(*this, member);
    refuse_unknown_keys();
    keys_ = std::move(outer_keys);
    table_ = outer;
  }

  template <class ReadOne>
  void read_array(std::string_view key, std::string_view expected, ReadOne read_one) {
    const toml::node* node = find(key);
    if (node == nullptr) return;
    const Within within(path_, key);
    const toml::array* array = node->as_array();
    if (array == nullptr) return refuse_type(path_, *node, expected);
    for (size_t i = 0; i < array->size(); ++i) {
      const Within within_entry(path_, i);
      note_place((*array)[i]);
      read_one((*array)[i]);
    }
  }

  // The key's value, if the file has it; and the key is known from now on.
  const toml::node* find(std::string_view key) {
    if (keys_.empty() || keys_.back() != key) keys_.push_back(key);
    const toml::node* node = table_->get(key);
    if (node != nullptr) reading_.places.emplace(joined(path_, key), place(node->source()));
    return node;
  }

  // The node at path_, if it is a table.
  const toml::table* as_table(const toml::node& node, std::string_view expected) {
    if (!node.is_table()) refuse_type(path_, node, expected);
    return node.as_table();
  }

  void note_place(const toml::node& node) { reading_.places.emplace(path_, place(node.source())); }
  std::optional<uint64_t> read_count(std::string_view key, const Count& rule);
  struct Words {
    std::span<const std::string_view> names;
    std::span<const Synonym> synonyms;
  };
  std::optional<size_t> read_choice(std::string_view key, const Words& words,
                                    std::string_view expected);
  void refuse_unknown_keys();

  std::string path_;                    // of the table that is being read
  const toml::table* table_ = nullptr;  // that table
  std::vector<std::string_view> keys_;  // its keys, so far
};

void Reader::value(std::string_view key, uint64_t& member, const Bytes& rule, std::string_view) {
  const toml::node* node = find(key);
  if (node == nullptr) return;
  const std::string path = joined(path_, key);
  if (const std::optional<int64_t> number = node->value_exact<int64_t>()) {
    const bool good = *number >= 0 && fits(rule, static_cast<uint64_t>(*number));
    if (!good) return refuse(path, *node, allowed(rule));
    member = static_cast<uint64_t>(*number);
    return;
  }
  if (!node->is_string()) return refuse_type(path, *node, allowed(rule));
  const std::optional<Expanded> text = expanded(path, *node);
  if (!text) return;
  const Result<uint64_t, std::string> size = parse_size(text->text);
  if (!size) return refuse(path, *node, allowed(rule), size.error());
  if (!fits(rule, *size)) return refuse(path, *node, allowed(rule));
  member = *size;
}

void Reader::value(std::string_view key, milliseconds& member, const Time& rule, std::string_view) {
  const toml::node* node = find(key);
  if (node == nullptr) return;
  const std::string path = joined(path_, key);
  if (node->is_number()) return refuse(path, *node, allowed(rule), "without a unit: ms, s, m, h");
  if (!node->is_string()) return refuse_type(path, *node, allowed(rule));
  const std::optional<Expanded> text = expanded(path, *node);
  if (!text) return;
  const Result<milliseconds, std::string> duration = parse_duration(text->text);
  if (!duration) return refuse(path, *node, allowed(rule), duration.error());
  if (!fits(rule, *duration)) return refuse(path, *node, allowed(rule));
  member = *duration;
}

void Reader::value(std::string_view key, PerTime& member, const Frequency& rule, std::string_view) {
  const toml::node* node = find(key);
  const std::string path = joined(path_, key);
  if (node == nullptr) {
    if (fits(rule, member)) return;
    return report(path, place_of(reading_.places, path), allowed(rule) + ", found nothing");
  }
  if (node->is_number()) return refuse(path, *node, allowed(rule), "without the time it is for");
  if (!node->is_string()) return refuse_type(path, *node, allowed(rule));
  const std::optional<Expanded> text = expanded(path, *node);
  if (!text) return;
  if (!rule.zero.empty() && text->text == rule.zero) {
    member = PerTime();
    return;
  }
  const Result<PerTime, std::string> rate = parse_per_time(text->text);
  if (!rate) return refuse(path, *node, allowed(rule), rate.error());
  if (rate->count == 0 || !fits(rule, *rate)) return refuse(path, *node, allowed(rule));
  member = *rate;
}

void Reader::value(std::string_view key, uint32_t& member, Share rule, std::string_view) {
  const toml::node* node = find(key);
  if (node == nullptr) return;
  const std::string path = joined(path_, key);
  std::optional<uint32_t> share;
  bool right_type = node->is_number();
  if (right_type) share = share_of(node->value<double>().value_or(-1));
  if (node->is_string()) {
    const std::optional<Expanded> text = expanded(path, *node);
    if (!text) return;
    right_type = text->from_variable;
    share = parse_share(text->text, right_type ? Digits::taken : Digits::refused);
  }
  const bool fit = share && fits(rule, *share);
  if (fit) member = *share;
  if (!fit)
    right_type ? refuse(path, *node, allowed(rule)) : refuse_type(path, *node, allowed(rule));
}

void Reader::value(std::string_view key, bool& member, Flag rule, std::string_view) {
  const toml::node* node = find(key);
  if (node == nullptr) return;
  const std::string path = joined(path_, key);
  std::optional<bool> flag = node->value_exact<bool>();
  if (node->is_string()) {
    const std::optional<Expanded> text = expanded(path, *node);
    if (!text) return;
    const bool word = text->text == written(rule, true) || text->text == written(rule, false);
    if (text->from_variable && !word) return refuse(path, *node, allowed(rule));
    if (text->from_variable) flag = text->text == written(rule, true);
  }
  if (!flag) return refuse_type(path, *node, allowed(rule));
  member = *flag;
}

void Reader::value(std::string_view key, std::string& member, Text rule, std::string_view) {
  const toml::node* node = find(key);
  const std::string path = joined(path_, key);
  if (node == nullptr) {
    if (fits(rule, member)) return;
    return report(path, place_of(reading_.places, path), allowed(rule) + ", found nothing");
  }
  if (!node->is_string()) return refuse_type(path, *node, allowed(rule));
  if (rule == Text::token && !node->ref<std::string>().empty())
    reading_.config.masked.push_back(path);
  if (std::optional<Expanded> text = expanded(path, *node)) {
    member = normal(rule, std::move(text->text));
    const bool is_file = rule == Text::file || rule == Text::optional_file ||
                         rule == Text::optional_socket || (rule == Text::log_file && member != "-");
    if (is_file && !member.empty() && fits(rule, member))
      member = beside(files_.name(place(node->source())), member);
  }
}

void Reader::value(std::string_view key, std::vector<std::string>& member, Text rule,
                   std::string_view) {
  if (find(key) != nullptr) member.clear();  // in place of the default, never beside it
  read_array(key, "an array of strings", [&](const toml::node& node) {
    std::string& one = member.emplace_back();
    if (!node.is_string()) return refuse_type(path_, node, allowed(rule));
    if (std::optional<Expanded> text = expanded(path_, node)) one = std::move(text->text);
  });
}

std::optional<uint64_t> Reader::read_count(std::string_view key, const Count& rule) {
  const toml::node* node = find(key);
  if (node == nullptr) return std::nullopt;
  const std::string path = joined(path_, key);
  std::optional<uint64_t> number;
  bool right_type = node->is_integer();
  if (const std::optional<int64_t> given = node->value_exact<int64_t>(); given && *given >= 0) {
    number = static_cast<uint64_t>(*given);
  }
  if (node->is_string()) {
    const std::optional<Expanded> text = expanded(path, *node);
    if (!text) return std::nullopt;
    right_type = text->from_variable;
    if (text->from_variable) number = parse_decimal(text->text);
    if (!rule.zero.empty() && text->text == rule.zero) number = 0;
  }
  const bool by_word = number == uint64_t{0} && node->is_string();
  if (number && (by_word || *number >= rule.least) && fits(rule, *number)) return number;
  right_type ? refuse(path, *node, allowed(rule)) : refuse_type(path, *node, allowed(rule));
  return std::nullopt;
}

std::optional<size_t> Reader::read_choice(std::string_view key, const Words& words,
                                          std::string_view expected) {
  const toml::node* node = find(key);
  if (node == nullptr) return std::nullopt;
  const std::string path = joined(path_, key);
  if (node->is_string()) {
    const std::optional<Expanded> text = expanded(path, *node);
    if (!text) return std::nullopt;
    const Choosing chosen = choose(text->text, words.names, words.synonyms);
    if (chosen.index) return chosen.index;
    refuse(path, *node, expected,
           chosen.meant.empty() ? "" : fmt::format("did you mean \"{}\"?", chosen.meant));
    return std::nullopt;
  }
  refuse_type(path, *node, expected);
  return std::nullopt;
}

void Reader::refuse_unknown_keys() {
  for (const auto& [key, node] : *table_) {
    if (std::ranges::find(keys_, key.str()) != keys_.end()) continue;
    const std::string meant = meant_key(key.str(), keys_);
    report(
        joined(path_, toml_key(key.str())), place(key.source()),
        fmt::format("an unknown key; {}", meant.empty() ? "known here: " + listing(keys_) : meant));
  }
}

}  // namespace

Result<Reading, Problem> read(const Source& source, const Lookup& lookup, const Include& include) {
  Files files;
  auto root = files.parse(source);
  if (!root) return Unexpected<Problem>(std::move(root.error()));
  auto problems = include ? include_all(*root, files, lookup, include) : std::vector<Problem>();
  Reading reading = Reader(files, lookup).read(*root);
  for (Problem& problem : problems) reading.problems.push_back(std::move(problem));
  return reading;
}

Result<ListReading, Problem> read_list(const Source& source) {
  Files files;
  auto root = is_json(source) ? json_tree(source) : files.parse(source);
  if (!root) return Unexpected<Problem>(std::move(root.error()));
  if (is_json(source)) files.add(source.name);
  return Reader(files, nullptr).read_list(*root);
}

}  // namespace onehop::config
