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

}  // namespace

void send_local_reply(http::ServerStream& stream, Outcome outcome, std::string_view detail,
                      Arena& arena) {
  const OutcomeRow& row = row_of(outcome);
  const std::string_view reason = http::reason_of(row.status);
  const std::string_view sentence = detail.empty() ? row.sentence : detail;
  const std::string_view text =
      row.error.empty()
          ? std::string_view()
          : format_into(arena, "{} {}\n{} ({}).\n", row.status, reason, sentence, row.name);
  http::ResponseHead head;
  std::array<http::Field, 6> room;
  head.status = row.status;
  head.reason = reason;
  head.body = http::BodyLength::of(text.size());
  head.abandons_request = true;
  // A client that broke the rules has lost its place in the stream of requests (RFC 9112 2.2); a
  // wrong path is no such fault.
  head.last_of_connection = row.side == Side::downstream && row.status != 404;
  head.fields = http::Fields(room);
  head.fields.add("Date", http::date_text(std::time(nullptr)));
  head.fields.add("Server", "onehop");
  if (!row.error.empty()) {
    head.fields.add("Content-Type", "text/plain; charset=utf-8");
    head.fields.add("Proxy-Status",
                    format_into(arena, "onehop; error={}; details=\"{}\"", row.error, row.name));
  } else {
    head.fields.add("Allow", "GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH");
  }
  if (row.status == 503) head.fields.add("Retry-After", "1");
  stream.send_head(head, http::Ends::no);
  Buffer body;
  body.append(text);
  stream.send_body(std::move(body), http::Ends::yes);
}

}  // namespace onehop::proxy
