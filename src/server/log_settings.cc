// SPDX-License-Identifier: MIT
#include "onehop/server/log_settings.h"

#include "onehop/base/log.h"

namespace onehop::server {
namespace {

log::Level level_of(config::LogLevel level) {
  switch (level) {
    case config::LogLevel::debug:
      return log::Level::debug;
    case config::LogLevel::info:
      return log::Level::info;
    case config::LogLevel::warning:
      return log::Level::warning;
    case config::LogLevel::error:
      break;
  }
  return log::Level::error;
}

log::Level level_of(config::RoomLevel level, log::Level program) {
  switch (level) {
    case config::RoomLevel::same:
      return program;
    case config::RoomLevel::debug:
      return log::Level::debug;
    case config::RoomLevel::info:
      return log::Level::info;
    case config::RoomLevel::warning:
      return log::Level::warning;
    case config::RoomLevel::error:
      break;
  }
  return log::Level::error;
}

}  // namespace

void use_levels(const config::Log& settings) {
  const log::Level program = level_of(settings.level);
  for (size_t i = 0; i < log::kRooms.size(); ++i)
    log::set_level(static_cast<log::Room>(i), level_of(settings.rooms.levels[i], program));
}

void use_format(const config::Log& settings) {
  log::use(settings.format == config::LogFormat::json ? log::Format::json : log::Format::text);
}

void begin_log(const config::Log& settings) {
  use_format(settings);
  use_levels(settings);
}

}  // namespace onehop::server
