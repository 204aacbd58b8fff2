// SPDX-License-Identifier: MIT
#include "sim_origin.h"

#include <utility>

namespace onehop::test {

Plan plan_of(const World& world, uint64_t id) {
  Random random(world.seed * 1'000'003 + id);
  Plan plan;
  constexpr int kStatuses[] = {200, 200, 200, 404, 500, 204};
  plan.status = kStatuses[random.below(6)];
  constexpr BodyForm kForms[] = {BodyForm::length, BodyForm::length, BodyForm::chunks,
                                 BodyForm::until_close};
  plan.form = kForms[random.below(4)];
  plan.body_bytes = random.chance(200) ? random.below(20'000) : random.below(300);
  if (random.chance(world.weather.big)) plan.body_bytes = random.between(200'000, 800'000);
  plan.interim = random.chance(100);
  if (plan.status == 204) {
    plan.form = BodyForm::none;
    plan.body_bytes = 0;
  }
  return plan;
}

std::shared_ptr<Wire> SimOrigin::accept(uint16_t port) {
  if (world_.watches_members() && world_.members.stay_of(port) == Members::kNotThere)
    world_.wrong("a connection was opened to an endpoint that had left");
  ends_.push_back(std::make_unique<OriginEnd>(world_, *this, port));
  return ends_.back()->open();
}

void SimOrigin::saw(uint64_t id, bool idempotent) {
  const int times = ++seen_[id];
  // Where that is harmless, once more for a pooled connection that was closed as the request came,
  // and once for a fresh one that ended without an answer.
  if (times > (idempotent ? 3 : 1))
    world_.wrong("request " + std::to_string(id) + " was sent to an origin too often");
}

std::shared_ptr<Wire> OriginEnd::open() {
  wire_ = std::make_shared<Wire>(world_, *this);
  return wire_;
}

void OriginEnd::on_said(std::string_view bytes) {
  said_.add(bytes);
  while (true) {
    const MessageReader::Got got = said_.next();
    if (got == MessageReader::Got::nothing || got == MessageReader::Got::bad) return;
    if (got != MessageReader::Got::head) continue;
    if (world_.members.stay_of(port_) != stay_)
      world_.wrong("an endpoint that had left was given a request: " +
                   std::string(said_.start_line()));
    said_.body_by_fields();
  }
}

void OriginEnd::on_bytes(std::string_view bytes) {
  reader_.add(bytes);
  while (!wire_->closed()) {
    switch (reader_.next()) {
      case MessageReader::Got::nothing:
        return;
      case MessageReader::Got::head:
        on_head();
        break;
      case MessageReader::Got::body:
        if (!is_tagged(reader_.piece(), id_, reader_.body_bytes()))
          world_.wrong("the body of request " + std::to_string(id_) + " has foreign bytes at " +
                       std::to_string(reader_.body_bytes()) + ": " +
                       std::string(reader_.piece().substr(0, 80)));
        break;
      case MessageReader::Got::end:
        on_request();
        break;
      case MessageReader::Got::bad:
        return world_.wrong("an origin got a malformed request");
    }
  }
}

void OriginEnd::on_head() {
  const std::string_view line = reader_.start_line();
  if (requests_++ > 0 && !answered_) world_.wrong("a second request before the first was answered");
  id_ = number_in(line);
  if (id_ == UINT64_MAX)
    return world_.wrong("an origin got a strange request: " + std::string(line));
  is_head_ = line.starts_with("HEAD ");
  answered_ = false;
  origin_.saw(id_, !line.starts_with("POST "));
  world_.note("origin: " + std::string(line));
  reader_.body_by_fields();
  if (world_.random.chance(world_.weather.early)) answer();
}

void OriginEnd::on_request() {
  if (!answered_ && !world_.random.chance(world_.weather.mute)) answer();
}

std::string OriginEnd::head_of(const Plan& plan, bool closes) const {
  std::string head = "HTTP/1.1 " + std::to_string(plan.status) +
                     " Said\r\nX-Answer: " + std::to_string(id_) + "\r\n";
  if (plan.form == BodyForm::length)
    head += "Content-Length: " + std::to_string(plan.body_bytes) + "\r\n";
  if (plan.form == BodyForm::chunks) head += "Transfer-Encoding: chunked\r\n";
  if (closes) head += "Connection: close\r\n";
  return head + "\r\n";
}

void OriginEnd::answer() {
  answered_ = true;
  const Plan plan = plan_of(world_, id_);
  const bool closes =
      (plan.form == BodyForm::until_close && !is_head_) || world_.random.chance(100);
  std::string response;
  if (plan.interim) response += "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n";
  response += head_of(plan, closes);
  if (!is_head_ && plan.form != BodyForm::none) {
    const std::string body = tagged_body(id_, plan.body_bytes);
    response +=
        plan.form == BodyForm::chunks ? in_chunks(body, world_.random.between(50, 9000)) : body;
  }
  // The end of a close-delimited body is the end of the connection: closed early, it is shorter.
  const bool cut_shows = plan.form != BodyForm::until_close || is_head_;
  const Weather& weather = world_.weather;
  if (world_.random.chance(weather.response_reset)) {
    wire_->send(response.substr(0, world_.random.below(response.size())));
    world_.note("origin: resets in the response to " + std::to_string(id_));
    return wire_->reset();
  }
  if (cut_shows && world_.random.chance(weather.response_cut)) {
    wire_->send(response.substr(0, world_.random.below(response.size())));
    world_.note("origin: cuts the response to " + std::to_string(id_));
    return wire_->close();
  }
  send(response, closes);
}

void OriginEnd::send(const std::string& response, bool closes) {
  const Weather& weather = world_.weather;
  wire_->send(response);
  if (closes) return wire_->finish();
  // It may arrive when the next request is already under way: what looked like a response would
  // then be taken for one, by anybody.
  if (world_.random.chance(weather.surplus)) wire_->send("\r\n?surplus?\r\n\r\n");
  if (world_.random.chance(weather.close_after)) {
    world_.note("origin: closes after the response");
    return wire_->close();
  }
  if (world_.random.chance(weather.close_idle)) {
    world_.loop.after_us(world_.random.below(30'000), [this, seen = requests_] {
      if (seen == requests_) wire_->close();
    });
  }
}

}  // namespace onehop::test
