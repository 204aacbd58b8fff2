// SPDX-License-Identifier: MIT
#include "onehop/admin/service.h"

#include <array>
#include <ctime>
#include <memory>
#include <string>

#include "onehop/admin/answer.h"
#include "onehop/http/date.h"
#include "onehop/http/reason.h"
#include "onehop/proxy/outcome.h"

namespace onehop::admin {
namespace {

using http::Ends;

class AdminResponder final : public http::Responder {
 public:
  AdminResponder(http::ServerStream& stream, net::Loop& loop, const std::function<View()>& look,
                 const AdminService::Settle& settle)
      : stream_(stream), loop_(loop), look_(look), settle_(settle) {}

 private:
  void on_head(const http::RequestHead& head, Ends) override {
    const http::Field* accept = head.fields.find("accept");
    method_ = head.method_text;
    target_ = head.target;
    if (accept != nullptr) accept_ = accept->value;
    loop_.arm(patience_, AdminService::kPatienceMs);
    waiting_ = std::make_shared<AdminResponder*>(this);
    settle_([asked = std::weak_ptr(waiting_)] {
      if (const auto responder = asked.lock()) (*responder)->reply();
    });
  }

  void reply() {
    waiting_.reset();
    patience_.disarm();
    send(answer({method_, target_, accept_}, look_()));
  }

  // A body says nothing that this endpoint wants to know: it was answered with the head.
  void on_body(Buffer&, Ends) override {}
  void on_trailers(const http::Fields&) override {}
  void on_room() override {}
  void on_stall() override {}

  void on_reset(const http::StreamError& why) override {
    waiting_.reset();
    patience_.disarm();
    if (!why.may_answer) return;
    const std::string_view sentence = row_of(why.violation).sentence;
    const int status = proxy::row_of(proxy::outcome_of_request(why.violation)).status;
    send({status, "text/plain; charset=utf-8", std::string(sentence) + ".\n", {}});
  }

  void send(const Reply& reply) {
    http::ResponseHead head;
    std::array<http::Field, 4> room;
    head.status = reply.status;
    head.reason = http::reason_of(reply.status);
    head.body = http::BodyLength::of(reply.body.size());
    head.abandons_request = true;
    head.fields = http::Fields(room);
    head.fields.add("Date", http::date_text(std::time(nullptr)));
    head.fields.add("Content-Type", reply.content_type);
    head.fields.add("Cache-Control", "no-store");
    if (!reply.allow.empty()) head.fields.add("Allow", reply.allow);
    stream_.send_head(head, Ends::no);
    Buffer body;
    body.append(reply.body);
    stream_.send_body(std::move(body), Ends::yes);
  }

  http::ServerStream& stream_;
  net::Loop& loop_;
  const std::function<View()>& look_;
  const AdminService::Settle& settle_;
  std::string method_;
  std::string target_;
  std::string accept_;
  std::shared_ptr<AdminResponder*> waiting_;  // gone when nobody waits any more
  net::Deadline patience_{this, net::DeadlineThunk<&AdminResponder::reply>::call};
};

}  // namespace

std::unique_ptr<http::Responder> AdminService::open(http::ServerStream& stream, const http::Client&,
                                                    const http::HeadTimes&) {
  return std::make_unique<AdminResponder>(stream, loop_, look_, settle_);
}

}  // namespace onehop::admin
