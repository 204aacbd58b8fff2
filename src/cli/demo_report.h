// SPDX-License-Identifier: MIT
// What `onehop demo` says around its table: where things are at the start, what the figures mean at
// the end. Pure: text out of addresses and of documents of /stats. At most 80 columns.
#pragma once

#include <string>
#include <vector>

namespace onehop::cli {

struct DemoPlaces {
  std::string version;
  std::string proxy;
  std::string admin;
  std::vector<std::string> replicas;
  std::vector<std::string> replica_notes;  // one for each: how it behaves
  std::string load_note;
};

// Ends with a newline.
std::string demo_header(const DemoPlaces& places);

// What the document shows: requests against connections, and which endpoint is slow, if one is.
std::string demo_conclusion(const std::string& stats_json);

}  // namespace onehop::cli
