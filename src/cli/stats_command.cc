// SPDX-License-Identifier: MIT
// The document is printed as it came, or as the table that the admin room makes of it.
#include "stats_command.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "admin_door.h"

namespace onehop::cli {
namespace {

constexpr std::chrono::seconds kPatience(5);

}  // namespace

admin::Ink table_ink(int descriptor) {
  const char* no_color = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  if (no_color != nullptr && *no_color != '\0') return admin::Ink::plain;
  if (terminal == nullptr || std::string_view(terminal) == "dumb") return admin::Ink::plain;
  return ::isatty(descriptor) == 1 ? admin::Ink::terminal : admin::Ink::plain;
}

int run_stats(const StatsOptions& options) {
  const auto answer =
      ask_admin(options.door, {"GET", "/stats?window=" + options.window}, kPatience);
  if (!answer.has_value()) return no_answer(options.door, answer.error());
  if (answer->status != "200") {
    return not_an_endpoint(options.door, "it answered GET /stats with " + answer->status);
  }
  admin::TableStyle style;
  style.ink = table_ink(STDOUT_FILENO);
  const auto table = admin::stats_table(answer->body, style);
  if (!table.has_value()) return not_an_endpoint(options.door, table.error());
  std::fputs((options.json ? answer->body : *table).c_str(), stdout);
  if (options.json && !answer->body.ends_with('\n')) std::fputc('\n', stdout);
  return 0;
}

}  // namespace onehop::cli
