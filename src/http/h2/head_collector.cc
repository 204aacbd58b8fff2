// SPDX-License-Identifier: MIT
#include "head_collector.h"

#include <algorithm>

#include "../authority.h"
#include "../framing.h"
#include "../target.h"
#include "onehop/base/ascii.h"
#include "onehop/http/reason.h"

namespace onehop::http::h2 {
namespace {

constexpr size_t kFirstFields = 24;   // as many as most heads have
constexpr size_t kFirstCookie = 256;  // bytes
constexpr size_t kLongestScheme = 16;

Unexpected<Violation> wrong(Violation violation) {
  return Unexpected<Violation>(violation);
}

// What the pseudo-fields add to a list, and what each field of it costs more than in HTTP/1.1.
constexpr uint64_t kPseudoFields = 256;
constexpr uint64_t kMorePerField = 28;

}  // namespace

// A crumb of no bytes is "; " there and 38 here, which is the worst that can be.
uint32_t list_size_of_requests(const HeadLimits& limits) {
  constexpr uint64_t kMorePerByte = 19;
  return static_cast<uint32_t>(kMorePerByte * limits.bytes + kMorePerField * limits.fields +
                               kPseudoFields);
}

uint32_t list_size_of_responses(const HeadLimits& limits) {
  return static_cast<uint32_t>(limits.bytes + kMorePerField * limits.fields + kPseudoFields);
}

std::optional<Violation> HeadCollector::violation() const noexcept {
  if (line_bytes_ > limits_.line_bytes) return Violation::start_line_too_long;
  if (bytes_ > limits_.bytes) return Violation::head_too_large;
  if (count_ > limits_.fields) return Violation::too_many_fields;
  return std::nullopt;
}

void HeadCollector::count(std::string_view name, std::string_view value) {
  bytes_ += name.size() + value.size() + 4;
  ++count_;
}

void HeadCollector::add(std::string_view name, std::string_view value, bool never_indexed) {
  if (name.front() == ':') return add_pseudo(name, value);
  if (!protocol_.empty() && name == "sec-websocket-key") return;  // there will be another
  const FieldId id = classify(name);
  if (id == FieldId::cookie && !method_.empty()) {
    secret_cookie_ |= never_indexed;
    return add_crumb(value);
  }
  // Beside `:authority` it says nothing that would go on; a second one is refused, whatever it
  // says.
  if (id == FieldId::host && ++hosts_ > 0 && !authority_.empty()) {
    if (hosts_ == 1) hosts_agree_ = same_authority(value, authority_, scheme_);
    return;
  }
  count(name, value);
  if (!violation().has_value()) keep({arena_.copy(name), arena_.copy(value), id, never_indexed});
}

void HeadCollector::add_pseudo(std::string_view name, std::string_view value) {
  if (name == ":method") {
    // Extended CONNECT is a GET there.
    const std::string_view method = value == "CONNECT" ? "GET" : value;
    line_bytes_ += method.size() + std::string_view("  HTTP/1.1").size();
    bytes_ += method.size() + std::string_view("  HTTP/1.1\r\n").size();
  } else if (name == ":path") {
    line_bytes_ += value.size();
    bytes_ += value.size();
  } else if (name == ":authority") {
    count("Host", value);
  } else if (name == ":protocol") {
    count("Connection", "Upgrade");
    count("Upgrade", value);
    count("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
  } else if (name == ":status") {
    const auto status = static_cast<int>(parse_decimal(value).value_or(0));
    bytes_ += std::string_view("HTTP/1.1 200 \r\n").size() + reason_of(status).size();
  }
  if (violation().has_value()) return;
  if (name == ":method") method_ = arena_.copy(value);
  if (name == ":scheme" && value.size() <= kLongestScheme) scheme_ = arena_.copy(value);
  if (name == ":path") path_ = arena_.copy(value);
  if (name == ":authority") authority_ = arena_.copy(value);
  if (name == ":protocol") protocol_ = arena_.copy(value);
  if (name == ":status") status_ = arena_.copy(value);
}

// All crumbs are one field (RFC 9113 8.2.3), put together as they come: many small ones cost no
// more than their bytes.
void HeadCollector::add_crumb(std::string_view crumb) {
  const std::string_view joint = crumbs_ > 0 ? "; " : "";
  if (crumbs_++ == 0) {
    count("Cookie", crumb);
  } else {
    bytes_ += joint.size() + crumb.size();
  }
  if (violation().has_value()) return;
  const size_t size = cookie_size_ + joint.size() + crumb.size();
  if (size > cookie_.size()) {
    const std::span<char> more = arena_.array<char>(std::max(2 * size, kFirstCookie));
    std::copy_n(cookie_.begin(), cookie_size_, more.begin());
    cookie_ = more;
  }
  char* const end = std::copy(joint.begin(), joint.end(), cookie_.data() + cookie_size_);
  std::copy(crumb.begin(), crumb.end(), end);
  cookie_size_ = size;
}

void HeadCollector::keep(const Field& field) {
  if (fields_.full()) {
    Fields more(arena_.array<Field>(fields_.size() == 0 ? kFirstFields : 2 * fields_.size()));
    for (const Field& kept : fields_) more.add(kept);
    fields_ = more;
  }
  fields_.add(field);
}

Fields HeadCollector::fields() {
  if (crumbs_ > 0)
    keep({"cookie", {cookie_.data(), cookie_size_}, FieldId::cookie, secret_cookie_});
  return fields_;
}

Result<RequestHead, Violation> HeadCollector::request(config::Targets targets) {
  if (const auto why = violation(); why.has_value()) return wrong(*why);
  RequestHead head;
  head.protocol = "2.0";
  head.method_text = method_;
  head.method = method_of(method_);
  head.fields = fields();
  const bool tunnel = head.method == Method::connect;
  // Any other protocol might hide requests, as h2c would.
  if (tunnel && protocol_ != "websocket") return wrong(Violation::bad_method);
  // As in the absolute form of HTTP/1.1: a proxy of HTTP has nothing else to offer.
  if (!equals_ignoring_case(scheme_, "http") && !equals_ignoring_case(scheme_, "https"))
    return wrong(Violation::bad_target);
  if (!path_.starts_with('/') && !(path_ == "*" && head.method == Method::options))
    return wrong(Violation::bad_target);
  if (has_forbidden_character(path_, targets)) return wrong(Violation::bad_target);
  head.target = path_;
  const Field* host = head.fields.find(FieldId::host);
  head.authority = authority_.empty() && host != nullptr ? host->value : authority_;
  // Two names for one place: whichever were believed, somebody else might believe the other.
  if (!hosts_agree_ || hosts_ > 1 || !is_authority(head.authority))
    return wrong(Violation::bad_host);
  auto length = request_length(head.fields);
  if (!length.has_value()) return wrong(length.error());
  head.body = *length;
  head.trailers_accepted = true;  // nothing here has to be agreed on for them
  if (tunnel) {
    // What an HTTP/1.1 origin wants to see.
    head.method = Method::get;
    head.method_text = "GET";
    head.upgrade = protocol_;
    head.upgrade_required = true;
  }
  return head;
}

Result<ResponseHead, Violation> HeadCollector::response(Method asked) {
  if (const auto why = violation(); why.has_value()) return wrong(*why);
  ResponseHead head;
  head.protocol = "2.0";
  head.status = static_cast<int>(parse_decimal(status_).value_or(0));
  // Nothing can be switched to here (RFC 9113 8.6).
  if (head.status == 101) return wrong(Violation::bad_switch);
  if (head.status < 100 || head.status > 999) return wrong(Violation::bad_start_line);
  head.reason = reason_of(head.status);
  head.fields = fields();
  const bool bodiless = asked == Method::head || head.status == 304;
  auto length = response_length(head.fields, bodiless ? Carries::nothing : Carries::body);
  if (!length.has_value()) return wrong(length.error());
  head.body = *length;
  if (bodiless) return head;
  if (head.body.kind == BodyLength::Kind::none) head.body = BodyLength::unknown();
  return head;
}

Result<Fields, Violation> HeadCollector::trailers() {
  if (const auto why = violation(); why.has_value()) return wrong(*why);
  return fields();
}

}  // namespace onehop::http::h2
