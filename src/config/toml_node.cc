// SPDX-License-Identifier: MIT
#include "toml_node.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace onehop::config {
namespace {

// With a point or an exponent, so that it is not taken for an integer.
std::string float_text(double number) {
  std::string text = fmt::format("{}", number);
  if (text.find_first_not_of("-0123456789") == text.npos) text += ".0";
  return text;
}

}  // namespace

Place place(const toml::source_region& region) {
  return {std::max<uint32_t>(region.begin.line, 1), std::max<uint32_t>(region.begin.column, 1)};
}

void move_to(toml::table& table, const toml::key& key, toml::node& node) {
  node.visit([&](auto& value) { table.insert_or_assign(key, std::move(value)); });
}

void move_behind(toml::array& array, toml::node& node) {
  node.visit([&](auto& value) { array.push_back(std::move(value)); });
}

std::string shown_node(const toml::node& node) {
  if (const auto* number = node.as_integer()) return std::to_string(number->get());
  if (const auto* number = node.as_floating_point()) return float_text(number->get());
  if (const auto* flag = node.as_boolean()) return flag->get() ? "true" : "false";
  if (node.is_string()) return "a string";
  if (node.is_table()) return "a table";
  if (node.is_array()) return "an array";
  return "a date or time";
}

std::string_view type_remark(const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get().empty() ? "" : "a string";
  if (node.is_integer()) return "an integer";
  if (node.is_floating_point()) return "a float";
  return node.is_boolean() ? "a boolean" : "";
}

}  // namespace onehop::config
