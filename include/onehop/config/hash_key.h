// SPDX-License-Identifier: MIT
// The key of [upstream.NAME] hash_by, taken apart: which part of a request the hashing balancers
// look at.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "onehop/base/result.h"

namespace onehop::config {

struct HashKey {
  enum class Part : uint8_t { header, cookie, query, client, path };
  Part part = Part::client;
  std::string name = {};  // of the header, the cookie or the parameter

  // "header:NAME", "cookie:NAME", "query:NAME", "client" or "path". The error is the remark of a
  // message, and empty where what is allowed says it already.
  static Result<HashKey, std::string> parse(std::string_view text);

  bool operator==(const HashKey&) const = default;
};

}  // namespace onehop::config
