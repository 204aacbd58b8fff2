// SPDX-License-Identifier: MIT
#include "onehop/net/error.h"

#include <cstring>

namespace onehop::net {

std::string_view NetError::name() const {
  if (is_tls_failure()) return "TLS";
  const char* name = strerrorname_np(number);
  return name == nullptr ? "unknown" : name;
}

std::string_view NetError::sentence() const {
  if (is_tls_failure()) return "TLS failed";
  const char* sentence = strerrordesc_np(number);
  return sentence == nullptr ? "unknown error" : sentence;
}

}  // namespace onehop::net
