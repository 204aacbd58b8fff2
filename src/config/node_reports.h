// SPDX-License-Identifier: MIT
// NodeReports: what has been read of a tree, and what is wrong with its nodes, each by its path and
// with its place in a file.
#pragma once

#include <toml++/toml.h>

#include <optional>
#include <string>
#include <string_view>

#include "expand.h"
#include "merge.h"
#include "reader.h"

namespace onehop::config {

class NodeReports {
 public:
  // `files` are those that nodes may be of. Without a `lookup` text is taken as it is. Both outlive
  // it.
  NodeReports(const Files& files, const Lookup& lookup) : files_(files), lookup_(lookup) {
    reading_.files = files.names();
  }

 protected:
  ~NodeReports() = default;

  Place place(const toml::source_region& region) const { return files_.place(region); }

  // The string with its variables replaced; nothing when that failed, which is reported.
  std::optional<Expanded> expanded(const std::string& path, const toml::node& node);

  // What is allowed, with what was found; and a remark to that.
  void refuse(const std::string& path, const toml::node& node, std::string_view expected,
              std::string_view remark = {});
  void refuse_type(const std::string& path, const toml::node& node, std::string_view expected);
  void report(const std::string& path, Place at, std::string sentence);

  const Files& files_;
  const Lookup& lookup_;
  Reading reading_;

 private:
  std::string found(const std::string& path, const toml::node& node) const;
};

}  // namespace onehop::config
