// SPDX-License-Identifier: MIT
#include "local_reply.h"

#include <fmt/format.h>

#include <array>
#include <ctime>
#include <iterator>

#include "onehop/http/date.h"
#include "onehop/http/reason.h"

namespace onehop::proxy {
namespace {

// Writes formatted text into the arena; `capacity` is enough for what the tables hold.
template <class... Args>
std::string_view format_into(Arena& arena, fmt::format_string<Args...> format, Args&&... args) {
  constexpr size_t kCapacity = 512;
  char* room = static_cast<char*>(arena.allocate(kCapacity, 1));
  const auto result = fmt::format_to_n(room, kCapacity, format, std::forward<Args>(args)...);
  return {room, std::min(result.size, kCapacity)};
}

// What a gRPC client makes of an HTTP status, but 504 as its deadline would, and 429 as a quota
// that is used up: what is unavailable is asked for again at once.
int grpc_status_of(int status) {
  constexpr int kUnknown = 2, kDeadlineExceeded = 4, kResourceExhausted = 8, kUnimplemented = 12,
                kInternal = 13, kUnavailable = 14;
  if (status == 400 || status == 431) return kInternal;
  if (status == 429) return kResourceExhausted;
  if (status == 404 || status == 501) return kUnimplemented;
  if (status == 408 || status == 504) return kDeadlineExceeded;
  if (status == 502 || status == 503) return kUnavailable;
  return kUnknown;
}

// What a person sees, and can send to whoever looks after the server.
std::string_view page(const LocalReply& reply, Arena& arena) {
  const OutcomeRow& row = row_of(reply.outcome);
  const std::string_view sentence = reply.detail.empty() ? row.sentence : reply.detail;
  const bool named = !reply.request_id.empty();
  return format_into(arena, "{} {}\n{} ({}).\n{}{}{}", row.status, http::reason_of(row.status),
                     sentence, row.name, named ? "Request id: " : "", reply.request_id,
                     named ? "\n" : "");
}

void add_common(http::ResponseHead& head, const LocalReply& reply, Arena& arena) {
  const OutcomeRow& row = row_of(reply.outcome);
  head.fields.add("Date", http::date_text(std::time(nullptr)));
  head.fields.add("Server", "onehop");
  if (!reply.hsts.empty()) head.fields.add("Strict-Transport-Security", reply.hsts);
  if (!reply.request_id.empty()) head.fields.add("X-Request-Id", reply.request_id);
  if (!row.error.empty())
    head.fields.add("Proxy-Status",
                    format_into(arena, "onehop; error={}; details=\"{}\"", row.error, row.name));
  if (reply.rated == nullptr) return;
  if (reply.rated->refused)
    head.fields.add("Retry-After", format_into(arena, "{}", reply.rated->retry_after_s));
  if (reply.rated->policies.empty()) return;
  head.fields.add("RateLimit-Policy", reply.rated->policies);
  head.fields.add("RateLimit", reply.rated->remaining);
}

// As grpc-message is written: printable ASCII but for `%`, the rest as its bytes.
std::string_view percent_encoded(Arena& arena, std::string_view text) {
  char* const room = static_cast<char*>(arena.allocate(3 * text.size(), 1));
  char* end = room;
  for (const char c : text) {
    const bool plain = c >= ' ' && c <= '~' && c != '%';
    end =
        plain ? (*end = c, end + 1) : fmt::format_to(end, "%{:02X}", static_cast<unsigned char>(c));
  }
  return {room, static_cast<size_t>(end - room)};
}

// Trailers alone: the status of the call stands where the response's fields do.
size_t send_grpc(const LocalReply& reply, http::ResponseHead& head, Arena& arena) {
  const OutcomeRow& row = row_of(reply.outcome);
  head.status = 200;
  head.reason = http::reason_of(200);
  head.fields.add("Content-Type", "application/grpc");
  head.fields.add("grpc-status", format_into(arena, "{}", grpc_status_of(row.status)));
  head.fields.add("grpc-message",
                  percent_encoded(arena, reply.detail.empty() ? row.sentence : reply.detail));
  head.body = http::BodyLength::of(0);
  add_common(head, reply, arena);
  reply.stream.send_head(head, http::Ends::yes);
  return 0;
}

}  // namespace

size_t send_local_reply(const LocalReply& reply, Arena& arena) {
  const OutcomeRow& row = row_of(reply.outcome);
  http::ResponseHead head;
  std::array<http::Field, 12> room;
  head.fields = http::Fields(room);
  head.abandons_request = true;
  // A client that broke the rules has lost its place in the stream of requests (RFC 9112 2.2); a
  // wrong path is no such fault, nor is impatience, which a new connection would only add to.
  const bool good = row.status == 404 || row.status == 429;
  head.last_of_connection = row.side == Side::downstream && !good;
  if (reply.grpc && !row.error.empty()) return send_grpc(reply, head, arena);
  head.status = row.status;
  head.reason = http::reason_of(row.status);
  const std::string_view text = row.error.empty() ? std::string_view() : page(reply, arena);
  head.body = http::BodyLength::of(text.size());
  add_common(head, reply, arena);
  if (!row.error.empty()) head.fields.add("Content-Type", "text/plain; charset=utf-8");
  if (reply.outcome == Outcome::redirected) head.fields.add("Location", reply.detail);
  if (reply.outcome == Outcome::answered_here)
    head.fields.add("Allow", "GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH");
  if (row.status == 503) head.fields.add("Retry-After", "1");
  reply.stream.send_head(head, http::Ends::no);
  Buffer body;
  body.append(text);
  reply.stream.send_body(std::move(body), http::Ends::yes);
  return text.size();
}

}  // namespace onehop::proxy
