// SPDX-License-Identifier: MIT
#include "admin_endpoint.h"

#include <fmt/format.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>

#include "listening.h"
#include "onehop/config/rules.h"
#include "onehop/http/h1.h"

namespace onehop::server {

namespace {

constexpr uint32_t kBacklog = 128;
constexpr uint64_t kAskingMs = 200;    // for a request that is on its way to a process that leaves
constexpr mode_t kControlMode = 0660;  // the user that it runs as, and its group

Result<std::string, std::string> token_of(const config::Admin& config) {
  if (config.token_file.empty()) return config.token;
  const auto failed = [&](std::string_view why) {
    return Unexpected<std::string>(
        fmt::format("the token of token_file {}: {}", config.token_file, why));
  };
  std::ifstream file(config.token_file);
  std::string token;
  if (!file.is_open()) return failed(net::NetError{errno}.sentence());
  if (!std::getline(file, token) || token.empty()) return failed("its first line is empty");
  if (token.ends_with('\r')) token.pop_back();
  std::string further;
  if (std::getline(file, further)) return failed("there is more than one line");
  if (!config::fits(config::Text::token, token))
    return failed(config::allowed(config::Text::token) + " are needed in its one line");
  return token;
}

std::string network_key(const std::string& listen) {
  return "admin " + listen;
}

// The same for a process that was started in another folder, and takes over.
std::string control_key(const std::string& path) {
  std::error_code failed;
  const auto whole = std::filesystem::absolute(path, failed);
  return "control " + (failed ? path : whole.lexically_normal().string());
}

}  // namespace

AdminEndpoint::AdminEndpoint(net::EventLoop& loop, admin::AdminService& service)
    : loop_(loop), service_(service), connections_(loop, settings_, *this) {}

Result<AdminEndpoint::Doors, std::string> AdminEndpoint::prepare(
    const config::Admin& config, InheritedSockets* inherited) const {
  Doors doors;
  auto token = token_of(config);
  if (!token.has_value()) return Unexpected<std::string>(token.error());
  doors.token = std::move(*token);
  if (!config.listen.empty() && config.listen != listen_) {
    std::vector<net::ListeningSocket> sockets;
    if (inherited != nullptr)
      sockets = inherited->take(network_key(config.listen), config.listen).sockets;
    if (sockets.empty()) {
      auto bound = listen(config.listen, kBacklog, 1, net::ListeningSocket::Accepts::at_once);
      if (!bound.has_value()) return Unexpected<std::string>(bound.error());
      sockets = std::move(*bound);
    }
    doors.network = std::move(sockets.front());
  }
  if (!config.control.empty() && config.control != control_) {
    if (inherited != nullptr) {
      auto taken = inherited->take(control_key(config.control), "unix:" + config.control);
      if (!taken.sockets.empty()) {
        doors.control = net::UnixSocket{std::move(taken.sockets.front()), net::SocketFile()};
        doors.control_is_activated = taken.activated;
        return doors;
      }
    }
    auto control = net::listen_at_path(config.control, kControlMode, kBacklog);
    if (!control.has_value())
      return Unexpected<std::string>(
          fmt::format("cannot listen at control {}: {}", config.control, control.error()));
    doors.control = std::move(*control);
  }
  return doors;
}

void AdminEndpoint::use(const config::Admin& config, Doors doors) {
  service_.trust(std::move(doors.token));
  service_.use_hosts(config.hosts);
  most_connections_ = config.connections;
  if (config.listen != listen_) {
    if (network_listener_ != nullptr) connections_.drain_present(0);
    network_listener_.reset();
    listen_ = config.listen;
    address_.clear();
  }
  if (doors.network) {
    address_ = doors.network->local().to_string();
    network_listener_ = net::Listener::start(loop_, std::move(*doors.network), *this);
  }
  if (config.control != control_) {
    if (control_listener_ != nullptr) connections_.drain_present(0);
    control_listener_.reset();
    control_file_ = net::SocketFile();
    control_ = config.control;
  }
  if (doors.control) {
    control_file_ = std::move(doors.control->file);
    control_is_activated_ = doors.control_is_activated;
    control_listener_ = net::Listener::start(loop_, std::move(doors.control->socket), *this);
  }
}

void AdminEndpoint::close() {
  control_file_ = net::SocketFile();
  control_listener_.reset();
  network_listener_.reset();
  connections_.close_all();
}

std::vector<HandedSockets> AdminEndpoint::duplicate_sockets() const {
  std::vector<HandedSockets> handed;
  const auto add = [&](const std::string& key, const net::Listener* listener, bool activated) {
    if (listener == nullptr) return;
    handed.push_back({.key = key, .activated = activated});
    handed.back().sockets.push_back(net::Descriptor::duplicate_of(listener->descriptor()));
  };
  add(network_key(listen_), network_listener_.get(), false);
  add(control_key(control_), control_listener_.get(), control_is_activated_);
  return handed;
}

void AdminEndpoint::own() {
  held_ = false;
  if (control_listener_ != nullptr && !control_is_activated_)
    control_file_ = net::SocketFile::taken_over(control_);
}

void AdminEndpoint::leave() {
  control_file_.leave();
  control_listener_.reset();
  network_listener_.reset();
  connections_.drain_present(kAskingMs);
}

void AdminEndpoint::on_accept(net::TransportPtr transport, const Address& peer) {
  for (; connections_.size() >= most_connections_; ++shed_) connections_.close_oldest();
  http::Client client;
  client.address = peer;
  http::h1::serve(loop_, std::move(transport), client, service_, settings_, connections_);
  refill_spares();
}

bool AdminEndpoint::make_room(net::NetError) {
  return connections_.shed_idle(1) == 1 || spares_.give();
}

}  // namespace onehop::server
