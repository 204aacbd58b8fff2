// SPDX-License-Identifier: MIT
#include "head_collector.h"

#include <algorithm>

#include "../h1/strict.h"
#include "onehop/base/ascii.h"
#include "onehop/http/reason.h"

namespace onehop::http::h2 {
namespace {

constexpr uint64_t kFieldOverhead = 32;  // RFC 9113 10.5.1

Unexpected<Violation> wrong(Violation violation) {
  return Unexpected<Violation>(violation);
}

// 16 bytes in base64 (RFC 6455 4.1), which nobody has to guess.
std::string_view websocket_key(Arena& arena) {
  static thread_local uint64_t state = 0x9E3779B97F4A7C15u;
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  constexpr size_t kSize = 24;
  char* const key = static_cast<char*>(arena.allocate(kSize, 1));
  for (size_t i = 0; i < kSize - 3; ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    key[i] = kDigits[state >> 58];
  }
  key[kSize - 3] = 'A';  // two digits' worth of the last byte, and nothing behind it
  key[kSize - 2] = key[kSize - 1] = '=';
  return {key, kSize};
}

}  // namespace

void HeadCollector::begin() {
  arena_.clear();
  fields_.clear();
  crumbs_.clear();
  bytes_ = count_ = 0;
  secret_cookie_ = false;
  violation_.reset();
  method_ = path_ = authority_ = protocol_ = status_ = {};
}

void HeadCollector::add(std::string_view name, std::string_view value, bool never_indexed) {
  bytes_ += name.size() + value.size() + kFieldOverhead;
  if (++count_ > most_fields_) violation_ = Violation::too_many_fields;
  if (bytes_ > most_bytes_) violation_ = Violation::head_too_large;
  if (violation_.has_value()) return;
  if (name.front() == ':') {
    const std::string_view kept = arena_.copy(value);
    if (name == ":method") method_ = kept;
    if (name == ":path") path_ = kept;
    if (name == ":authority") authority_ = kept;
    if (name == ":protocol") protocol_ = kept;
    if (name == ":status") status_ = kept;
    return;
  }
  if (!protocol_.empty() && name == "sec-websocket-key") return;  // there will be one
  const FieldId id = classify(name);
  if (id == FieldId::cookie) {
    crumbs_.push_back(arena_.copy(value));
    secret_cookie_ |= never_indexed;
  } else {
    fields_.push_back({arena_.copy(name), arena_.copy(value), id, never_indexed});
  }
}

// The fields, and the crumbs of a cookie as one (RFC 9113 8.2.3).
Fields HeadCollector::fields() {
  room_.resize(fields_.size() + 2);  // a cookie, and the key of a WebSocket
  Fields out(room_);
  for (const Field& field : fields_) out.add(field);
  if (crumbs_.empty()) return out;
  size_t size = 2 * crumbs_.size();
  for (const std::string_view crumb : crumbs_) size += crumb.size();
  char* const start = static_cast<char*>(arena_.allocate(size, 1));
  char* at = start;
  for (const std::string_view crumb : crumbs_) {
    if (at != start) at = std::copy_n("; ", 2, at);
    at = std::copy(crumb.begin(), crumb.end(), at);
  }
  out.add({"cookie", {start, static_cast<size_t>(at - start)}, FieldId::cookie, secret_cookie_});
  return out;
}

Result<RequestHead, Violation> HeadCollector::request() {
  if (violation_.has_value()) return wrong(*violation_);
  RequestHead head;
  head.protocol = "2.0";
  head.method_text = method_;
  head.method = method_of(method_);
  head.fields = fields();
  const bool tunnel = head.method == Method::connect;
  // Any other protocol might hide requests, as h2c would.
  if (tunnel && protocol_ != "websocket") return wrong(Violation::bad_method);
  if (!path_.starts_with('/') && !(path_ == "*" && head.method == Method::options))
    return wrong(Violation::bad_target);
  if (h1::has_forbidden_character(path_)) return wrong(Violation::bad_target);
  head.target = path_;
  const Field* host = head.fields.find(FieldId::host);
  head.authority = authority_.empty() && host != nullptr ? host->value : authority_;
  // Two names for one place: whichever were believed, somebody else might believe the other.
  const bool differ = host != nullptr && !equals_ignoring_case(host->value, head.authority);
  if (differ || head.fields.count(FieldId::host) > 1 || !h1::is_authority(head.authority))
    return wrong(Violation::bad_host);
  auto length = h1::check_framing(head.fields);
  if (!length.has_value()) return wrong(length.error());
  head.body = *length;
  head.trailers_accepted = head.fields.find(FieldId::te) != nullptr;  // nghttp2 lets no other pass
  if (tunnel) {
    // What an HTTP/1.1 origin wants to see; RFC 8441 has no use for its answer.
    head.fields.add("sec-websocket-key", websocket_key(arena_), FieldId::other);
    head.method = Method::get;
    head.method_text = "GET";
    head.upgrade = protocol_;
    head.upgrade_required = true;
  }
  return head;
}

Result<ResponseHead, Violation> HeadCollector::response(Method asked) {
  if (violation_.has_value()) return wrong(*violation_);
  ResponseHead head;
  head.protocol = "2.0";
  head.status = static_cast<int>(parse_decimal(status_).value_or(0));
  if (head.status < 100 || head.status > 599 || head.status == 101)
    return wrong(Violation::bad_start_line);
  head.reason = reason_of(head.status);
  head.fields = fields();
  auto length = h1::check_framing(head.fields);
  if (!length.has_value()) return wrong(length.error());
  head.body = *length;
  if (asked == Method::head || head.status == 304) return head;
  if (head.body.kind == BodyLength::Kind::none) head.body = BodyLength::unknown();
  return head;
}

Result<Fields, Violation> HeadCollector::trailers() {
  if (violation_.has_value()) return wrong(Violation::bad_trailer);
  return fields();
}

}  // namespace onehop::http::h2
