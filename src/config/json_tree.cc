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

using Json = nlohmann::ordered_json;

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
std::string reason_of(std::string_view what) {
  for (const std::string_view before : {" - ", ": ", "] "}) {
    const size_t at = what.find(before);
    if (at != what.npos) return std::string(what.substr(at + before.size()));
  }
  return std::string(what);
}

Problem syntax_problem(const Source& source, const Json::parse_error& error) {
  const std::string_view before =
      std::string_view(source.text).substr(0, std::max<size_t>(error.byte, 1) - 1);
  const size_t line_begin = before.rfind('\n') + 1;  // npos + 1 is 0
  return {source.name, static_cast<uint32_t>(1 + std::ranges::count(before, '\n')),
          static_cast<uint32_t>(1 + before.size() - line_begin), "",
          fmt::format("this is not valid JSON: {}", reason_of(error.what()))};
}

// JSON lets a key stand twice in an object, and means nothing certain by it.
class Keys {
 public:
  bool operator()(int depth, Json::parse_event_t event, const Json& parsed) {
    if (depth > kDeepest) return true;
    if (event == Json::parse_event_t::object_start) seen_[depth].clear();
    // The depth of a key is that of its object's inside.
    if (event == Json::parse_event_t::key && !twice_ &&
        !seen_[depth - 1].insert(parsed.get<std::string>()).second) {
      twice_ = parsed.get<std::string>();
    }
    return true;
  }
  const std::optional<std::string>& twice() const { return twice_; }

 private:
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
    Keys keys;
    const Json document = Json::parse(source.text, std::ref(keys));
    if (keys.twice()) {
      return Unexpected<Problem>(
          {source.name, 0, 0, *keys.twice(), "a key may be given once, it was given before"});
    }
    toml::table root;
    if (document.is_array()) {
      with_node(document, 1,
                [&](toml::node& node) { move_to(root, toml::key(kEndpoints), node); });
    } else if (document.is_object()) {
      with_node(document, 0, [&](toml::node& node) { root = std::move(*node.as_table()); });
    } else {
      return Unexpected<Problem>({source.name, 0, 0, "",
                                  "an object with the key endpoints, or an array, found neither"});
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
