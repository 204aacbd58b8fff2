// SPDX-License-Identifier: MIT
#include "probe_answer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace onehop::upstream {
namespace {

using Says = ProbeVerdict::Says;

// Of a message in gRPC: whether it is compressed, and its length in four bytes.
constexpr size_t kPrefix = 5;

uint8_t byte_at(std::string_view text, size_t place) {
  return static_cast<uint8_t>(text[place]);
}

void append_varint(std::string& bytes, uint64_t number) {
  for (; number >= 0x80; number >>= 7) bytes += static_cast<char>(0x80 | (number & 0x7f));
  bytes += static_cast<char>(number);
}

// Takes a varint off the front of `bytes`.
std::optional<uint64_t> take_varint(std::string_view& bytes) {
  uint64_t number = 0;
  for (unsigned shift = 0; shift < 64 && !bytes.empty(); shift += 7) {
    const uint8_t byte = byte_at(bytes, 0);
    bytes.remove_prefix(1);
    number |= uint64_t{byte & 0x7fu} << shift;
    if (byte < 0x80) return number;
  }
  return std::nullopt;
}

// Takes the value of a field that nobody asked for off the front.
bool skip(std::string_view& bytes, uint64_t wire_type) {
  if (wire_type == 0) return take_varint(bytes).has_value();
  std::optional<uint64_t> size;
  if (wire_type == 1) size = 8;
  if (wire_type == 2) size = take_varint(bytes);
  if (wire_type == 5) size = 4;
  if (!size.has_value() || *size > bytes.size()) return false;
  bytes.remove_prefix(*size);
  return true;
}

// The status of a HealthCheckResponse, its field 1, which is left out where it is 0. Nothing where
// `bytes` are no such message.
std::optional<uint64_t> status_of(std::string_view bytes) {
  uint64_t status = 0;
  while (!bytes.empty()) {
    const auto key = take_varint(bytes);
    if (!key.has_value()) return std::nullopt;
    if (*key != (1 << 3)) {
      if (!skip(bytes, *key & 7)) return std::nullopt;
      continue;
    }
    const auto value = take_varint(bytes);
    if (!value.has_value()) return std::nullopt;
    status = *value;
  }
  return status;
}

// The first message of a body.
std::optional<std::string_view> message_of(std::string_view body) {
  if (body.size() < kPrefix || body[0] != 0) return std::nullopt;
  size_t size = 0;
  for (size_t i = 1; i < kPrefix; ++i) size = size << 8 | byte_at(body, i);
  if (size > body.size() - kPrefix) return std::nullopt;
  return body.substr(kPrefix, size);
}

}  // namespace

std::string grpc_question(std::string_view service) {
  std::string message;
  if (!service.empty()) {
    message += '\x0a';  // field 1, with a length
    append_varint(message, service.size());
    message += service;
  }
  std::string framed(1, '\0');
  for (int shift = 24; shift >= 0; shift -= 8)
    framed += static_cast<char>(message.size() >> shift & 0xff);
  return framed + message;
}

bool ProbeAnswer::fits_status() const noexcept {
  if (health_.check == config::HealthCheck::grpc) return status_ == 200;
  return std::ranges::any_of(health_.status, [this](const std::string& wanted) {
    const bool is_class = wanted.ends_with("xx");
    return is_class ? wanted[0] - '0' == status_ / 100 : wanted == std::to_string(status_);
  });
}

void ProbeAnswer::on_head(const http::ResponseHead& head) {
  status_ = head.status;
  note_grpc_status(head.fields);
}

void ProbeAnswer::on_body(Buffer& bytes) {
  const size_t room = kMostBody - std::min(body_.size(), kMostBody);
  body_ += bytes.take_front(std::min(bytes.size(), room)).to_string();
  bytes.clear();
}

void ProbeAnswer::on_trailers(const http::Fields& trailers) {
  note_grpc_status(trailers);
}

void ProbeAnswer::note_grpc_status(const http::Fields& fields) {
  if (const http::Field* status = fields.find("grpc-status")) grpc_status_ = status->value;
}

ProbeVerdict ProbeAnswer::verdict() const {
  if (!fits_status()) return {Says::failed, fmt::format("it answered {}", status_)};
  if (health_.check == config::HealthCheck::grpc) return grpc_verdict();
  if (!health_.body.empty() && body_.find(health_.body) == std::string::npos) {
    return {Says::failed, fmt::format("it answered {} without \"{}\" in the body{}", status_,
                                      health_.body, is_enough() ? "'s first 64 KiB" : "")};
  }
  return {Says::passed, fmt::format("it answered {}", status_)};
}

ProbeVerdict ProbeAnswer::grpc_verdict() const {
  if (grpc_status_ == "12") return {Says::failed, "it does not have grpc.health.v1"};
  if (grpc_status_ == "5")
    return {Says::failed, fmt::format("it does not know the service \"{}\"", health_.service)};
  if (grpc_status_.empty()) return {Says::failed, "it answered without a grpc-status"};
  if (grpc_status_ != "0")
    return {Says::failed, fmt::format("it answered with grpc-status {}", grpc_status_)};
  const auto message = message_of(body_);
  const auto status = message.has_value() ? status_of(*message) : std::nullopt;
  if (!status.has_value()) return {Says::failed, "its answer is none of grpc.health.v1"};
  constexpr std::array<std::string_view, 4> kNames = {"UNKNOWN", "SERVING", "NOT_SERVING",
                                                      "SERVICE_UNKNOWN"};
  const std::string name =
      *status < kNames.size() ? std::string(kNames.at(*status)) : std::to_string(*status);
  return {*status == 1 ? Says::passed : Says::failed, fmt::format("it is {}", name)};
}

}  // namespace onehop::upstream
