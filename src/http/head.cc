// SPDX-License-Identifier: MIT
#include "onehop/http/head.h"

namespace onehop::http {

Method method_of(std::string_view text) noexcept {
  constexpr struct {
    std::string_view text;
    Method method;
  } kMethods[] = {
      {"GET", Method::get},     {"POST", Method::post},      {"HEAD", Method::head},
      {"PUT", Method::put},     {"DELETE", Method::delete_}, {"OPTIONS", Method::options},
      {"PATCH", Method::patch}, {"TRACE", Method::trace},    {"CONNECT", Method::connect}};
  for (const auto& known : kMethods) {
    if (text == known.text) return known.method;
  }
  return Method::other;
}

}  // namespace onehop::http
