// SPDX-License-Identifier: MIT
// Guard: who may ask the admin endpoint, and who may tell it what to do.
//
// Whoever reaches it may read, but for web pages: a browser names the page that asks in Origin, and
// a name that was made to lead here in Host. Commands are taken over the unix socket, which the
// file system guards, or with the token.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "onehop/admin/allowed_hosts.h"
#include "onehop/admin/reply.h"
#include "onehop/base/address.h"
#include "onehop/http/head.h"

namespace onehop::admin {

class Guard {
 public:
  // The names by which it may be asked over the network, beside those that AllowedHosts knows.
  explicit Guard(std::vector<std::string> hosts) : hosts_(std::move(hosts)) {}
  void use_hosts(std::vector<std::string> hosts) { hosts_ = AllowedHosts(std::move(hosts)); }

  // Commands that come with it are taken over the network as well. Empty: there is none.
  void trust(std::string token) { token_ = std::move(token); }

  // Nothing where the request may be answered, if it is no command: else why not.
  std::optional<Reply> refusal(const Address& peer, const http::RequestHead& head) const;
  // The same for a command that has passed the former.
  std::optional<Reply> command_refusal(const Address& peer, const http::RequestHead& head) const;

  // How a log calls who gave a command that was taken.
  static std::string name_of(const Address& peer);

 private:
  AllowedHosts hosts_;
  std::string token_;
};

}  // namespace onehop::admin
