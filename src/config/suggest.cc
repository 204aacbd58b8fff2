// SPDX-License-Identifier: MIT
#include "onehop/config/suggest.h"

#include <algorithm>
#include <cstddef>
#include <vector>

namespace onehop::config {
namespace {

constexpr size_t kMostEdits = 2;
constexpr size_t kShortestPrefix = 3;
constexpr size_t kMostListed = 10;

// Levenshtein's distance, one row at a time.
size_t distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

}  // namespace

std::string_view closest(std::string_view word, std::span<const std::string_view> known) {
  std::string_view best;
  size_t least = kMostEdits + 1;
  for (const std::string_view candidate : known) {
    const size_t longer = std::max(word.size(), candidate.size());
    const size_t shorter = std::min(word.size(), candidate.size());
    size_t edits = kMostEdits + 1;
    if (longer - shorter <= kMostEdits) edits = distance(word, candidate);
    // The beginning of a name is as good as the most that is misspelt.
    if (candidate.starts_with(word)) edits = std::min(edits, kMostEdits);
    const bool near = edits <= kMostEdits && edits * 2 <= word.size();
    const bool prefix =
        shorter >= kShortestPrefix && word.substr(0, shorter) == candidate.substr(0, shorter);
    if ((near && edits < least) || (prefix && best.empty())) {
      best = candidate;
      least = std::min(edits, kMostEdits + 1);
    }
  }
  return best;
}

std::string listing(std::span<const std::string_view> words) {
  std::string list;
  for (size_t i = 0; i < words.size() && i < kMostListed; ++i) {
    if (i > 0) list += ", ";
    list += words[i];
  }
  return words.size() > kMostListed ? list + ", ..." : list;
}

}  // namespace onehop::config
