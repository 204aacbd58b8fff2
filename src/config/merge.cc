// SPDX-License-Identifier: MIT
#include "merge.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "expand.h"
#include "key_path.h"
#include "syntax.h"
#include "text_rules.h"
#include "toml_node.h"

namespace onehop::config {
namespace {

constexpr std::string_view kInclude = "include";
constexpr std::string_view kUpstream = "upstream";

Problem problem_at(const Files& files, Place at, std::string key, std::string sentence) {
  return {files.name(at), at.line, at.column, std::move(key), std::move(sentence)};
}

class Merge {
 public:
  Merge(toml::table& root, const Files& files) : root_(root), files_(files) {}

  std::vector<Problem> take(toml::table& from) {
    for (auto&& [key, node] : from) {
      if (key.str() == kInclude) {
        problems_.push_back(problem_at(files_, files_.place(key.source()), std::string(kInclude),
                                       "an included file includes no others"));
      } else {
        take(key, node);
      }
    }
    return std::move(problems_);
  }

 private:
  void take(const toml::key& key, toml::node& node) {
    toml::node* const there = root_.get(key.str());
    if (there == nullptr) return move_to(root_, key, node);
    if (there->is_array() && node.is_array()) {
      for (toml::node& entry : *node.as_array()) move_behind(*there->as_array(), entry);
      return;
    }
    if (key.str() != kUpstream || !there->is_table() || !node.is_table())
      return refuse(toml_key(key.str()), *there, node);
    toml::table& upstreams = *there->as_table();
    for (auto&& [name, upstream] : *node.as_table()) {
      const toml::node* const same = upstreams.get(name.str());
      if (same == nullptr) {
        move_to(upstreams, name, upstream);
      } else {
        refuse(upstream_key(name.str()), *same, upstream);
      }
    }
  }

  void refuse(std::string key, const toml::node& there, const toml::node& node) {
    const Place first = files_.place(there.source());
    problems_.push_back(
        problem_at(files_, files_.place(node.source()), std::move(key),
                   fmt::format("may stand in one of the files, found in {}:{} as well",
                               files_.name(first), first.line)));
  }

  toml::table& root_;
  const Files& files_;
  std::vector<Problem> problems_;
};

}  // namespace

std::string beside(std::string_view configuration, std::string_view path) {
  return (std::filesystem::path(configuration).parent_path() / path).string();
}

Result<toml::table, Problem> Files::parse(const Source& source) {
  names_.push_back(source.name);
  try {
    // The parser's name of it is its number: names need not differ, and numbers are found at once.
    return toml::parse(source.text, std::to_string(names_.size() - 1));
  } catch (const toml::parse_error& error) {
    const Place at = place(error.source());
    SyntaxFault fault = syntax_fault(error.description());
    return Unexpected<Problem>(problem_at(*this, at, std::move(fault.key), fault.sentence));
  }
}

void Files::add(std::string name) {
  names_.push_back(std::move(name));
  has_regions_ = false;
}

Place Files::place(const toml::source_region& region) const {
  if (!has_regions_) return {0, 0, 0};
  Place at = config::place(region);
  if (region.path != nullptr) at.file = static_cast<uint32_t>(std::stoul(*region.path));
  return at;
}

Place place_of(const Places& places, std::string_view path) {
  for (; !path.empty(); path = parent(path)) {
    if (const auto at = places.find(path); at != places.end()) return at->second;
  }
  return {};
}

std::vector<Problem> include_all(toml::table& root, Files& files, const Lookup& lookup,
                                 const Include& include) {
  std::vector<Problem> problems;
  const toml::array* const given = root[kInclude].as_array();
  for (size_t i = 0; given != nullptr && i < given->size(); ++i) {
    const toml::node& entry = (*given)[i];
    if (!entry.is_string()) continue;
    const auto pattern = expand(entry.ref<std::string>(), lookup);
    if (!pattern) continue;
    const auto refuse = [&](std::string sentence) {
      problems.push_back(problem_at(files, files.place(entry.source()),
                                    fmt::format("{}[{}]", kInclude, i), std::move(sentence)));
    };
    if (!fits(Text::file_pattern, pattern->text)) {
      refuse(allowed(Text::file_pattern) + ", found " + shown(pattern->text));
      continue;
    }
    Included found = include(beside(files.names().front(), pattern->text));
    for (std::string& sentence : found.sentences) refuse(std::move(sentence));
    for (const Source& source : found.sources) {
      auto tree = files.parse(source);
      if (!tree) {
        problems.push_back(std::move(tree.error()));
        continue;
      }
      for (Problem& problem : Merge(root, files).take(*tree))
        problems.push_back(std::move(problem));
    }
  }
  return problems;
}

}  // namespace onehop::config
