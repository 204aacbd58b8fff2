// SPDX-License-Identifier: MIT
// The status decides, not the body: 200 is ready, everything else is not.
#include "check_health.h"

#include <fmt/format.h>

#include <cstdio>

#include "admin_client.h"

namespace onehop::cli {
namespace {

constexpr int kHealthy = 0;
constexpr int kNotHealthy = 1;
constexpr int kWrongUsage = 2;

// What is shown of an answer: its first line, as far as it can be printed, so that no server can
// fill a log.
std::string first_line(const std::string& body) {
  constexpr size_t kMostShown = 80;
  std::string line;
  for (const char byte : body) {
    if (byte < ' ' || byte > '~' || line.size() == kMostShown) break;
    line += byte;
  }
  return line;
}

}  // namespace

int run_check_health(const CheckHealthOptions& options) {
  const std::string question = fmt::format("GET /readyz of {}", options.door.name());
  const auto answer = ask_admin(options.door, {"GET", "/readyz"}, options.timeout);
  if (!answer.has_value()) {
    if (answer.error().failure == AdminFailure::wrong_option) {
      std::fprintf(stderr, "onehop: %s\n", answer.error().why.c_str());
      return kWrongUsage;
    }
    std::fprintf(stderr, "onehop: not healthy: %s: %s\n", question.c_str(),
                 answer.error().why.c_str());
    return kNotHealthy;
  }
  const std::string line = first_line(answer->body);
  const std::string what = answer->status + (line.empty() ? "" : " " + line);
  if (answer->status != "200") {
    std::fprintf(stderr, "onehop: not healthy: %s: status %s\n", question.c_str(), what.c_str());
    return kNotHealthy;
  }
  std::printf("onehop: healthy: %s: status %s\n", question.c_str(), what.c_str());
  return kHealthy;
}

}  // namespace onehop::cli
