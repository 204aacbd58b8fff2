// SPDX-License-Identifier: MIT
#include "onehop/admin/guard.h"

#include <fmt/format.h>

#include "onehop/base/ascii.h"
#include "onehop/tls/digest.h"

namespace onehop::admin {
namespace {

// Named as the client named it, which is what has to be written into the configuration.
Reply misdirected(std::string_view authority) {
  return text_reply(
      421, fmt::format("The host \"{}\" is not one of admin.hosts. Other names than localhost and "
                       "those without a dot have to be listed there, because a web page can give "
                       "any address a name (DNS rebinding).\n",
                       authority.substr(0, 255)));
}

// What follows "Bearer" (RFC 6750 2.1); empty where the field has another form.
std::string_view bearer_token(std::string_view authorization) {
  constexpr std::string_view kScheme = "Bearer ";
  if (!equals_ignoring_case(authorization.substr(0, kScheme.size()), kScheme)) return {};
  return trim_blanks(authorization.substr(kScheme.size()));
}

}  // namespace

std::optional<Reply> Guard::refusal(const Address& peer, const http::RequestHead& head) const {
  if (head.fields.find("origin") != nullptr)
    return text_reply(403,
                      "A request with an Origin field is of a web page, and none of those is "
                      "answered here.\n");
  if (!peer.process() && !hosts_.allow(head.authority)) return misdirected(head.authority);
  return std::nullopt;
}

std::optional<Reply> Guard::command_refusal(const Address& peer,
                                            const http::RequestHead& head) const {
  if (peer.process()) return std::nullopt;
  if (token_.empty())
    return text_reply(403,
                      "Commands are not taken here: only over a unix socket ([admin] control), or "
                      "with a token ([admin] token_file or token); no token is configured.\n");
  const http::Field* given = head.fields.find("authorization");
  if (given == nullptr)
    return text_reply(403,
                      "Commands are taken over the unix socket ([admin] control), or with the "
                      "token of [admin] token_file or token in a field \"Authorization: Bearer "
                      "TOKEN\"; there is no such field.\n");
  if (tls::is_same_secret(bearer_token(given->value), token_)) return std::nullopt;
  Reply reply = text_reply(401, "The token is not that of [admin] token_file or token.\n");
  reply.challenge = "Bearer";
  return reply;
}

std::string Guard::name_of(const Address& peer) {
  return peer.process() ? peer.to_string() : peer.to_string() + " with the token";
}

}  // namespace onehop::admin
