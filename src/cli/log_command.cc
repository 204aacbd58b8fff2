// SPDX-License-Identifier: MIT
#include "log_command.h"

#include <fmt/format.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "admin_door.h"

namespace onehop::cli {
namespace {

constexpr int kFine = 0;
constexpr int kWrongUsage = 2;

}  // namespace

int run_log(const LogOptions& options) {
  if (options.level.empty() && !options.room.empty()) {
    std::fprintf(stderr, "onehop: --room: a level is needed for it\n");
    return kWrongUsage;
  }
  AdminQuestion question{"GET", "/log"};
  if (!options.level.empty()) question = {"POST", "/log?level=" + options.level};
  if (!options.room.empty()) question.target += "&room=" + options.room;
  const auto body = ask_or_explain(options.door, question);
  if (!body.has_value()) return body.error();
  const auto document = nlohmann::ordered_json::parse(*body, nullptr, false);
  const auto rooms = document.is_object() ? document.find("rooms") : document.end();
  if (rooms == document.end() || !rooms->is_object())
    return not_an_endpoint(options.door, "its answer is not that of /log");
  for (const auto& [room, level] : rooms->items())
    std::printf("%-10s %s\n", room.c_str(),
                level.is_string() ? level.get<std::string>().c_str() : "");
  return kFine;
}

}  // namespace onehop::cli
