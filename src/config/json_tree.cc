// SPDX-License-Identifier: MIT
#include "json_tree.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "toml_node.h"

namespace onehop::config {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kEndpoints = "endpoints";
constexpr int kDeepest = 3;  // {"endpoints": [{"address": ...}]}

using Take = std::function<void(toml::node& node)>;

void take_scalar(const Json& value, const Take& take) {
  const auto give = [&take](auto plain) {
    toml::value node(std::move(plain));
    take(node);
  };
  const bool fits = !value.is_number_unsigned() || value.get<uint64_t>() <= uint64_t{INT64_MAX};
  if (value.is_string()) return give(value.get<std::string>());
  if (value.is_boolean()) return give(value.get<bool>());
  if (value.is_number_integer() && fits) return give(value.get<int64_t>());
  if (value.is_number()) return give(value.get<double>());
  give(std::string("null"));
}

// Calls `take` with a node that has the value, and may be moved from.
void with_node(const Json& value, int depth, const Take& take) {
  if (value.is_object()) {
    toml::table table;
    for (const auto& [key, member] : value.items()) {
      if (depth == kDeepest) break;
      with_node(member, depth + 1,
                [&, &key = key](toml::node& node) { move_to(table, toml::key(key), node); });
    }
    take(table);
  } else if (value.is_array()) {
    toml::array array;
    for (const Json& entry : value) {
      if (depth == kDeepest) break;
      with_node(entry, depth + 1, [&](toml::node& node) { move_behind(array, node); });
    }
    take(array);
  } else {
    take_scalar(value, take);
  }
}

// [json.exception.parse_error.101] parse error at line 1, column 5: syntax error while ... - WHY
// A string that does not end is in it, however long.
std::string reason_of(std::string_view what) {
  constexpr size_t kMost = 200;
  for (const std::string_view before : {" - ", ": ", "] "}) {
    const size_t at = what.find(before);
    if (at == what.npos) continue;
    what.remove_prefix(at + before.size());
    break;
  }
  return what.size() <= kMost ? std::string(what) : std::string(what.substr(0, kMost)) + "...";
}

Problem syntax_problem(const Source& source, const Json::parse_error& error) {
  const std::string_view before =
      std::string_view(source.text).substr(0, std::max<size_t>(error.byte, 1) - 1);
  const size_t line_begin = before.rfind('\n') + 1;  // npos + 1 is 0
  return {source.name, static_cast<uint32_t>(1 + std::ranges::count(before, '\n')),
          static_cast<uint32_t>(1 + before.size() - line_begin), "",
          fmt::format("this is not valid JSON: {}", reason_of(error.what()))};
}

// JSON lets a key stand twice in an object, and means nothing certain by it. (A callback of
// Json::parse() could look for it on the way, but then the end of each object of an array costs as
// much as there are before it.)
class Keys final : public nlohmann::json_sax<Json> {
 public:
  const std::optional<std::string>& twice() const { return twice_; }

  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(size_t) override {
    if (++depth_ <= kDeepest) seen_[depth_].clear();
    return true;
  }
  bool key(string_t& name) override {
    if (depth_ <= kDeepest && !seen_[depth_].insert(name).second) twice_ = name;
    return !twice_.has_value();
  }
  bool end_object() override {
    --depth_;
    return true;
  }
  bool start_array(size_t) override {
    ++depth_;
    return true;
  }
  bool end_array() override {
    --depth_;
    return true;
  }
  bool parse_error(size_t, const std::string&, const Json::exception&) override { return false; }

 private:
  int depth_ = 0;
  std::map<int, std::set<std::string>> seen_;  // by the depth of the object
  std::optional<std::string> twice_;
};

}  // namespace

bool is_json(const Source& source) {
  if (source.name.ends_with(".json")) return true;
  if (source.name.ends_with(".toml")) return false;
  const size_t begin = source.text.find_first_not_of(" \t\r\n");
  if (begin == source.text.npos) return false;
  const std::string_view start = std::string_view(source.text).substr(begin, 2);
  return start.front() == '{' || (start.front() == '[' && start != "[[");
}

Result<toml::table, Problem> json_tree(const Source& source) {
  try {
    const Json document = Json::parse(source.text);
    Keys keys;
    Json::sax_parse(source.text, &keys);
    if (keys.twice()) {
      return Unexpected<Problem>(
          {source.name, 0, 0, *keys.twice(), "a key may be given once, it was given before"});
    }
    toml::table root;
    if (document.is_array()) {
      with_node(document, 1, [&](toml::node& node) { move_to(root, toml::key(kEndpoints), node); });
    } else if (document.is_object()) {
      with_node(document, 0, [&](toml::node& node) { root = std::move(*node.as_table()); });
    } else {
      return Unexpected<Problem>(
          {source.name, 0, 0, "", "an object with the key endpoints, or an array, found neither"});
    }
    return root;
  } catch (const Json::parse_error& error) {
    return Unexpected<Problem>(syntax_problem(source, error));
  } catch (const Json::exception& error) {  // a number beyond all bounds
    return Unexpected<Problem>(
        {source.name, 0, 0, "", "this is not valid JSON: " + reason_of(error.what())});
  }
}

}  // namespace onehop::config
