// SPDX-License-Identifier: MIT
#include "affinity.h"

#include "cookies.h"
#include "onehop/base/ascii.h"
#include "onehop/base/hash.h"
#include "text.h"

namespace onehop::proxy {
namespace {

using config::HashKey;
using http::Field;
using http::FieldId;

// Calls visit(part, name, value) for each part between the separators; true ends it. Parts without
// a "=" have no value.
template <class Visit>
void each_part(std::string_view text, char separator, Visit visit) {
  while (!text.empty()) {
    const size_t end = text.find(separator);
    const std::string_view part = trim_blanks(text.substr(0, end));
    const size_t equals = part.find('=');
    const bool has_value = equals != std::string_view::npos;
    if (visit(part, part.substr(0, equals),
              has_value ? part.substr(equals + 1) : std::string_view()))
      return;
    if (end == std::string_view::npos) return;
    text.remove_prefix(end + 1);
  }
}

std::string_view value_in(std::string_view text, char separator, std::string_view name) {
  std::string_view found;
  each_part(text, separator, [&](std::string_view, std::string_view key, std::string_view value) {
    if (key == name) found = value;
    return key == name;
  });
  return found;
}

std::string_view text_of(config::SameSite same_site) {
  switch (same_site) {
    case config::SameSite::lax:
      return "; SameSite=Lax";
    case config::SameSite::strict:
      return "; SameSite=Strict";
    case config::SameSite::none:
      return "; SameSite=None";
  }
  return {};
}

}  // namespace

// Host is the authority, whichever field or pseudo-field it came in.
std::string_view hashed_part(const HashKey& key, const http::RequestHead& head,
                             std::string_view client) {
  const size_t mark = head.target.find('?');
  switch (key.part) {
    case HashKey::Part::header: {
      if (equals_ignoring_case(key.name, "host")) return head.authority;
      const Field* const field = head.fields.find(std::string_view(key.name));
      return field != nullptr ? field->value : std::string_view();
    }
    case HashKey::Part::cookie:
      return cookie_of(head.fields, key.name).value_or(std::string_view());
    case HashKey::Part::query:
      return mark == std::string_view::npos ? std::string_view()
                                            : value_in(head.target.substr(mark + 1), '&', key.name);
    case HashKey::Part::client:
      return client;
    case HashKey::Part::path:
      return head.target.substr(0, mark);
  }
  return {};
}

std::string_view without_cookie(std::string_view value, std::string_view name, Arena& arena) {
  Text kept(arena, value.size() + 2);
  each_part(value, ';', [&](std::string_view part, std::string_view key, std::string_view) {
    if (key == name || part.empty()) return false;
    if (!kept.view().empty()) kept << "; ";
    kept << part;
    return false;
  });
  return kept.view();
}

Affinity Affinity::of(const upstream::Upstream& upstream, const http::RequestHead& head,
                      const ClientIdentity& who) {
  Affinity affinity;
  if (const HashKey* const key = upstream.hash_key()) {
    const std::string_view part = hashed_part(*key, head, who.address);
    if (!part.empty()) affinity.hash = hash_of(part);
  }
  if (const upstream::Sticky* const sticky = upstream.sticky()) {
    const auto* named =
        upstream.named_by(cookie_of(head.fields, sticky->cookie()).value_or(std::string_view()));
    affinity.named = named != nullptr ? named->id() : 0;
    affinity.secure = who.scheme == "https";
  }
  return affinity;
}

std::string_view own_cookie(const upstream::Upstream& upstream) {
  const upstream::Sticky* const sticky = upstream.sticky();
  return sticky != nullptr ? std::string_view(sticky->cookie()) : std::string_view();
}

std::string_view sticky_cookie(const upstream::Upstream& upstream, const config::Sticky& config,
                               const Affinity& affinity, const upstream::Endpoint& endpoint,
                               Arena& arena) {
  const upstream::Sticky* const sticky = upstream.sticky();
  if (sticky == nullptr || endpoint.id() == affinity.named) return {};
  const std::string_view value = upstream.name_of(endpoint);
  if (value.empty()) return {};
  constexpr size_t kAttributes = 96;
  Text text(arena, sticky->cookie().size() + value.size() + config.path.size() + kAttributes);
  text << sticky->cookie() << "=" << value << "; Path=" << config.path;
  if (config.max_age.count() > 0)
    text << "; Max-Age=" << static_cast<uint64_t>(config.max_age.count() / 1000);
  if (config.http_only) text << "; HttpOnly";
  if (affinity.secure) text << "; Secure";
  text << text_of(config.same_site);
  return text.view();
}

}  // namespace onehop::proxy
