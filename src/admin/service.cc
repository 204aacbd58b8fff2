// SPDX-License-Identifier: MIT
#include "onehop/admin/service.h"

#include <fmt/format.h>

#include <array>
#include <ctime>
#include <utility>

#include "documents.h"
#include "onehop/http/date.h"
#include "onehop/http/reason.h"
#include "onehop/proxy/outcome.h"

namespace onehop::admin {

using http::Ends;

namespace {

constexpr std::string_view kText = "text/plain; charset=utf-8";

std::string value_of(const http::Fields& fields, std::string_view name) {
  const http::Field* field = fields.find(name);
  return field == nullptr ? std::string() : std::string(field->value);
}

// Named as the client named it, which is what has to be written into the configuration.
Reply misdirected(std::string_view authority) {
  return {421,
          kText,
          fmt::format("The host \"{}\" is not one of admin.hosts. Other names than localhost and "
                      "those without a dot have to be listed there, because a web page can give "
                      "any address a name (DNS rebinding).\n",
                      authority.substr(0, 255)),
          {}};
}

}  // namespace

// One request: refused, or waiting for the counters to settle, or being read.
class AdminResponder final : public http::Responder, public ListNode<AdminResponder> {
 public:
  AdminResponder(http::ServerStream& stream, AdminService& service)
      : stream_(stream), service_(service) {}

  // Gives up on a client that reads too slowly.
  void cut() {
    end_reading();
    stream_.reset();
  }

 private:
  void on_head(const http::RequestHead& head, Ends) override {
    method_ = head.method_text;
    if (!service_.hosts_.allow(head.authority)) return send_once(misdirected(head.authority));
    target_ = head.target;
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

  void on_deadline() { waiting_ != nullptr ? reply() : cut(); }

  void reply() {
    waiting_.reset();
    deadline_.disarm();
    send(service_.render(key_, request(), coding_));
  }

  // A body says nothing that this endpoint wants to know: it was answered with the head.
  void on_body(Buffer&, Ends) override {}
  void on_trailers(const http::Fields&) override {}
  void on_room() override { end_reading(); }  // all of it is out
  void on_stall() override {}

  void on_reset(const http::StreamError& why) override {
    waiting_.reset();
    end_reading();
    if (!why.may_answer) return;
    const std::string_view sentence = row_of(why.violation).sentence;
    const int status = proxy::row_of(proxy::outcome_of_request(why.violation)).status;
    send_once({status, kText, std::string(sentence) + ".\n", {}});
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
    std::array<http::Field, 6> room;
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
  AdminService& service_;
  std::string method_;
  std::string target_;
  std::string accept_;
  std::string key_;
  Coding coding_ = Coding::identity;
  std::shared_ptr<AdminResponder*> waiting_;  // gone when nobody waits any more
  Renderings::Shared rendering_;              // while it is being read
  net::Deadline deadline_{this, net::DeadlineThunk<&AdminResponder::on_deadline>::call};
};

AdminService::AdminService(net::Loop& loop, std::function<View()> look, Settle settle,
                           std::vector<std::string> hosts)
    : loop_(loop), look_(std::move(look)), settle_(std::move(settle)), hosts_(std::move(hosts)) {}

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

std::unique_ptr<http::Responder> AdminService::open(http::ServerStream& stream, const http::Client&,
                                                    const http::HeadTimes&) {
  return std::make_unique<AdminResponder>(stream, *this);
}

// Whoever waited for the counters at the same time has the same document.
Renderings::Shared AdminService::render(std::string key, const Request& request, Coding coding) {
  if (auto made = renderings_.latest(key, loop_.now_ns())) return made;
  while (renderings_.held_bytes() > kMostHeldBytes && !readers_.empty()) readers_.front()->cut();
  View view = look_();
  view.documents = {renderings_.made(), renderings_.held_bytes()};
  return renderings_.make(std::move(key), loop_.now_ns(), answer(request, view), coding);
}

}  // namespace onehop::admin
