// SPDX-License-Identifier: MIT
#include "inherited_sockets.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <string_view>
#include <utility>

#include "listening.h"
#include "onehop/base/ascii.h"

namespace onehop::server {
namespace {

constexpr int kFirst = 3;               // SD_LISTEN_FDS_START
constexpr uint64_t kMost = 1024;        // of LISTEN_FDS
constexpr uint64_t kMostPid = 1 << 22;  // PID_MAX_LIMIT of the kernel

std::string variable(const char* name) {
  const char* const value = std::getenv(name);
  std::string text = value == nullptr ? "" : value;
  ::unsetenv(name);
  return text;
}

// "a:b:c", one for each; nobody has to give them.
std::vector<std::string> names_in(std::string_view text) {
  std::vector<std::string> names;
  while (!text.empty()) {
    const size_t end = std::min(text.find(':'), text.size());
    names.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return names;
}

// As AdoptedSocket::addresses has it; empty where the kernel chooses the port, or nobody knows.
std::string as_bound(const std::string& address) {
  if (address.starts_with("unix:")) return address;
  const auto parsed = listen_address(address);
  return parsed.has_value() && parsed->port() != 0 ? parsed->to_string() : "";
}

}  // namespace

Result<InheritedSockets, std::string> InheritedSockets::of_environment() {
  const std::string pid = variable("LISTEN_PID");
  const std::string count = variable("LISTEN_FDS");
  const std::vector<std::string> names = names_in(variable("LISTEN_FDNAMES"));
  InheritedSockets made;
  if (pid.empty() || count.empty()) return made;
  const auto failed = [](std::string why) { return Unexpected<std::string>(std::move(why)); };
  const auto for_whom = parse_decimal(pid, kMostPid);
  if (!for_whom.has_value())
    return failed(fmt::format("LISTEN_PID is a process, \"{}\" was given", pid));
  if (*for_whom != static_cast<uint64_t>(::getpid())) return made;
  const auto number = parse_decimal(count, kMost);
  if (!number.has_value())
    return failed(fmt::format("LISTEN_FDS is a number up to {}, \"{}\" was given", kMost, count));
  for (size_t i = 0; i < *number; ++i) {
    const int descriptor = kFirst + static_cast<int>(i);
    const std::string named = i < names.size() ? fmt::format(" ({})", names[i]) : "";
    const std::string name = fmt::format("descriptor {}{} of LISTEN_FDS", descriptor, named);
    auto added = made.add_one(net::Descriptor(descriptor), {"", name, true});
    if (!added.has_value()) return failed(added.error());
  }
  return made;
}

Result<void, std::string> InheritedSockets::add(HandedSockets handed) {
  if (!handed.ticket_keys.empty()) ticket_keys_[handed.key] = std::move(handed.ticket_keys);
  for (net::Descriptor& socket : handed.sockets) {
    auto added = add_one(std::move(socket), {handed.key, handed.key, handed.activated});
    if (!added.has_value()) return added;
  }
  return {};
}

Result<void, std::string> InheritedSockets::add_one(net::Descriptor socket, Origin origin) {
  auto adopted = net::adopt(std::move(socket));
  if (!adopted.has_value())
    return Unexpected<std::string>(fmt::format("{}: {}", origin.name, adopted.error()));
  entries_.push_back({std::move(origin), std::move(*adopted)});
  return {};
}

InheritedSockets::Taken InheritedSockets::take(const std::string& key, const std::string& address) {
  Taken taken;
  const auto take_those = [&](const auto& wanted) {
    for (Entry& entry : entries_) {
      if (!wanted(entry)) continue;
      taken.activated |= entry.origin.activated;
      taken.sockets.push_back(std::move(entry.adopted.socket));
    }
    std::erase_if(entries_, [](const Entry& entry) { return entry.adopted.socket.spent(); });
  };
  take_those([&](const Entry& entry) { return entry.origin.key == key; });
  if (!taken.sockets.empty()) return taken;
  const std::string bound = as_bound(address);
  if (bound.empty()) return taken;
  take_those([&](const Entry& entry) { return entry.adopted.addresses.front() == bound; });
  if (!taken.sockets.empty()) return taken;
  take_those(
      [&](const Entry& entry) { return std::ranges::count(entry.adopted.addresses, bound) > 0; });
  return taken;
}

std::string InheritedSockets::ticket_keys(const std::string& key) const {
  const auto found = ticket_keys_.find(key);
  return found == ticket_keys_.end() ? "" : found->second;
}

std::vector<std::string> InheritedSockets::left() const {
  std::vector<std::string> texts;
  for (const Entry& entry : entries_)
    texts.push_back(fmt::format("{}, {}", entry.adopted.addresses.front(), entry.origin.name));
  return texts;
}

std::vector<std::string> InheritedSockets::left_files() const {
  constexpr std::string_view kUnix = "unix:/";
  std::vector<std::string> paths;
  for (const Entry& entry : entries_) {
    const std::string& address = entry.adopted.addresses.front();
    if (address.starts_with(kUnix) && !entry.origin.activated)
      paths.push_back(address.substr(kUnix.size() - 1));
  }
  return paths;
}

Result<void, net::NetError> suffice(std::vector<net::ListeningSocket>& sockets, size_t workers) {
  const size_t given = sockets.size();
  for (size_t i = given; i < workers; ++i) {
    auto another = net::duplicate_of(sockets[i % given]);
    if (!another.has_value()) return Unexpected<net::NetError>(another.error());
    sockets.push_back(std::move(*another));
  }
  return {};
}

}  // namespace onehop::server
