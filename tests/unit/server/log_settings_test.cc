// SPDX-License-Identifier: MIT
#include "onehop/server/log_settings.h"

#include "onehop/base/log.h"
#include "tests/support/catch.h"

namespace onehop::server {
namespace {

TEST_CASE("a room has the level of the program, unless it has one of its own") {
  config::Log settings;
  settings.level = config::LogLevel::warning;
  settings.rooms.levels[static_cast<size_t>(log::Room::upstream)] = config::RoomLevel::debug;
  settings.rooms.levels[static_cast<size_t>(log::Room::server)] = config::RoomLevel::error;
  use_levels(settings);
  CHECK(log::level_of(log::Room::upstream) == log::Level::debug);
  CHECK(log::level_of(log::Room::server) == log::Level::error);
  CHECK(log::level_of(log::Room::http) == log::Level::warning);
  use_levels({});
  for (size_t i = 0; i < log::kRooms.size(); ++i)
    CHECK(log::level_of(static_cast<log::Room>(i)) == log::Level::info);
}

}  // namespace
}  // namespace onehop::server
