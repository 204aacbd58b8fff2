// SPDX-License-Identifier: MIT
#include "onehop/admin/reply.h"

#include <utility>

namespace onehop::admin {

Reply text_reply(int status, std::string text) {
  return {.status = status, .content_type = "text/plain; charset=utf-8", .body = std::move(text)};
}

Reply json_reply(int status, std::string document) {
  return {.status = status, .content_type = "application/json", .body = std::move(document)};
}

}  // namespace onehop::admin
