// SPDX-License-Identifier: MIT
#include "field_names.h"

#include <array>
#include <cstdint>

#include "onehop/base/ascii.h"

namespace onehop::http::h2 {
namespace {

constexpr bool comes_once(FieldId id) {
  return id == FieldId::authorization || id == FieldId::cookie || id == FieldId::set_cookie ||
         id == FieldId::forwarded || id == FieldId::proxy_authorization ||
         id == FieldId::x_forwarded_for || id == FieldId::x_real_ip || id == FieldId::x_request_id;
}

// By FieldId.
constexpr FieldName kKnown[] = {{},  // other
                                {},  // alias
                                {},  // identity
                                {},  // nominated
#define X(id, name) {name, comes_once(FieldId::id) ? Worth::once : Worth::kept},
                                ONEHOP_KNOWN_FIELDS(X)
#undef X
};
static_assert(kKnown[static_cast<size_t>(FieldId::x_request_id)].text == "x-request-id");

// Others that are met often.
constexpr FieldName kOthers[] = {
    {"accept"},
    {"accept-encoding"},
    {"accept-language"},
    {"accept-ranges"},
    {"access-control-allow-credentials"},
    {"access-control-allow-headers"},
    {"access-control-allow-methods"},
    {"access-control-allow-origin"},
    {"access-control-expose-headers"},
    {"age", Worth::once},
    {"alt-svc"},
    {"cdn-cache-control"},
    {"content-disposition", Worth::once},
    {"content-encoding"},
    {"content-language"},
    {"content-range", Worth::once},
    {"content-security-policy"},
    {"cross-origin-resource-policy"},
    {"etag", Worth::once},
    {"expires", Worth::once},
    {"grpc-accept-encoding"},
    {"grpc-encoding"},
    {"grpc-message", Worth::once},
    {"grpc-status"},
    {"grpc-timeout", Worth::once},
    {"if-match", Worth::once},
    {"if-modified-since", Worth::once},
    {"if-none-match", Worth::once},
    {"if-range", Worth::once},
    {"if-unmodified-since", Worth::once},
    {"last-modified", Worth::once},
    {"link"},
    {"location", Worth::once},
    {"origin"},
    {"pragma"},
    {"priority"},
    {"range", Worth::once},
    {"referer", Worth::once},
    {"referrer-policy"},
    {"retry-after"},
    {"sec-ch-ua"},
    {"sec-ch-ua-mobile"},
    {"sec-ch-ua-platform"},
    {"sec-fetch-dest"},
    {"sec-fetch-mode"},
    {"sec-fetch-site"},
    {"sec-fetch-user"},
    {"server-timing", Worth::once},
    {"traceparent", Worth::once},
    {"tracestate", Worth::once},
    {"true-client-ip", Worth::once},
    {"upgrade-insecure-requests"},
    {"user-agent"},
    {"vary"},
    {"x-amzn-trace-id", Worth::once},
    {"x-content-type-options"},
    {"x-correlation-id", Worth::once},
    {"x-frame-options"},
    {"x-powered-by"},
    {"x-requested-with"},
    {"x-response-time", Worth::once},
    {"x-runtime", Worth::once},
    {"x-trace-id", Worth::once},
    {"x-xss-protection"},
};

constexpr size_t kSlots = 256;

// Length and three letters tell these names apart well enough for an open-addressed table made at
// compile time. The names are of two letters at least.
constexpr size_t slot_of(std::string_view name) {
  const auto letter = [&](size_t at) { return static_cast<unsigned char>(name[at] | 0x20); };
  return (name.size() * 7 + letter(0) * 31u + letter(name.size() / 2) * 17u +
          letter(name.size() - 1) * 5u) %
         kSlots;
}

constexpr auto kTable = [] {
  std::array<uint8_t, kSlots> table{};
  for (size_t i = 0; i < std::size(kOthers); ++i) {
    size_t slot = slot_of(kOthers[i].text);
    while (table[slot] != 0) slot = (slot + 1) % kSlots;
    table[slot] = static_cast<uint8_t>(i + 1);
  }
  return table;
}();

}  // namespace

FieldName field_name_of(const Field& field) noexcept {
  if (field.id != FieldId::other) return kKnown[static_cast<size_t>(field.id)];
  if (field.name.empty()) return {};
  for (size_t slot = slot_of(field.name); kTable[slot] != 0; slot = (slot + 1) % kSlots) {
    const FieldName& known = kOthers[kTable[slot] - 1];
    if (equals_ignoring_case(known.text, field.name)) return known;
  }
  return {};
}

}  // namespace onehop::http::h2
