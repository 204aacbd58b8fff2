// SPDX-License-Identifier: MIT
// What an answer to a health check says of the endpoint. Pure: head, body and trailers go in as
// they come, a verdict comes out.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "onehop/base/buffer.h"
#include "onehop/config/config.h"
#include "onehop/http/head.h"

namespace onehop::upstream {

struct ProbeVerdict {
  enum class Says : uint8_t {
    passed,
    failed,
    nothing  // the fault is onehop's own: no descriptor, no port
  };
  Says says = Says::nothing;
  std::string why;  // a short sentence without its full stop
};

class ProbeAnswer {
 public:
  // What is looked at of a body, in bytes.
  static constexpr size_t kMostBody = size_t{64} * 1024;

  // `health` outlives it.
  explicit ProbeAnswer(const config::Health& health) : health_(health) {}

  void on_head(const http::ResponseHead& head);  // the final one
  void on_body(Buffer& bytes);                   // takes them all
  void on_trailers(const http::Fields& trailers);

  // Nothing that may come yet is looked at.
  bool is_enough() const noexcept { return body_.size() >= kMostBody; }
  // Whether the head has come, and is not what was asked for.
  bool is_refused() const noexcept { return status_ != 0 && !fits_status(); }
  // As if what came were all of it.
  ProbeVerdict verdict() const;

 private:
  bool fits_status() const noexcept;
  void note_grpc_status(const http::Fields& fields);
  ProbeVerdict grpc_verdict() const;

  const config::Health& health_;
  int status_ = 0;
  std::string grpc_status_;  // as it came
  std::string body_;         // its beginning
};

// The message of a grpc.health.v1 Check behind its prefix of five bytes.
std::string grpc_question(std::string_view service);

}  // namespace onehop::upstream
