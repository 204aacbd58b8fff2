// SPDX-License-Identifier: MIT
#include "node_reports.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "onehop/config/suggest.h"
#include "text_rules.h"
#include "toml_node.h"

namespace onehop::config {

std::optional<Expanded> NodeReports::expanded(const std::string& path, const toml::node& node) {
  if (!lookup_) return Expanded{node.ref<std::string>()};
  Result<Expanded, std::string> result = expand(node.ref<std::string>(), lookup_);
  if (!result) {
    report(path, place(node.source()), result.error());
    return std::nullopt;
  }
  if (result->secret) reading_.config.masked.push_back(path);
  return std::move(*result);
}

// What stands in the file, for a message.
std::string NodeReports::found(const std::string& path, const toml::node& node) const {
  if (const auto* text = node.as_string()) {
    const std::vector<std::string>& masked = reading_.config.masked;
    if (std::ranges::find(masked, path) != masked.end()) return "***";
    if (!lookup_) return shown(text->get());
    const Result<Expanded, std::string> result = expand(text->get(), lookup_);
    return shown(result ? result->text : text->get());
  }
  return shown_node(node);
}

void NodeReports::report(const std::string& path, Place at, std::string sentence) {
  reading_.problems.push_back(reading_.problem(at, path, std::move(sentence)));
  reading_.refused.insert(path);
}

void NodeReports::refuse(const std::string& path, const toml::node& node, std::string_view expected,
                         std::string_view remark) {
  std::string sentence = fmt::format("{}, found {}", expected, found(path, node));
  if (!remark.empty()) sentence += fmt::format(" ({})", remark);
  report(path, place(node.source()), std::move(sentence));
}

void NodeReports::refuse_type(const std::string& path, const toml::node& node,
                              std::string_view expected) {
  refuse(path, node, expected, type_remark(node));
}

}  // namespace onehop::config
