// SPDX-License-Identifier: MIT
#include "listening.h"

#include <fmt/format.h>

#include <utility>

#include "onehop/net/event_loop.h"

namespace onehop::server {
namespace {

Result<Address, std::string> listen_address(const std::string& text) {
  auto parsed = parse_host_port(text);
  if (!parsed.has_value()) return Unexpected<std::string>(parsed.error());
  if (parsed->host == "localhost") parsed->host = "127.0.0.1";
  return net::resolve(*parsed);
}

}  // namespace

Result<std::vector<net::ListeningSocket>, std::string> listen(
    const std::string& text, uint32_t backlog, size_t count,
    net::ListeningSocket::Accepts accepts) {
  using net::ListeningSocket;
  auto address = listen_address(text);
  if (!address.has_value()) return Unexpected<std::string>(address.error());
  const auto failed = [&](net::NetError error) {
    return Unexpected<std::string>(fmt::format("cannot listen on {}: {}", text, error.sentence()));
  };
  std::vector<ListeningSocket> sockets;
  {
    auto alone =
        ListeningSocket::open(*address, backlog, ListeningSocket::Port::mine_alone, accepts);
    if (!alone.has_value()) return failed(alone.error());
    *address = alone->local();
    if (count == 1) {
      sockets.push_back(std::move(*alone));
      return sockets;
    }
  }
  while (sockets.size() < count) {
    auto shared = ListeningSocket::open(*address, backlog, ListeningSocket::Port::shared, accepts);
    if (!shared.has_value()) return failed(shared.error());
    sockets.push_back(std::move(*shared));
  }
  return sockets;
}

}  // namespace onehop::server
