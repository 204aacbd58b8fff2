// SPDX-License-Identifier: MIT
// What onehop knows of gRPC: which requests are calls, and which calls failed through whoever was
// called. The status of HTTP is 200 there, whatever became of the call.
#pragma once

#include <string_view>

#include "onehop/base/ascii.h"
#include "onehop/http/fields.h"

namespace onehop::proxy {

inline bool is_grpc(const http::Fields& request) {
  constexpr std::string_view kType = "application/grpc";
  const http::Field* type = request.find(http::FieldId::content_type);
  return type != nullptr && equals_ignoring_case(type->value.substr(0, kType.size()), kType);
}

// `response`: its trailers, or its head, which has the status where nothing else is there.
inline bool grpc_blames_endpoint(const http::Fields& response) {
  constexpr unsigned kUnknown = 2, kDeadlineExceeded = 4, kInternal = 13, kUnavailable = 14,
                     kDataLoss = 15;
  for (const http::Field& field : response) {
    if (!equals_ignoring_case(field.name, "grpc-status")) continue;
    const auto status = parse_decimal(field.value, kDataLoss);
    return status == kUnknown || status == kDeadlineExceeded || status == kInternal ||
           status == kUnavailable || status == kDataLoss;
  }
  return false;
}

}  // namespace onehop::proxy
