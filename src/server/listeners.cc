// SPDX-License-Identifier: MIT
#include "listeners.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "faults.h"
#include "listening.h"

namespace onehop::server {
namespace {

using Sockets = std::vector<net::ListeningSocket>;

bool at_path(const config::Listener& listener) {
  return Address::of_unix(listener.address).has_value();
}

// Bound anew; the file of a unix socket is put among the files.
Result<Sockets, std::string> bind(const config::Listener& config, size_t workers,
                                  std::vector<Listeners::UnixFile>& files) {
  if (!at_path(config)) {
    return listen(config.address, config.backlog, workers,
                  config.defer_accept ? net::ListeningSocket::Accepts::with_data
                                      : net::ListeningSocket::Accepts::at_once);
  }
  auto listening = listen_at_path(config, workers);
  if (!listening.has_value()) return Unexpected<std::string>(listening.error());
  files.push_back({config.address, std::move(listening->file)});
  return std::move(listening->sockets);
}

Result<Sockets, std::string> sockets_of(const http::ListenerTerms& listener, size_t workers,
                                        InheritedSockets* inherited,
                                        std::vector<Listeners::UnixFile>& files) {
  const config::Listener& config = listener.config;
  InheritedSockets::Taken given;
  if (inherited != nullptr)
    given = inherited->take(Listeners::key_text(listener.key), config.address);
  if (given.sockets.empty()) return bind(config, workers, files);
  for (net::ListeningSocket& socket : given.sockets)
    socket.reconfigure(config.backlog, config.defer_accept
                                           ? net::ListeningSocket::Accepts::with_data
                                           : net::ListeningSocket::Accepts::at_once);
  if (const auto done = suffice(given.sockets, workers); !done.has_value())
    return Unexpected<std::string>(
        fmt::format("cannot share {} out: {}", config.address, done.error().sentence()));
  if (at_path(config))
    files.push_back(
        {config.address,
         {},
         given.activated ? Listeners::Owner::service_manager : Listeners::Owner::process_before});
  return std::move(given.sockets);
}

}  // namespace

std::string Listeners::key_text(const http::ListenerTerms::Key& key) {
  return fmt::format("listener {} {}", key.address, key.nth);
}

Result<Listeners::Opened, std::string> Listeners::open(
    const std::vector<proxy::Snapshot::Terms>& listeners, size_t workers,
    InheritedSockets* inherited) const {
  Opened opened;
  Faults faults;
  opened.by_worker.resize(workers);
  for (size_t i = 0; i < listeners.size(); ++i) {
    opened.keys.push_back(listeners[i]->key);
    const auto known = std::ranges::find(keys_, listeners[i]->key);
    if (known != keys_.end()) {
      opened.addresses.push_back(addresses_[static_cast<size_t>(known - keys_.begin())]);
      continue;
    }
    auto sockets = sockets_of(*listeners[i], workers, inherited, opened.files);
    faults.note(sockets);
    if (!sockets.has_value()) continue;
    opened.addresses.push_back(sockets->front().local());
    for (size_t at = 0; at < sockets->size(); ++at)
      opened.by_worker[at % workers].emplace(i, std::move((*sockets)[at]));
  }
  if (!faults.text().empty()) return Unexpected<std::string>(faults.text());
  return opened;
}

void Listeners::use(const std::vector<proxy::Snapshot::Terms>& listeners, Opened& opened) {
  keys_ = opened.keys;
  addresses_ = opened.addresses;
  for (UnixFile& one : opened.files) files_.push_back(std::move(one));
  const auto is_of = [](const UnixFile& one) {
    return [&one](const auto& terms) { return terms->config.address == one.address; };
  };
  std::erase_if(files_,
                [&](const UnixFile& one) { return std::ranges::none_of(listeners, is_of(one)); });
  for (UnixFile& one : files_) {
    one.mode = mode_of((*std::ranges::find_if(listeners, is_of(one)))->config);
    one.file.use_mode(one.mode);
  }
}

std::vector<std::string> Listeners::texts() const {
  std::vector<std::string> texts;
  for (const Address& address : addresses_) texts.push_back(address.to_string());
  return texts;
}

void Listeners::own_files() {
  for (UnixFile& one : files_) {
    if (one.owner != Owner::process_before) continue;
    one.owner = Owner::this_process;
    one.file = net::SocketFile::taken_over(one.address.substr(kUnixPrefix.size()));
    one.file.use_mode(one.mode);
  }
}

void Listeners::leave_files() {
  for (UnixFile& one : files_) one.file.leave();
  files_.clear();
}

bool Listeners::activated(const std::string& address) const {
  return std::ranges::any_of(files_, [&](const UnixFile& one) {
    return one.address == address && one.owner == Owner::service_manager;
  });
}

}  // namespace onehop::server
