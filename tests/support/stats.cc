// SPDX-License-Identifier: MIT
// The only file of the kit that pays for the JSON library.
#include "tests/support/stats.h"

#include <nlohmann/json.hpp>
#include <stdexcept>

namespace onehop::test {
namespace {

const nlohmann::json* find(const nlohmann::json& document, const std::string& path) {
  const nlohmann::json::json_pointer pointer("/" + path);
  return document.contains(pointer) ? &document.at(pointer) : nullptr;
}

const nlohmann::json& must_find(const nlohmann::json& document, const std::string& path) {
  const nlohmann::json* found = find(document, path);
  if (found == nullptr) throw std::runtime_error("/stats has no " + path);
  return *found;
}

}  // namespace

Stats::Stats(const std::string& text)
    : document_(std::make_shared<const nlohmann::json>(nlohmann::json::parse(text))) {}

bool Stats::has(const std::string& path) const {
  return find(*document_, path) != nullptr;
}

int64_t Stats::number(const std::string& path) const {
  const nlohmann::json& value = must_find(*document_, path);
  if (!value.is_number_integer())
    throw std::runtime_error(path + " is no integer: " + value.dump());
  return value.get<int64_t>();
}

int64_t Stats::number_or_zero(const std::string& path) const {
  return has(path) ? number(path) : 0;
}

double Stats::real(const std::string& path) const {
  const nlohmann::json& value = must_find(*document_, path);
  if (!value.is_number()) throw std::runtime_error(path + " is no number: " + value.dump());
  return value.get<double>();
}

std::vector<std::string> Stats::keys(const std::string& path) const {
  std::vector<std::string> names;
  for (const auto& [key, value] : must_find(*document_, path).items()) names.push_back(key);
  return names;
}

std::string Stats::text() const {
  return document_->dump(2);
}

}  // namespace onehop::test
