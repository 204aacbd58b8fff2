// SPDX-License-Identifier: MIT
#include "onehop/admin/service.h"

#include <fmt/format.h>

#include <array>
#include <ctime>
#include <utility>

#include "documents.h"
#include "log_levels.h"
#include "onehop/base/log.h"
#include "onehop/http/date.h"
#include "onehop/http/reason.h"
#include "onehop/proxy/outcome.h"
#include "running_command.h"

namespace onehop::admin {

using http::Ends;

namespace {

std::string value_of(const http::Fields& fields, std::string_view name) {
  const http::Field* field = fields.find(name);
  return field == nullptr ? std::string() : std::string(field->value);
}

bool is_read(std::string_view method) {
  return method == "GET" || method == "HEAD";
}

// As the log has it: a target may be as long as a head.
std::string_view short_target(std::string_view target) {
  return target.substr(0, 500);
}

}  // namespace

// One request: refused, or waiting for the counters to settle, or a command whose body comes or
// that is being carried out; and then being read.
class AdminResponder final : public http::Responder, public ListNode<AdminResponder> {
 public:
  AdminResponder(http::ServerStream& stream, const http::Client& client, AdminService& service)
      : stream_(stream), client_(client), service_(service) {}

  // Gives up on a client that reads too slowly.
  void cut() {
    end_reading();
    stream_.reset();
  }

 private:
  void on_head(const http::RequestHead& head, Ends ends) override {
    method_ = head.method_text;
    target_ = head.target;
    auto refused = service_.guard_.refusal(client_.address, head);
    if (refused && is_read(method_)) return send_once(std::move(*refused));
    command_ = service_.commands_.find(method_, target_.substr(0, target_.find('?')));
    if (command_ != nullptr && !refused)
      refused = service_.guard_.command_refusal(client_.address, head);
    if (refused) {
      service_.say_refused(client_.address, request(), *refused);
      return send_once(std::move(*refused));
    }
    command_ != nullptr ? take_command(head, ends) : look_up(head);
  }

  void look_up(const http::RequestHead& head) {
    accept_ = value_of(head.fields, "accept");
    if (accepts_gzip(value_of(head.fields, "accept-encoding"))) coding_ = Coding::gzip;
    key_ = shared_key(request());
    if (!key_.empty() && coding_ == Coding::gzip) key_ += " gzip";
    if (auto made = service_.renderings_.latest(key_, service_.loop_.now_ns()))
      return send(std::move(made));
    service_.loop_.arm(deadline_, AdminService::kPatienceMs);
    waiting_ = std::make_shared<AdminResponder*>(this);
    service_.settle_([asked = std::weak_ptr(waiting_)] {
      if (const auto responder = asked.lock()) (*responder)->reply();
    });
  }

  // From here on the log tells of it.
  void take_command(const http::RequestHead& head, Ends ends) {
    waiting_ = std::make_shared<AdminResponder*>(this);
    running_ = std::make_shared<RunningCommand>(
        Guard::name_of(client_.address), fmt::format("{} {}", method_, short_target(target_)),
        [asked = std::weak_ptr(waiting_)](Reply reply) {
          if (const auto responder = asked.lock()) (*responder)->finish(std::move(reply));
        });
    if (ends == Ends::yes) return act();
    const size_t most = command_->row.most_body;
    if (head.body.kind == http::BodyLength::Kind::known && head.body.bytes > most)
      return body_too_large();
    if (head.fields.find("expect") != nullptr) {
      http::ResponseHead go_on;
      go_on.status = 100;
      go_on.reason = http::reason_of(100);
      stream_.send_head(go_on, Ends::no);
    }
    service_.loop_.arm(deadline_, AdminService::kBodyMs);
    stream_.set_reading(true);
  }

  void act() {
    deadline_.disarm();
    const auto running = std::exchange(running_, nullptr);
    const auto command = Commands::parse(command_->row, target_, client_.address.to_string(),
                                         std::exchange(body_, std::string()));
    if (!command.has_value()) return running->finish(text_reply(400, command.error() + "\n"));
    command_->act(*command, RunningCommand::done_of(running));
  }

  void body_too_large() {
    const size_t most = command_->row.most_body;
    give_up_command(text_reply(
        413, most == 0 ? std::string("This command takes no body.\n")
                       : fmt::format("This command takes a body of {} bytes at most.\n", most)));
  }

  // A command that has not begun.
  void give_up_command(Reply reply) { std::exchange(running_, nullptr)->finish(std::move(reply)); }

  void finish(Reply reply) {
    waiting_.reset();
    deadline_.disarm();
    send_once(std::move(reply));
  }

  void on_deadline() {
    if (running_ != nullptr)
      return give_up_command(text_reply(408, "The body of the command did not come in time.\n"));
    waiting_ != nullptr ? reply() : cut();
  }

  void reply() {
    waiting_.reset();
    deadline_.disarm();
    send(service_.render(key_, request(), coding_));
  }

  // That of a question says nothing that this endpoint wants to know: it was answered with the
  // head.
  void on_body(Buffer& bytes, Ends ends) override {
    if (running_ == nullptr) return;
    if (body_.size() + bytes.size() > command_->row.most_body) return body_too_large();
    body_ += bytes.to_string();
    if (ends == Ends::yes) act();
  }
  void on_trailers(const http::Fields&) override {
    if (running_ != nullptr) act();
  }
  void on_room() override {
    if (rendering_ != nullptr) end_reading();  // all of it is out
  }
  void on_stall() override {}

  void on_reset(const http::StreamError& why) override {
    waiting_.reset();
    end_reading();
    if (running_ != nullptr)
      give_up_command(text_reply(400, "The client has gone before the command was complete.\n"));
    if (!why.may_answer) return;
    const std::string_view sentence = row_of(why.violation).sentence;
    const int status = proxy::row_of(proxy::outcome_of_request(why.violation)).status;
    send_once(text_reply(status, std::string(sentence) + ".\n"));
  }

  Request request() const { return {method_, target_, accept_}; }

  void send_once(Reply reply) {
    send(
        service_.renderings_.make({}, service_.loop_.now_ns(), std::move(reply), Coding::identity));
  }

  void send(Renderings::Shared rendering) {
    rendering_ = std::move(rendering);
    const Reply& reply = rendering_->head();
    http::ResponseHead head;
    std::array<http::Field, 7> room;
    head.status = reply.status;
    head.reason = http::reason_of(reply.status);
    head.body = http::BodyLength::of(rendering_->size());
    head.abandons_request = true;
    head.fields = http::Fields(room);
    head.fields.add("Date", http::date_text(std::time(nullptr)));
    head.fields.add("Content-Type", reply.content_type);
    head.fields.add("Cache-Control", "no-store");
    head.fields.add("Vary", "Accept, Accept-Encoding");
    if (rendering_->coding() == Coding::gzip) head.fields.add("Content-Encoding", "gzip");
    if (!reply.allow.empty()) head.fields.add("Allow", reply.allow);
    if (!reply.challenge.empty()) head.fields.add("WWW-Authenticate", reply.challenge);
    stream_.send_head(head, Ends::no);
    if (method_ == "HEAD" || rendering_->piece_count() == 0) {
      stream_.send_body(Buffer(), Ends::yes);
      return end_reading();
    }
    service_.readers_.push_back(*this);
    service_.loop_.arm(deadline_, AdminService::kReadingMs);
    // All at once: what waits in the connection is what everybody shares, and no copy.
    for (size_t i = 0; i < rendering_->piece_count(); ++i) {
      const bool last = i + 1 == rendering_->piece_count();
      stream_.send_body(rendering_->piece(i), last ? Ends::yes : Ends::no);
    }
  }

  void end_reading() {
    deadline_.disarm();
    unlink();
    rendering_.reset();
  }

  http::ServerStream& stream_;
  const http::Client& client_;
  AdminService& service_;
  std::string method_;
  std::string target_;
  std::string accept_;
  std::string key_;
  Coding coding_ = Coding::identity;
  const Commands::Entry* command_ = nullptr;
  std::string body_;                          // of a command
  std::shared_ptr<RunningCommand> running_;   // until it begins to act
  std::shared_ptr<AdminResponder*> waiting_;  // gone when nobody waits any more
  Renderings::Shared rendering_;              // while it is being read
  net::Deadline deadline_{this, net::DeadlineThunk<&AdminResponder::on_deadline>::call};
};

AdminService::AdminService(net::Loop& loop, std::function<View()> look, Settle settle,
                           std::vector<std::string> hosts)
    : loop_(loop), look_(std::move(look)), settle_(std::move(settle)), guard_(std::move(hosts)) {
  add_log_command(commands_);
}

AdminService::~AdminService() = default;

config::DownstreamTimeouts AdminService::timeouts() {
  config::DownstreamTimeouts patience;
  patience.request_head = std::chrono::seconds(5);
  patience.idle = std::chrono::seconds(90);
  patience.write_stall = std::chrono::seconds(10);
  return patience;
}

config::Limits AdminService::limits() {
  config::Limits limits;
  limits.buffered = 0;
  return limits;
}

std::unique_ptr<http::Responder> AdminService::open(http::ServerStream& stream,
                                                    const http::Client& client,
                                                    const http::HeadTimes&) {
  return std::make_unique<AdminResponder>(stream, client, *this);
}

// Of those who may not: with a budget, as anybody may try.
void AdminService::say_refused(const Address& peer, const Request& request, const Reply& reply) {
  const uint64_t now = loop_.now_ms();
  if (const auto left_out = refused_lines_.left_out(now); left_out.count > 0)
    log::warning(fmt::format("{} more were refused at the admin endpoint", left_out.count));
  if (!refused_lines_.take(now)) return;
  log::warning(fmt::format("refused {} {} of {}: {}", request.method, short_target(request.target),
                           peer.to_string(), reply.status));
}

// Whoever waited for the counters at the same time has the same document.
Renderings::Shared AdminService::render(std::string key, const Request& request, Coding coding) {
  if (auto made = renderings_.latest(key, loop_.now_ns())) return made;
  while (renderings_.held_bytes() > kMostHeldBytes && !readers_.empty()) readers_.front()->cut();
  View view = look_();
  view.documents = {renderings_.made(), renderings_.held_bytes()};
  view.commands = &commands_;
  return renderings_.make(std::move(key), loop_.now_ns(), answer(request, view), coding);
}

}  // namespace onehop::admin
