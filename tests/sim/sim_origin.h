// SPDX-License-Identifier: MIT
// The simulated origins: HTTP/1.1 servers that misbehave as the weather says. What they answer to a
// request depends on the seed and the request's number alone, so that a client can be told whether
// it got it.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "message_reader.h"
#include "wire.h"

namespace onehop::test {

enum class BodyForm : uint8_t { none, length, chunks, until_close };

// What the answer to request `id` is.
struct Plan {
  int status = 200;
  BodyForm form = BodyForm::length;
  size_t body_bytes = 0;
  bool interim = false;
};
Plan plan_of(const World& world, uint64_t id);

class SimOrigin;

class OriginEnd final : public FarEnd {
 public:
  OriginEnd(World& world, SimOrigin& origin, uint16_t port)
      : world_(world), origin_(origin), port_(port), stay_(world.members.stay_of(port)) {}
  std::shared_ptr<Wire> open();

 private:
  void on_bytes(std::string_view bytes) override;
  void on_end() override { wire_->close(); }
  void on_reset() override { wire_->close(); }
  void on_said(std::string_view bytes) override;

  void on_head();
  void on_request();
  void answer();
  void send(const std::string& response, bool closes);
  std::string head_of(const Plan& plan, bool closes) const;

  World& world_;
  SimOrigin& origin_;
  const uint16_t port_;
  const uint64_t stay_;  // of the endpoint that was dialed
  std::shared_ptr<Wire> wire_;
  MessageReader reader_;
  MessageReader said_;  // the same, before it has travelled
  uint64_t id_ = UINT64_MAX;
  uint64_t requests_ = 0;
  bool is_head_ = false;
  bool answered_ = false;
};

class SimOrigin {
 public:
  explicit SimOrigin(World& world) : world_(world) {}
  std::shared_ptr<Wire> accept(uint16_t port);

  // How often the head of a request has arrived.
  void saw(uint64_t id, bool idempotent);
  size_t accepted() const { return ends_.size(); }

 private:
  World& world_;
  std::map<uint64_t, int> seen_;
  std::vector<std::unique_ptr<OriginEnd>> ends_;
};

}  // namespace onehop::test
