// SPDX-License-Identifier: MIT
// The document of GET /stats, read by path: "downstream/connections/open". The parts are separated
// by '/', because an endpoint's name is an address with dots in it. A path that is not there
// throws, so a misspelt one cannot pass for a zero.
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace onehop::test {

class Stats {
 public:
  explicit Stats(const std::string& text);

  bool has(const std::string& path) const;
  int64_t number(const std::string& path) const;  // an integer, and nothing else
  int64_t number_or_zero(const std::string& path) const;
  double real(const std::string& path) const;  // any number
  std::vector<std::string> keys(const std::string& path) const;
  std::string text() const;  // the whole document, for a failure's message
  const nlohmann::json& document() const { return *document_; }

 private:
  std::shared_ptr<const nlohmann::json> document_;
};

}  // namespace onehop::test
