// SPDX-License-Identifier: MIT
// What is different between two configurations, as `onehop diff` and the log say it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "onehop/base/result.h"

namespace onehop::admin {

// Both are documents of config::to_json(), or of GET /config, whose "in_force" is passed over. A
// line for each key that is new, gone or has another value, in the order of the documents:
//
//   upstream.app.pool.max_idle: 256 -> 8
//   upstream.app.endpoints[127.0.0.1:9003]: new
//
// Listeners and endpoints are told apart by their addresses, routes by host, path and match, and
// not by their places; only where the order of routes is all that differs it is said so. The error
// is a sentence: one of them is no such document.
Result<std::vector<std::string>, std::string> differences(std::string_view before,
                                                          std::string_view now);

// The lines as one, for the log: at most a handful, and how many more there are.
std::string in_one_line(const std::vector<std::string>& differences);

}  // namespace onehop::admin
