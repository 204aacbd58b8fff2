// SPDX-License-Identifier: MIT
#include "hops.h"

#include <algorithm>

#include "onehop/base/ascii.h"

namespace onehop::proxy {
namespace {

using http::Field;
using http::FieldId;
using http::Fields;

// Elements of the list, empty ones and commas in quotes counted too; more than kMostHops is one
// more.
size_t count_elements(const Fields& fields, FieldId id) {
  size_t count = 0;
  for (const Field& field : fields) {
    if (field.id != id) continue;
    count += 1 + static_cast<size_t>(std::ranges::count(field.value, ','));
  }
  return count;
}

// Reads a line of Forwarded from its front to its end.
class ForwardedLine {
 public:
  ForwardedLine(std::string_view line, std::span<Hop> room) : rest_(line), room_(room) {}

  // How many elements there are; 0 when the grammar is broken anywhere.
  size_t read() {
    while (good_ && !rest_.empty()) {
      read_element();
      if (good_ && !rest_.empty()) good_ = take(',');
    }
    return good_ ? count_ : 0;
  }

 private:
  // [ pair ] *( ";" [ pair ] )
  void read_element() {
    Hop hop;
    bool said = false;
    do {
      good_ = ++parameters_ <= 4 * kMostHops;
      skip_blanks();
      if (!good_ || rest_.empty() || rest_.front() == ',' || rest_.front() == ';') continue;
      said = true;
      read_pair(hop);
      skip_blanks();
    } while (good_ && take(';'));
    if (good_ && said) room_[count_++] = hop;
  }

  void read_pair(Hop& hop) {
    const std::string_view name = token();
    good_ = !name.empty() && take('=');
    if (!good_) return;
    const std::string_view value = rest_.starts_with('"') ? quoted() : node();
    std::string_view* const place = equals_ignoring_case(name, "for")     ? &hop.node
                                    : equals_ignoring_case(name, "host")  ? &hop.host
                                    : equals_ignoring_case(name, "proto") ? &hop.proto
                                                                          : nullptr;
    if (place == nullptr) return;
    // RFC 7239 4: no parameter twice in an element.
    good_ = good_ && place->empty();
    *place = value;
  }

  std::string_view token() { return take_while(is_token_char); }
  // A token, and what many write without the quotes that it needs: "192.0.2.7:80", "[::1]".
  std::string_view node() {
    const auto value = take_while(
        [](char c) { return is_token_char(c) || c == ':' || c == '[' || c == ']' || c == '/'; });
    good_ = good_ && !value.empty();
    return value;
  }
  // Without escapes, which no address, host or scheme has.
  std::string_view quoted() {
    rest_.remove_prefix(1);
    const size_t end = rest_.find_first_of("\"\\");
    good_ = end != std::string_view::npos && rest_[end] == '"';
    if (!good_) return {};
    const std::string_view value = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    return value;
  }

  template <class Is>
  std::string_view take_while(Is is) {
    const auto end = std::ranges::find_if_not(rest_, is);
    const std::string_view taken = rest_.substr(0, static_cast<size_t>(end - rest_.begin()));
    rest_.remove_prefix(taken.size());
    return taken;
  }
  bool take(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void skip_blanks() { take_while(is_blank); }

  std::string_view rest_;
  std::span<Hop> room_;
  size_t count_ = 0;
  size_t parameters_ = 0;  // empty ones too
  bool good_ = true;
};

}  // namespace

std::optional<std::span<Hop>> hops_of_x_forwarded_for(const Fields& fields, Arena& arena) {
  const size_t most = count_elements(fields, FieldId::x_forwarded_for);
  if (most > kMostHops) return std::nullopt;
  const std::span<Hop> hops = arena.array<Hop>(most);
  size_t count = 0;
  for (const Field& field : fields) {
    if (field.id != FieldId::x_forwarded_for) continue;
    any_list_element(field.value, [&](std::string_view element) {
      hops[count++].node = element;
      return false;
    });
  }
  return hops.first(count);
}

std::optional<std::span<Hop>> hops_of_forwarded(const Fields& fields, Arena& arena) {
  const size_t most = count_elements(fields, FieldId::forwarded);
  if (most > kMostHops) return std::nullopt;
  const std::span<Hop> hops = arena.array<Hop>(most);
  size_t count = 0;
  for (const Field& field : fields) {
    if (field.id == FieldId::forwarded)
      count += ForwardedLine(field.value, hops.subspan(count)).read();
  }
  return hops.first(count);
}

std::optional<Node> node_of(std::string_view text) {
  std::string_view ip = text;
  std::string_view port;
  if (text.starts_with('[')) {
    const size_t end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    ip = text.substr(1, end - 1);
    port = text.substr(end + 1);
    if (ip.find(':') == std::string_view::npos) return std::nullopt;
  } else if (std::ranges::count(text, ':') == 1) {
    ip = text.substr(0, text.find(':'));
    port = text.substr(ip.size());
  }
  // RFC 7239 6: a port may be made up too.
  const bool port_is_good =
      port.empty() || (port.size() > 1 && port.front() == ':' &&
                       (port[1] == '_' || parse_decimal(port.substr(1), 65535).has_value()));
  const auto address = ip.empty() || !port_is_good ? std::nullopt : Address::numeric(ip, 0);
  if (!address.has_value()) return std::nullopt;
  return Node{ip, *address};
}

std::string_view from_the_end(const Fields& fields, FieldId id, size_t position) {
  std::string_view found;
  size_t looked_at = 0;
  for (size_t i = fields.size(); i-- > 0;) {
    const Field& field = fields.begin()[i];
    if (field.id != id) continue;
    std::string_view list = field.value;
    size_t comma = 0;
    while (comma != std::string_view::npos) {
      comma = list.rfind(',');
      const std::string_view element = trim_blanks(list.substr(comma + 1));
      if (!element.empty()) {
        found = element;
        --position;
      }
      if (position == 0 || ++looked_at == kMostHops) return found;
      if (comma != std::string_view::npos) list = list.substr(0, comma);
    }
  }
  return found;
}

}  // namespace onehop::proxy
