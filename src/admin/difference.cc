// SPDX-License-Identifier: MIT
#include "onehop/admin/difference.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>
#include <unordered_map>
#include <utility>

namespace onehop::admin {
namespace {

using Json = nlohmann::ordered_json;
using Lines = std::vector<std::string>;

constexpr size_t kInOneLine = 8;

std::string text_at(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// By what an entry of an array is known; nothing for one that is only a value.
std::string name_of(const Json& entry) {
  if (!entry.is_object()) return {};
  if (entry.contains("address")) return text_at(entry, "address");
  if (!entry.contains("path")) return text_at(entry, "cert");
  const std::string exact = text_at(entry, "match") == "exact" ? " exact" : "";
  return text_at(entry, "host") + text_at(entry, "path") + exact;
}

bool has_names(const Json& array) {
  for (const Json& entry : array) {
    if (name_of(entry).empty()) return false;
  }
  return !array.empty();
}

// Entries by their names; one that is there again gets a number.
using Named = std::vector<std::pair<std::string, const Json*>>;
Named named(const Json& array) {
  Named entries;
  std::unordered_map<std::string, size_t> seen;
  for (const Json& entry : array) {
    const std::string name = name_of(entry);
    const size_t times = ++seen[name];
    entries.emplace_back(times == 1 ? name : fmt::format("{} ({})", name, times), &entry);
  }
  return entries;
}

const Json* find(const Named& entries, const std::string& name) {
  for (const auto& [other, entry] : entries) {
    if (other == name) return entry;
  }
  return nullptr;
}

std::string shown(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

void compare(const std::string& path, const Json& before, const Json& now, Lines& lines);

void compare_named(const std::string& path, const Json& before, const Json& now, Lines& lines) {
  const Named was = named(before);
  const Named is = named(now);
  const size_t said = lines.size();
  for (const auto& [name, entry] : is) {
    const std::string at = fmt::format("{}[{}]", path, name);
    const Json* const old = find(was, name);
    if (old != nullptr) {
      compare(at, *old, *entry, lines);
    } else {
      lines.push_back(at + ": new");
    }
  }
  for (const auto& [name, entry] : was) {
    if (find(is, name) == nullptr) lines.push_back(fmt::format("{}[{}]: gone", path, name));
  }
  if (lines.size() == said) lines.push_back(path + ": in another order");
}

void compare_objects(const std::string& path, const Json& before, const Json& now, Lines& lines) {
  const auto at = [&](const std::string& key) { return path.empty() ? key : path + "." + key; };
  for (const auto& [key, value] : now.items()) {
    if (path.empty() && key == "in_force") continue;
    const auto old = before.find(key);
    if (old != before.end()) {
      compare(at(key), *old, value, lines);
    } else {
      lines.push_back(at(key) + (value.is_structured() ? ": new" : ": " + shown(value)));
    }
  }
  for (const auto& [key, value] : before.items()) {
    if (path.empty() && key == "in_force") continue;
    if (!now.contains(key)) lines.push_back(at(key) + ": gone");
  }
}

void compare(const std::string& path, const Json& before, const Json& now, Lines& lines) {
  if (before == now) return;
  if (before.is_object() && now.is_object()) return compare_objects(path, before, now, lines);
  const bool arrays = before.is_array() && now.is_array();
  if (arrays && (has_names(before) || before.empty()) && (has_names(now) || now.empty()))
    return compare_named(path, before, now, lines);
  lines.push_back(fmt::format("{}: {} -> {}", path, shown(before), shown(now)));
}

}  // namespace

Result<Lines, std::string> differences(std::string_view before, std::string_view now) {
  const Json was = Json::parse(before, nullptr, false);
  const Json is = Json::parse(now, nullptr, false);
  if (!was.is_object() || !is.is_object())
    return Unexpected<std::string>("not a configuration as JSON");
  Lines lines;
  compare({}, was, is, lines);
  return lines;
}

std::string in_one_line(const Lines& differences) {
  if (differences.empty()) return "nothing is different";
  if (differences.size() <= kInOneLine) return fmt::format("{}", fmt::join(differences, "; "));
  const Lines first(differences.begin(), differences.begin() + kInOneLine);
  return fmt::format("{}; and {} more", fmt::join(first, "; "), differences.size() - kInOneLine);
}

}  // namespace onehop::admin
