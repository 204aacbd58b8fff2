// SPDX-License-Identifier: MIT
// From TOML text to a Config and the place of every value. Reads types, units, variables and single
// ranges; what one value alone cannot tell is left to check(). toml++ is seen by reader.cc,
// toml_node, merge and json_tree alone.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "onehop/config/load.h"
#include "onehop/config/schema.h"

namespace onehop::config {

struct Place {
  uint32_t line = 1;
  uint32_t column = 1;
  uint32_t file = 0;  // of Reading::files
};

using Places = std::map<std::string, Place, std::less<>>;

// The place of the path, or of the nearest table above it when the file does not have the key.
Place place_of(const Places& places, std::string_view path);

struct Reading {
  Config config;
  std::vector<std::string> files;  // as they are named; the first is the one that includes others
  std::vector<Problem> problems;
  Places places;                               // of every value and table, by its path
  std::set<std::string, std::less<>> refused;  // paths that have a problem already

  Problem problem(Place at, std::string key, std::string sentence) const {
    return {files.at(at.file), at.line, at.column, std::move(key), std::move(sentence)};
  }
};

// A file that a text includes.
struct Source {
  std::string name;
  std::string text;
};

// What one entry of `include` leads to: those that can be read, and a sentence for each other.
struct Included {
  std::vector<Source> sources;
  std::vector<std::string> sentences;
};
using Include = std::function<Included(const std::string& pattern)>;

// Reads the text together with what it includes, as if all of it stood in one file; without an
// `include` nothing is included. Relative paths are joined to the folder of the file that has them.
// The error is text that is not TOML: nothing behind it can be trusted. Of an included file that is
// one problem of several.
Result<Reading, Problem> read(const Source& source, const Lookup& lookup,
                              const Include& include = nullptr);

// A list of endpoints alone; `config` is empty. Nothing is looked up in it.
struct ListReading {
  EndpointList list;
  Reading reading;
};
Result<ListReading, Problem> read_list(const Source& source);

}  // namespace onehop::config
