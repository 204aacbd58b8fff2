// SPDX-License-Identifier: MIT
#include "listeners.h"

#include <algorithm>
#include <utility>

#include "listening.h"

namespace onehop::server {

Result<Listeners::Opened, std::string> Listeners::open(
    const std::vector<proxy::Snapshot::Terms>& listeners, size_t workers) const {
  using Accepts = net::ListeningSocket::Accepts;
  Opened opened;
  opened.by_worker.resize(workers);
  for (size_t i = 0; i < listeners.size(); ++i) {
    opened.keys.push_back(listeners[i]->key);
    const auto known = std::ranges::find(keys_, listeners[i]->key);
    if (known != keys_.end()) {
      opened.addresses.push_back(addresses_[static_cast<size_t>(known - keys_.begin())]);
      continue;
    }
    const config::Listener& config = listeners[i]->config;
    if (Address::of_unix(config.address).has_value()) {
      auto listening = listen_at_path(config, workers);
      if (!listening.has_value()) return Unexpected<std::string>(listening.error());
      opened.addresses.push_back(listening->sockets.front().local());
      opened.files.push_back({config.address, std::move(listening->file)});
      for (size_t worker = 0; worker < workers; ++worker)
        opened.by_worker[worker].emplace(i, std::move(listening->sockets[worker]));
      continue;
    }
    auto sockets = listen(config.address, config.backlog, workers,
                          config.defer_accept ? Accepts::with_data : Accepts::at_once);
    if (!sockets.has_value()) return Unexpected<std::string>(sockets.error());
    opened.addresses.push_back(sockets->front().local());
    for (size_t worker = 0; worker < workers; ++worker)
      opened.by_worker[worker].emplace(i, std::move((*sockets)[worker]));
  }
  return opened;
}

void Listeners::use(const std::vector<proxy::Snapshot::Terms>& listeners, Opened& opened) {
  keys_ = opened.keys;
  addresses_ = opened.addresses;
  for (UnixFile& one : opened.files) files_.push_back(std::move(one));
  const auto is_of = [](const UnixFile& one) {
    return [&one](const auto& terms) { return terms->config.address == one.address; };
  };
  std::erase_if(files_, [&](const UnixFile& one) {
    return std::ranges::none_of(listeners, is_of(one));
  });
  for (UnixFile& one : files_)
    one.file.use_mode(mode_of((*std::ranges::find_if(listeners, is_of(one)))->config));
}

}  // namespace onehop::server
