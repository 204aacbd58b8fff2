// SPDX-License-Identifier: MIT
#include "client_identity.h"

#include <algorithm>
#include <optional>

#include "onehop/base/ascii.h"
#include "text.h"

namespace onehop::proxy {
namespace {

using http::Field;
using http::FieldId;
using http::Fields;

// A host without characters that would mean something else where it is written; its port apart.
struct HostAndPort {
  std::string_view host;  // with its brackets
  std::string_view port;
};

std::optional<HostAndPort> split_host(std::string_view text) {
  size_t end = text.find(':');
  if (text.starts_with('[')) {
    end = text.find(']');
    if (end == std::string_view::npos || !node_of(text.substr(0, end + 1))) return std::nullopt;
    ++end;
  }
  HostAndPort parts{text.substr(0, end), {}};
  const bool plain = text.starts_with('[') || std::ranges::all_of(parts.host, [](char c) {
                       return levelled(c) != '-' || c == '-' || c == '.' || c == '_' || c == '~';
                     });
  if (parts.host.empty() || !plain) return std::nullopt;
  if (parts.host.size() == text.size()) return parts;
  parts.port = text.substr(parts.host.size() + 1);
  const bool numeric = parse_decimal(parts.port, 65535).value_or(0) != 0;
  return text[parts.host.size()] == ':' && numeric ? std::optional(parts) : std::nullopt;
}

// WebSocket's schemes are those of HTTP (RFC 6455 11.1).
std::string_view scheme_of(std::string_view text) {
  if (equals_ignoring_case(text, "https") || equals_ignoring_case(text, "wss")) return "https";
  if (equals_ignoring_case(text, "http") || equals_ignoring_case(text, "ws")) return "http";
  return {};
}

// A list of hops, followed from the peer's end to the first that is not trusted.
struct Trail {
  std::string_view client;    // empty: the list has no address there
  size_t position = 1;        // of the client's hop, counted from the end
  std::span<const Hop> kept;  // the hops to pass on: every one an address, or "unix:"
};

// At the other end of a unix socket, as it is written among the addresses of X-Forwarded-For.
bool is_unix(std::string_view node) {
  return node == kUnixPrefix;
}

Trail follow(std::span<Hop> hops, const Peers& trusted) {
  Trail trail;
  size_t kept = hops.size();
  bool walking = true;
  for (size_t i = hops.size(); i-- > 0;) {
    if (walking) trail.position = hops.size() - i;
    if (walking && is_unix(hops[i].node) && trusted.contain_unix()) {
      kept = i;
      continue;
    }
    const auto node = node_of(hops[i].node);
    if (!node.has_value()) break;
    hops[i].node = node->text;
    kept = i;
    if (!walking) continue;
    trail.client = node->text;
    walking = trusted.contains(node->address);
  }
  trail.kept = hops.subspan(kept);
  return trail;
}

// What a trusted peer says, each thing taken from the first form that has it.
class TrustedWord {
 public:
  TrustedWord(const Fields& fields, const Peers& trusted, Arena& arena)
      : fields_(fields), trusted_(trusted), arena_(arena) {}

  // Before anything else. False when there are more proxies than there can be.
  std::optional<Outcome> find_client() {
    const auto listed = hops_of_x_forwarded_for(fields_, arena_);
    const auto said = hops_of_forwarded(fields_, arena_);
    if (!listed.has_value() || !said.has_value()) return Outcome::bad_request;
    forwarded_ = *said;
    trail_ = follow(*listed, trusted_);
    if (trail_.client.empty()) use_real_ip();
    if (trail_.client.empty() && !forwarded_.empty()) {
      const size_t position = trail_.position;
      trail_ = follow(*said, trusted_);
      if (!listed->empty()) trail_.position = position;
    }
    if (trail_.position > kMostProxies) return Outcome::proxy_loop;
    return std::nullopt;
  }

  const Trail& trail() const { return trail_; }

  std::string_view scheme() const {
    const auto named = scheme_of(from_the_end(fields_, FieldId::x_forwarded_proto, position()));
    if (!named.empty()) return named;
    for (const Field& field : fields_) {
      const std::string_view claimed = claimed_scheme(field);
      if (!claimed.empty()) return claimed;
    }
    return scheme_of(in_forwarded(&Hop::proto));
  }

  std::optional<HostAndPort> host() const {
    const auto host = split_host(from_the_end(fields_, FieldId::x_forwarded_host, position()));
    return host.has_value() ? host : split_host(in_forwarded(&Hop::host));
  }

  std::string_view port() const {
    const auto text = from_the_end(fields_, FieldId::x_forwarded_port, position());
    return parse_decimal(text, 65535).value_or(0) != 0 ? text : std::string_view();
  }

 private:
  size_t position() const { return trail_.position; }

  void use_real_ip() {
    const Field* field = fields_.find(FieldId::x_real_ip);
    const auto node = field == nullptr ? std::nullopt : node_of(field->value);
    if (!node.has_value()) return;
    const std::span<Hop> only = arena_.array<Hop>(1);
    only[0].node = node->text;
    trail_.client = node->text;
    trail_.kept = only;
  }

  // What the client's hop says, or the first behind it that says it.
  std::string_view in_forwarded(std::string_view Hop::*member) const {
    const size_t first = forwarded_.size() - std::min(position(), forwarded_.size());
    for (const Hop& hop : forwarded_.subspan(first)) {
      if (!(hop.*member).empty()) return hop.*member;
    }
    return {};
  }

  const Fields& fields_;
  const Peers& trusted_;
  Arena& arena_;
  std::span<const Hop> forwarded_;
  Trail trail_;
};

std::string_view default_port(std::string_view scheme) {
  return scheme == "https" ? "443" : "80";
}

std::string_view text_of(uint16_t port, Arena& arena) {
  if (port == 0) return {};
  return (Text(arena, 5) << uint64_t{port}).view();
}

// The host with the port that was settled on, so that the two say the same.
std::string_view with_port(const HostAndPort& host, std::string_view port, std::string_view scheme,
                           Arena& arena) {
  Text text(arena, host.host.size() + 1 + port.size());
  text << host.host;
  if (!host.port.empty() && (host.port == port || port != default_port(scheme)))
    text << ":" << port;
  return text.view();
}

// All views of it are into the head that came, and the head may be sent again later.
void keep(ClientIdentity& who, Arena& arena) {
  const std::span<Hop> hops = arena.array<Hop>(who.before.size());
  for (size_t i = 0; i < hops.size(); ++i) hops[i].node = arena.copy(who.before[i].node);
  who.before = hops;
  who.address = arena.copy(who.address);
  who.port = arena.copy(who.port);
}

// "192.0.2.7, 10.0.0.1"
std::string_view chain(const ClientIdentity& who, Arena& arena) {
  if (who.before.empty()) return who.peer;
  size_t size = who.peer.size();
  for (const Hop& hop : who.before) size += hop.node.size() + 2;
  Text text(arena, size);
  for (const Hop& hop : who.before) text << hop.node << ", ";
  return (text << who.peer).view();
}

void write_node(Text& text, std::string_view address) {
  // RFC 7239 6: a colon or bracket needs quotes, and who has no address is unknown.
  if (is_unix(address)) {
    text << "for=unknown";
  } else if (address.find(':') == std::string_view::npos) {
    text << "for=" << address;
  } else {
    text << "for=\"[" << address << "]\"";
  }
}

// for=192.0.2.7;host="example.org";proto=https, for=10.0.0.1 (RFC 7239). The same hops as in
// X-Forwarded-For; host and scheme are said once, where the client is.
std::string_view forwarded(const ClientIdentity& who, Arena& arena) {
  constexpr size_t kAround = 10;  // for="[]", a comma and a blank
  size_t size = who.peer.size() + kAround + who.host.size() + 24;
  for (const Hop& hop : who.before) size += hop.node.size() + kAround;
  Text text(arena, size);
  write_node(text, who.before.empty() ? who.peer : who.before.front().node);
  if (!who.host.empty()) text << ";host=\"" << who.host << "\"";
  text << ";proto=" << who.scheme;
  if (who.before.empty()) return text.view();
  for (const Hop& hop : who.before.subspan(1)) write_node(text << ", ", hop.node);
  write_node(text << ", ", who.peer);
  return text.view();
}

}  // namespace

std::string_view claimed_scheme(const Field& field) {
  if (field.id == FieldId::x_forwarded_ssl || field.id == FieldId::front_end_https) {
    if (equals_ignoring_case(field.value, "on")) return "https";
    return equals_ignoring_case(field.value, "off") ? "http" : std::string_view();
  }
  if (field.id == FieldId::x_forwarded_scheme || field.id == FieldId::x_forwarded_protocol)
    return equals_ignoring_case(field.value, "ssl") ? "https" : scheme_of(field.value);
  return {};
}

Result<ClientIdentity, Outcome> identify(const http::RequestHead& head, const http::Client& client,
                                         const Trust& trust, Arena& arena) {
  ClientIdentity who;
  who.peer = who.address = client.ip_text();
  who.scheme = client.secure ? "https" : "http";
  if (!trust.peer) {
    who.host = arena.copy(head.authority);
    who.port = text_of(client.port, arena);
    return who;
  }
  TrustedWord word(head.fields, trust.proxies, arena);
  if (const auto refused = word.find_client()) return Unexpected<Outcome>(*refused);
  who.before = word.trail().kept;
  if (!word.trail().client.empty()) who.address = word.trail().client;
  const std::string_view scheme = word.scheme();
  if (!scheme.empty()) who.scheme = scheme;
  const auto host = word.host();
  who.port = word.port();
  if (who.port.empty() && host.has_value()) who.port = host->port;
  if (who.port.empty() && !scheme.empty()) who.port = default_port(scheme);
  if (who.port.empty()) who.port = text_of(client.port, arena);
  who.host =
      host.has_value() ? with_port(*host, who.port, who.scheme, arena) : arena.copy(head.authority);
  keep(who, arena);
  return who;
}

void add_identity(Fields& out, const ClientIdentity& who, http::ForwardedForms forms,
                  Arena& arena) {
  if (forms.x_forwarded) {
    out.add("X-Forwarded-For", chain(who, arena), FieldId::x_forwarded_for);
    out.add("X-Forwarded-Proto", who.scheme, FieldId::x_forwarded_proto);
    if (!who.host.empty()) out.add("X-Forwarded-Host", who.host, FieldId::x_forwarded_host);
    if (!who.port.empty()) out.add("X-Forwarded-Port", who.port, FieldId::x_forwarded_port);
  }
  if (forms.x_real_ip) out.add("X-Real-IP", who.address, FieldId::x_real_ip);
  if (forms.forwarded) out.add("Forwarded", forwarded(who, arena), FieldId::forwarded);
}

}  // namespace onehop::proxy
