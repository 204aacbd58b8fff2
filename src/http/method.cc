// SPDX-License-Identifier: MIT
#include "onehop/http/method.h"

namespace onehop::http {

Method method_of(std::string_view text) noexcept {
  size_t at = 0;
  while (at < static_cast<size_t>(Method::other) && kMethods[at].text != text) ++at;
  return static_cast<Method>(at);
}

}  // namespace onehop::http
