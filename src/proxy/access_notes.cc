// SPDX-License-Identifier: MIT
#include "access_notes.h"

#include <new>

#include "trace_parent.h"

namespace onehop::proxy {

using telemetry::Phase;

namespace {

// What it came with, as lines of a log have it.
std::string_view written_protocol(std::string_view protocol) {
  return protocol == "2.0" ? "HTTP/2.0" : protocol == "1.0" ? "HTTP/1.0" : "HTTP/1.1";
}

}  // namespace

AccessNotes* AccessNotes::make(const AccessTerms* terms, const Proxy::Parts& proxy, Arena& arena) {
  if (terms == nullptr || proxy.access == nullptr) return nullptr;
  void* const memory = arena.allocate(sizeof(AccessNotes), alignof(AccessNotes));
  return new (memory) AccessNotes({*terms, *proxy.access, proxy.loop, arena});
}

// A byte more than a record takes says that there was more.
std::string_view AccessNotes::copy(RecordText which, std::string_view text) {
  return parts_.arena.copy(text.substr(0, kMostOfText[static_cast<size_t>(which)] + 1u));
}

void AccessNotes::asked(const http::RequestHead& head) {
  const size_t mark = head.target.find('?');
  method_ = copy(RecordText::method, head.method_text);
  host_ = copy(RecordText::host, head.authority);
  path_ = copy(RecordText::path, head.target.substr(0, mark));
  if (mark != std::string_view::npos && parts_.terms.with_query())
    query_ = copy(RecordText::query, head.target.substr(mark + 1));
  protocol_ = written_protocol(head.protocol);
  trace_id_ = copy(RecordText::trace_id, trace_id_of(head.fields));
  if (const http::Field* agent = head.fields.find("user-agent"))
    user_agent_ = copy(RecordText::user_agent, agent->value);
  const http::Field* const referer = head.fields.find("referer");
  if (referer == nullptr) return;
  const size_t end = parts_.terms.with_query() ? std::string_view::npos : referer->value.find('?');
  referer_ = copy(RecordText::referer, referer->value.substr(0, end));
}

void AccessNotes::attempt_begins(std::string_view endpoint) {
  connected_ = reused_ = false;
  if (attempts_ == ExchangeRecord::kMostAttempts) return;
  auto* const tried = parts_.arena.array<Tried>(1).data();
  *tried = {{parts_.arena.copy(endpoint), Outcome::ok, 0}, last_};
  last_ = tried;
  ++attempts_;
  running_ = true;
  attempt_began_ns_ = parts_.loop.now_ns();
}

void AccessNotes::lent(bool reused, uint64_t age_ms) {
  connected_ = true;
  reused_ = reused;
  age_ms_ = age_ms;
}

void AccessNotes::attempt_ends(Outcome outcome) {
  if (!running_) return;
  running_ = false;
  last_->record.outcome = outcome;
  last_->record.took_ns = parts_.loop.now_ns() - attempt_began_ns_;
}

void AccessNotes::pass(const telemetry::PhaseClock& clock) {
  for (size_t i = 0; i < telemetry::kPhaseCount; ++i)
    passed_ns_[i] += clock.spent(static_cast<Phase>(i));
  passed_overhead_ns_ += clock.proxy_overhead();
}

void AccessNotes::add_attempts(ExchangeRecord& record) const {
  record.numbers.attempts = attempts_;
  size_t at = attempts_;
  for (const Tried* tried = last_; tried != nullptr; tried = tried->before)
    record.attempts[--at] = tried->record;
}

void AccessNotes::end(const End& end) {
  const uint64_t total = end.clock.since_began();
  if (!parts_.terms.takes(end.status, total, parts_.sink.draw())) return;
  pass(end.clock);
  ExchangeRecord record;
  record.numbers = {.snapshot = end.snapshot,
                    .began_ns = end.clock.began_at(),
                    .total_ns = total,
                    .overhead_ns = passed_overhead_ns_,
                    .phases_ns = passed_ns_,
                    .request_bytes = end.request_bytes,
                    .response_bytes = method_ == "HEAD" ? 0 : end.response_bytes,
                    .connection_age_ms = age_ms_,
                    .status = static_cast<uint16_t>(end.status),
                    .outcome = end.outcome,
                    .connected = connected_,
                    .reused = reused_,
                    .secure = end.client.secure,
                    .tls_resumed = end.client.tls_resumed};
  const std::string_view peer = end.client.ip_text();
  const std::string_view client = client_.empty() ? peer : client_;
  record.text(RecordText::client) = client;
  if (client != peer) record.text(RecordText::peer) = peer;
  record.text(RecordText::method) = method_;
  record.text(RecordText::host) = host_;
  record.text(RecordText::path) = path_;
  record.text(RecordText::query) = query_;
  record.text(RecordText::protocol) = protocol_;
  record.text(RecordText::route) = end.route;
  record.text(RecordText::upstream) = end.upstream;
  record.text(RecordText::request_id) = end.request_id;
  record.text(RecordText::rate_limit) = end.rate_limit;
  record.text(RecordText::tls_version) = end.client.tls_version;
  record.text(RecordText::trace_id) = trace_id_;
  record.text(RecordText::referer) = referer_;
  record.text(RecordText::user_agent) = user_agent_;
  add_attempts(record);
  record.keep_limits();
  parts_.sink.put(record);
}

}  // namespace onehop::proxy
