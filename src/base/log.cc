// SPDX-License-Identifier: MIT
#include "onehop/base/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>

namespace onehop::log {
namespace {

std::shared_ptr<spdlog::logger>& logger() {
  static auto instance = [] {
    auto made = spdlog::stderr_logger_mt("onehop");
    made->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l: %v");
    made->set_level(spdlog::level::info);
    return made;
  }();
  return instance;
}

}  // namespace

void set_level(Level level) {
  switch (level) {
    case Level::debug:
      logger()->set_level(spdlog::level::debug);
      break;
    case Level::info:
      logger()->set_level(spdlog::level::info);
      break;
    case Level::warning:
      logger()->set_level(spdlog::level::warn);
      break;
    case Level::error:
      logger()->set_level(spdlog::level::err);
      break;
  }
}

void debug(std::string_view sentence) {
  logger()->debug(sentence);
}
void info(std::string_view sentence) {
  logger()->info(sentence);
}
void warning(std::string_view sentence) {
  logger()->warn(sentence);
}
void error(std::string_view sentence) {
  logger()->error(sentence);
}

}  // namespace onehop::log
