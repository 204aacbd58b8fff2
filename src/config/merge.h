// SPDX-License-Identifier: MIT
// Several files as one: their trees are joined before anybody reads them, so that all that is said
// of a value holds wherever it stands. Each node knows the file that it is of.
//
//   [[listener]], [[route]]   those of all files, in the order of the files
//   [upstream.NAME]           each in one file
//   any other table           in one file
//
// With reader.cc a user of toml++.
#pragma once

#include <toml++/toml.h>

#include <string>
#include <string_view>
#include <vector>

#include "reader.h"

namespace onehop::config {

// Where a file is that a configuration file names: what is relative begins at the folder of that
// one, so that a folder with both may be moved, and checked from anywhere.
std::string beside(std::string_view configuration, std::string_view path);

// The files of a configuration, by the regions of their nodes.
class Files {
 public:
  // The tree of a file, which is one of these from now on.
  Result<toml::table, Problem> parse(const Source& source);
  // One without regions: its nodes are at line 0, which is no place.
  void add(std::string name);

  Place place(const toml::source_region& region) const;
  const std::string& name(Place at) const { return names_.at(at.file); }
  const std::vector<std::string>& names() const { return names_; }

 private:
  std::vector<std::string> names_;
  bool has_regions_ = true;
};

// Moves into `root` what the files hold that its key `include` names. What is wrong with the key
// itself is left to whoever reads it.
std::vector<Problem> include_all(toml::table& root, Files& files, const Lookup& lookup,
                                 const Include& include);

}  // namespace onehop::config
