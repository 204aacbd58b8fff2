// SPDX-License-Identifier: MIT
#include "sim_client.h"

#include <algorithm>
#include <utility>

#include "sim_origin.h"

namespace onehop::test {
namespace {

constexpr uint64_t kPatienceUs = 300'000'000;

SimRequest make_request(World& world, uint64_t id, bool http10) {
  Random& random = world.random;
  const uint64_t kind = random.chance(world.weather.uploads) ? 9 : random.below(10);
  const std::string method = kind < 5 ? "GET" : kind < 6 ? "HEAD" : kind < 9 ? "POST" : "PUT";
  std::string text = method + " /r/" + std::to_string(id) + (http10 ? " HTTP/1.0" : " HTTP/1.1") +
                     "\r\nHost: sim.test\r\n";
  if (http10) text += "Connection: keep-alive\r\n";
  if (kind >= 6) {
    size_t size = random.chance(200) ? random.below(20'000) : random.below(300);
    if (random.chance(world.weather.big)) size = random.between(200'000, 800'000);
    const std::string body = tagged_body(id, size);
    if (!http10 && random.chance(400)) {
      text += "Transfer-Encoding: chunked\r\n\r\n" + in_chunks(body, random.between(50, 9000));
    } else {
      text += "Content-Length: " + std::to_string(size) + "\r\n\r\n" + body;
    }
  } else {
    text += "\r\n";
  }
  return {id, method == "HEAD", std::move(text)};
}

}  // namespace

SimClient::SimClient(World& world, Tally& tally, uint64_t first_id)
    : world_(world), tally_(tally), http10_(world.random.chance(100)) {
  // HTTP/1.0 cannot be sure of a second answer on a connection.
  pipelined_ = !http10_ && world.random.chance(300);
  const uint64_t count = world.random.between(1, 5);
  uint64_t total = 0;
  for (uint64_t i = 0; i < count; ++i) {
    requests_.push_back(make_request(world, first_id + i, http10_));
    total += requests_.back().bytes.size();
  }
  if (world.random.chance(world.weather.abort)) bytes_left_ = world.random.below(total + 400);
}

std::shared_ptr<Wire> SimClient::open() {
  wire_ = std::make_shared<Wire>(world_, *this);
  if (world_.random.chance(world_.weather.slow))
    wire_->take_slowly(world_.random.between(1000, 200'000));
  if (world_.random.chance(world_.weather.stuck)) wire_->take_slowly(2 * kPatienceUs);
  world_.loop.after_us(world_.random.below(3000), [this] { send_next(); });
  world_.loop.after_us(kPatienceUs, [this] { give_up(); });
  return wire_;
}

void SimClient::give_up() {
  if (!done()) wire_->reset();
}

void SimClient::send_now(std::string_view bytes) {
  const auto size = static_cast<size_t>(std::min<uint64_t>(bytes.size(), bytes_left_));
  const size_t head = world_.weather.uploads != 0 ? bytes.find("\r\n\r\n") + 4 : 0;
  wire_->send(bytes.substr(0, std::min(head, size)));
  wire_->send(bytes.substr(0, size).substr(std::min(head, size)));
  if (bytes_left_ == UINT64_MAX) return;
  bytes_left_ -= size;
  if (bytes_left_ == 0) leave();
}

void SimClient::leave() {
  world_.note("client: aborts");
  if (world_.random.chance(500)) return wire_->reset();
  wire_->close();
}

void SimClient::send_next() {
  do {
    if (wire_->closed() || sent_ == requests_.size()) return;
    world_.note("client: sends request " + std::to_string(requests_[sent_].id));
    ++tally_.asked;
    sent_ns_.push_back(world_.loop.now_ns());
    send_now(requests_[sent_++].bytes);
  } while (pipelined_);
  if (sent_ == requests_.size() && world_.random.chance(world_.weather.half_close)) wire_->finish();
}

void SimClient::on_bytes(std::string_view bytes) {
  if (bytes_left_ != UINT64_MAX) {
    bytes_left_ -= std::min<uint64_t>(bytes_left_, bytes.size());
    if (bytes_left_ == 0) return leave();
  }
  reader_.add(bytes);
  while (!wire_->closed()) {
    switch (reader_.next()) {
      case MessageReader::Got::nothing:
        return;
      case MessageReader::Got::head:
        on_head();
        break;
      case MessageReader::Got::body:
        if (from_origin_ &&
            !is_tagged(reader_.piece(), requests_[answered_].id, reader_.body_bytes()))
          world_.wrong("the response to " + std::to_string(requests_[answered_].id) +
                       " has foreign bytes at " + std::to_string(reader_.body_bytes()) + ": " +
                       std::string(reader_.piece().substr(0, 80)));
        break;
      case MessageReader::Got::end:
        on_answer();
        break;
      case MessageReader::Got::bad:
        return world_.wrong("a client got a malformed response");
    }
  }
}

void SimClient::on_head() {
  if (answered_ >= sent_) {
    wire_->close();
    return world_.wrong("a client got a response that it had not asked for");
  }
  const std::string_view line = reader_.start_line();
  const SimRequest& request = requests_[answered_];
  const std::string status(line.substr(std::min<size_t>(9, line.size()), 3));
  world_.note("client: for request " + std::to_string(request.id) + " gets " + std::string(line));
  if (status.starts_with("1")) {
    if (http10_) world_.wrong("an HTTP/1.0 client got an interim response");
    return reader_.no_message();
  }
  const std::string_view answer = reader_.field("x-answer");
  from_origin_ = !answer.empty();
  last_ = reader_.field("connection") == "close";
  if (from_origin_) {
    if (number_in(answer) != request.id)
      world_.wrong("request " + std::to_string(request.id) + " got the response to " +
                   std::string(answer));
    if (status != std::to_string(plan_of(world_, request.id).status))
      world_.wrong("request " + std::to_string(request.id) + " got status " + status);
  } else if (reader_.field("proxy-status").empty()) {
    world_.wrong("a response that nobody signed");
  }
  if (request.is_head || status == "204") return reader_.body_length(0);
  if (reader_.field("transfer-encoding").empty() && reader_.field("content-length").empty())
    return reader_.body_until_close();
  reader_.body_by_fields();
}

void SimClient::on_answer() {
  tally_.took_ns.push_back(world_.loop.now_ns() - sent_ns_[answered_]);
  const SimRequest& request = requests_[answered_++];
  const Plan plan = plan_of(world_, request.id);
  const uint64_t expected = request.is_head ? 0 : plan.body_bytes;
  if (from_origin_ && reader_.body_bytes() != expected)
    world_.wrong("the response to " + std::to_string(request.id) + " has " +
                 std::to_string(reader_.body_bytes()) + " bytes, not " + std::to_string(expected));
  ++(from_origin_ ? tally_.answered : tally_.answered_here);
  if (last_ || answered_ == requests_.size()) {
    world_.loop.after_us(world_.random.below(5000), [this] { wire_->close(); });
  } else if (answered_ == sent_) {
    world_.loop.after_us(world_.random.below(5000), [this] { send_next(); });
  }
}

void SimClient::on_end() {
  if (reader_.until_close()) {
    reader_.next();  // counts the body
    reader_.no_message();
    on_answer();
  }
  wire_->close();
}

void SimClient::on_reset() {
  wire_->close();
}

}  // namespace onehop::test
