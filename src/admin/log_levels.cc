// SPDX-License-Identifier: MIT
#include "log_levels.h"

#include <nlohmann/json.hpp>
#include <optional>

#include "onehop/base/log.h"

namespace onehop::admin {
namespace {

std::string room_list() {
  std::string list;
  for (const log::RoomRow& row : log::kRooms)
    list.append(list.empty() ? "" : ", ").append(row.name);
  return list;
}

Reply set_levels(const Command& command) {
  const auto level = log::parse_level(command.given("level").value_or(""));
  if (!level) return text_reply(400, "level must be one of: debug, info, warning, error\n");
  const auto name = command.given("room");
  const auto room = log::parse_room(name.value_or(""));
  if (name && !room) return text_reply(400, "room must be one of: " + room_list() + "\n");
  room ? log::set_level(*room, *level) : log::set_level(*level);
  return json_reply(200, log_document());
}

}  // namespace

std::string log_document() {
  nlohmann::ordered_json document;
  document["format"] = log::name_of(log::format());
  for (size_t i = 0; i < log::kRooms.size(); ++i)
    document["rooms"][std::string(log::kRooms[i].name)] =
        log::name_of(log::level_of(static_cast<log::Room>(i)));
  return document.dump(2) + "\n";
}

void add_log_command(Commands& commands) {
  commands.add({.method = "POST",
                .path = "/log",
                .what = "sets the level of the log, of all of it or of one room",
                .query = {"level", "room"}},
               [](const Command& command, const Done& done) { done(set_levels(command)); });
}

}  // namespace onehop::admin
