// SPDX-License-Identifier: MIT
// Fields that the configuration names: what onehop alone may say (of a client's certificate), and
// what trusted peers alone may say of their client. A name is one of them in any spelling that a
// CGI-like variable makes equal, and is looked up by the hash of that.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

namespace onehop::proxy {

class GuardedFields {
 public:
  enum class Guard : uint8_t {
    none,
    identity,  // goes where an untrusted peer says it
    own        // goes whoever says it
  };

  GuardedFields() = default;
  GuardedFields(std::span<const std::string> own, std::span<const std::string> identity);

  Guard of(std::string_view name) const noexcept;

 private:
  void add(std::string_view name, Guard guard);

  uint64_t seen_ = 0;  // a bit for each, so that most names need no hash
  std::unordered_multimap<uint32_t, std::pair<std::string, Guard>> names_;  // levelled
};

}  // namespace onehop::proxy
