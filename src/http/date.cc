// SPDX-License-Identifier: MIT
#include "onehop/http/date.h"

#include <cstddef>

namespace onehop::http {

std::string_view date_text(std::time_t now) {
  static thread_local char text[40];
  static thread_local size_t size = 0;
  static thread_local std::time_t formatted = -1;
  if (now != formatted) {
    std::tm parts{};
    gmtime_r(&now, &parts);
    size = std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts);
    formatted = now;
  }
  return {text, size};
}

}  // namespace onehop::http
