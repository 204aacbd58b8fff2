// SPDX-License-Identifier: MIT
#include "choosing.h"

#include <algorithm>
#include <string>

#include "onehop/config/suggest.h"
#include "text_rules.h"

namespace onehop::config {
namespace {

// Words that differ in case, or in what joins their parts, are the same word to people.
std::string plain(std::string_view word) {
  std::string text = lower(word);
  std::ranges::replace(text, '-', '_');
  std::ranges::replace(text, ' ', '_');
  return text;
}

}  // namespace

Choosing choose(std::string_view word, std::span<const std::string_view> names,
                std::span<const Synonym> synonyms) {
  const auto index_of = [names](std::string_view name) -> std::optional<size_t> {
    const auto found = std::ranges::find(names, name);
    if (found == names.end()) return std::nullopt;
    return static_cast<size_t>(found - names.begin());
  };
  if (const auto index = index_of(word)) return {index, {}};
  const auto taken = std::ranges::find_if(synonyms, [word](const Synonym& synonym) {
    return synonym.use == Synonym::Use::taken && synonym.word == word;
  });
  if (taken != synonyms.end()) return {index_of(taken->name), {}};
  const std::string text = plain(word);
  if (const auto index = index_of(text)) return {std::nullopt, names[*index]};
  const auto known = std::ranges::find(synonyms, text, &Synonym::word);
  return {std::nullopt, known != synonyms.end() ? known->name : closest(text, names)};
}

}  // namespace onehop::config
