// SPDX-License-Identifier: MIT
// Each room is a logger of spdlog, which has a name and a level that any thread may read; all of
// them write to one sink.
#include "onehop/base/log.h"

#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>

#include <algorithm>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <vector>

#include "log_text.h"
#include "standard_error.h"

namespace onehop::log {
namespace {

// RFC 3339, both of them.
constexpr const char* kTextPattern = "%Y-%m-%dT%H:%M:%S.%e%z %l: %v";
constexpr const char* kJsonPattern =
    R"({"time":"%Y-%m-%dT%H:%M:%S.%fZ","level":"%l","room":"%n","message":"%v"})";

std::atomic<Format> chosen_format{Format::text};

spdlog::level::level_enum in_spdlog(Level level) {
  switch (level) {
    case Level::debug:
      return spdlog::level::debug;
    case Level::info:
      return spdlog::level::info;
    case Level::warning:
      return spdlog::level::warn;
    case Level::error:
      break;
  }
  return spdlog::level::err;
}

Level of_spdlog(spdlog::level::level_enum level) {
  if (level <= spdlog::level::debug) return Level::debug;
  if (level == spdlog::level::info) return Level::info;
  return level == spdlog::level::warn ? Level::warning : Level::error;
}

class Loggers {
 public:
  Loggers() : sink_(std::make_shared<StandardError>()) {
    for (const RoomRow& row : kRooms)
      loggers_.push_back(std::make_unique<spdlog::logger>(std::string(row.name), sink_));
    use(Format::text);
  }

  spdlog::sinks::sink& sink() const { return *sink_; }
  spdlog::logger& of(Room room) const { return *loggers_[static_cast<size_t>(room)]; }

  void use(Format format) {
    const bool text = format == Format::text;
    const auto time = text ? spdlog::pattern_time_type::local : spdlog::pattern_time_type::utc;
    sink_->set_formatter(
        std::make_unique<spdlog::pattern_formatter>(text ? kTextPattern : kJsonPattern, time));
  }

 private:
  std::shared_ptr<StandardError> sink_;
  std::vector<std::unique_ptr<spdlog::logger>> loggers_;
};

// Never destroyed: a thread may have something to say to the very end.
Loggers& loggers() {
  static auto& instance = *new Loggers;
  return instance;
}

// How a message is escaped and what is put around it are of one format.
std::shared_mutex& format_mutex() {
  static auto& instance = *new std::shared_mutex;
  return instance;
}

void say(Level level, const Sentence& sentence) {
  if (level < detail::most_said.load(std::memory_order_relaxed)) return;
  spdlog::logger& logger = loggers().of(room_of(sentence.file()));
  if (!logger.should_log(in_spdlog(level))) return;
  const std::shared_lock lock(format_mutex());
  logger.log(in_spdlog(level), one_line(sentence.text(), format()));
}

constexpr std::array<std::string_view, 4> kLevelNames = {"debug", "info", "warning", "error"};

}  // namespace

constinit std::atomic<Level> detail::most_said{Level::info};

std::optional<Room> parse_room(std::string_view name) noexcept {
  const auto found = std::ranges::find(kRooms, name, &RoomRow::name);
  if (found == kRooms.end()) return std::nullopt;
  return static_cast<Room>(found - kRooms.begin());
}

std::optional<Level> parse_level(std::string_view name) noexcept {
  const auto found = std::ranges::find(kLevelNames, name);
  if (found == kLevelNames.end()) return std::nullopt;
  return static_cast<Level>(found - kLevelNames.begin());
}

std::string_view name_of(Level level) noexcept {
  return kLevelNames[static_cast<size_t>(level)];
}

std::string_view name_of(Format format) noexcept {
  return format == Format::text ? "text" : "json";
}

void use(Format format) {
  const std::unique_lock lock(format_mutex());
  chosen_format.store(format, std::memory_order_relaxed);
  loggers().use(format);
}

Format format() noexcept {
  return chosen_format.load(std::memory_order_relaxed);
}

void set_level(Level level) {
  for (size_t i = 0; i < kRooms.size(); ++i) set_level(static_cast<Room>(i), level);
}

void set_level(Room room, Level level) {
  loggers().of(room).set_level(in_spdlog(level));
  Level most = Level::error;
  for (size_t i = 0; i < kRooms.size(); ++i) most = std::min(most, level_of(static_cast<Room>(i)));
  detail::most_said.store(most, std::memory_order_relaxed);
}

Level level_of(Room room) noexcept {
  return of_spdlog(loggers().of(room).level());
}

void debug(Sentence sentence) {
  say(Level::debug, sentence);
}
void info(Sentence sentence) {
  say(Level::info, sentence);
}
void warning(Sentence sentence) {
  say(Level::warning, sentence);
}
void error(Sentence sentence) {
  say(Level::error, sentence);
}

void record(Sentence sentence) {
  const std::shared_lock lock(format_mutex());
  const std::string line = one_line(sentence.text(), format());
  const spdlog::logger& logger = loggers().of(room_of(sentence.file()));
  loggers().sink().log({logger.name(), spdlog::level::info, line});
}

}  // namespace onehop::log
