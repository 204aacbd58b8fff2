// SPDX-License-Identifier: MIT
// A simulated client: sends valid requests, one after the other or all at once, and holds every
// byte that it gets against what the origin had to say to that request.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "message_reader.h"
#include "wire.h"

namespace onehop::test {

struct SimRequest {
  uint64_t id;
  bool is_head;
  std::string bytes;
};

class SimClient final : public FarEnd {
 public:
  // Whole answers of all clients of a run.
  struct Tally {
    uint64_t asked = 0;
    uint64_t answered = 0;               // by the origin
    uint64_t answered_here = 0;          // by the proxy
    std::vector<uint64_t> took_ns = {};  // each of them, from its first byte
  };

  SimClient(World& world, Tally& tally, uint64_t first_id);
  std::shared_ptr<Wire> open();  // connects and begins to send

  bool done() const { return wire_ != nullptr && wire_->closed(); }

 private:
  void on_bytes(std::string_view bytes) override;
  void on_end() override;
  void on_reset() override;

  void send_next();
  void send_now(std::string_view bytes);
  void on_head();
  void on_answer();
  void leave();
  void give_up();

  World& world_;
  Tally& tally_;
  std::vector<SimRequest> requests_;
  std::vector<uint64_t> sent_ns_;
  std::shared_ptr<Wire> wire_;
  MessageReader reader_;
  size_t sent_ = 0;                   // requests
  size_t answered_ = 0;               // requests
  uint64_t bytes_left_ = UINT64_MAX;  // sent or received until it aborts
  bool http10_;
  bool pipelined_ = false;
  bool from_origin_ = false;
  bool last_ = false;  // the response said that the connection ends
};

}  // namespace onehop::test
