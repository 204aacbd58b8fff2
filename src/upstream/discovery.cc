// SPDX-License-Identifier: MIT
#include "onehop/upstream/discovery.h"

#include <algorithm>

#include "name_source.h"
#include "onehop/base/ascii.h"
#include "onehop/base/assert.h"

namespace onehop::upstream {
namespace {

constexpr std::string_view kServices = "srv:";
constexpr size_t kLongestName = 253;  // RFC 1035 2.3.4, as text

}  // namespace

Result<Source, std::string> Source::parse(std::string_view text, uint32_t weight) {
  Source source;
  source.weight = weight;
  const std::string_view rest = text.substr(std::min(text.size(), kServices.size()));
  // "srv:80" is a host with that name.
  if (text.starts_with(kServices) && !parse_decimal(rest, UINT16_MAX).has_value()) {
    source.kind = Kind::services;
    source.name = rest;
    // The characters of a host are those of a service.
    const auto with_port = parse_host_port(source.name + ":0");
    if (source.name.empty() || !with_port.has_value() || with_port->host != source.name)
      return Unexpected<std::string>("\"srv:_SERVICE._PROTOCOL.NAME\" is allowed, \"" +
                                     std::string(text) + "\" was found");
  } else {
    auto host_port = parse_host_port(text);
    if (!host_port.has_value()) return Unexpected<std::string>(std::move(host_port.error()));
    source.name = std::move(host_port->host);
    source.port = host_port->port;
    if (source.name.empty() || source.port == 0)
      return Unexpected<std::string>("a name and a port are needed, \"" + std::string(text) +
                                     "\" was found");
  }
  if (source.name.size() > kLongestName)
    return Unexpected<std::string>("\"" + source.name + "\" is longer than a name can be");
  return source;
}

std::string Source::to_string() const {
  if (kind == Kind::services) return std::string(kServices) + name;
  const bool v6 = name.find(':') != std::string::npos;
  return (v6 ? "[" + name + "]" : name) + ":" + std::to_string(port);
}

Discovery::Discovery(const Parts& parts, const std::vector<Source>& sources) : parts_(parts) {
  ONEHOP_ASSERT(parts.pace.min_ms > 0 && parts.pace.min_ms <= parts.pace.max_ms);
  for (const Source& source : sources)
    sources_.push_back(std::make_unique<NameSource>(parts_, sources_.size(), source));
}

Discovery::~Discovery() = default;

void Discovery::refused(size_t source) {
  sources_[source]->refused();
}

std::span<const Discovered> Discovery::list(size_t source) const {
  return sources_[source]->list();
}

const Discovery::Counts& Discovery::counts(size_t source) const {
  return sources_[source]->counts();
}

bool Discovery::complete() const {
  return std::all_of(sources_.begin(), sources_.end(),
                     [](const auto& source) { return source->counts().lookups > 0; });
}

}  // namespace onehop::upstream
