// SPDX-License-Identifier: MIT
#include "listening.h"

#include <fmt/format.h>

#include <string>
#include <utility>

#include "onehop/net/adopted_socket.h"
#include "onehop/net/event_loop.h"

namespace onehop::server {

Result<Address, std::string> listen_address(const std::string& text) {
  auto parsed = parse_host_port(text);
  if (!parsed.has_value()) return Unexpected<std::string>(parsed.error());
  if (parsed->host == "localhost") parsed->host = "127.0.0.1";
  return net::resolve(*parsed);
}

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

Result<UnixListening, std::string> listen_at_path(const config::Listener& listener, size_t count) {
  const auto failed = [&](std::string_view why) {
    return Unexpected<std::string>(fmt::format("cannot listen on {}: {}", listener.address, why));
  };
  auto made = net::listen_at_path(listener.address.substr(kUnixPrefix.size()), mode_of(listener),
                                  listener.backlog);
  if (!made.has_value()) return failed(made.error());
  UnixListening listening;
  listening.sockets.push_back(std::move(made->socket));
  listening.file = std::move(made->file);
  while (listening.sockets.size() < count) {
    auto another = net::duplicate_of(listening.sockets.front());
    if (!another.has_value()) return failed(another.error().sentence());
    listening.sockets.push_back(std::move(*another));
  }
  return listening;
}

// config::check() has seen that it is octal.
mode_t mode_of(const config::Listener& listener) {
  return static_cast<mode_t>(std::stoul(listener.mode, nullptr, 8));
}

}  // namespace onehop::server
