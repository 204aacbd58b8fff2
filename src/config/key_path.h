// SPDX-License-Identifier: MIT
// Dotted paths to the keys of a configuration: route[0].path, upstream.app.pool.max_idle. They join
// a value with its place in the file, so that a check need not know that there is a file.
#pragma once

#include <string>
#include <string_view>

#include "text_rules.h"

namespace onehop::config {

inline std::string joined(std::string_view path, std::string_view key) {
  std::string result(path);
  if (!result.empty()) result += '.';
  return result += key;
}

// A key as TOML writes it: bare where it can be, so that a dot in it is told from a dot between
// keys.
inline std::string toml_key(std::string_view key) {
  const bool bare = fits(Text::table_name, key) && key.find('.') == key.npos;
  return bare ? std::string(key) : in_quotes_short(key);
}

// The path without its last part: of "route[0].path" that is "route[0]", then "route", then "".
inline std::string_view parent(std::string_view path) {
  const size_t end = path.find_last_of(".[");
  return path.substr(0, end == path.npos ? 0 : end);
}

// True when the set holds the path or a path above it.
template <class Set>
bool covers(const Set& set, std::string_view path) {
  while (!path.empty()) {
    if (set.find(path) != set.end()) return true;
    path = parent(path);
  }
  return false;
}

// Stays below a key, or at an index, for the length of a scope.
class Within {
 public:
  Within(std::string& path, std::string_view key) : path_(path), length_(path.size()) {
    if (!path.empty()) path += '.';
    path += key;
  }
  Within(std::string& path, size_t index) : path_(path), length_(path.size()) {
    path += '[' + std::to_string(index) + ']';
  }
  ~Within() { path_.resize(length_); }
  Within(const Within&) = delete;
  Within& operator=(const Within&) = delete;

 private:
  std::string& path_;
  size_t length_;
};

}  // namespace onehop::config
