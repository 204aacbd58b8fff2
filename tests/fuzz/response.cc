// SPDX-License-Identifier: MIT
// Fuzz target: an endpoint's bytes, from the network to the head that is sent to the client.
//
//   bytes 0 to 3: where the rest is cut in pieces     byte 4: what was asked
//   the rest: what the endpoint sends
//
// What is read does not depend on how the network cut it, and a response that was believed is
// written such that it reads as the same response again.
#include "tests/fuzz/message_reader.h"

namespace onehop::fuzz {
namespace {

namespace h1 = http::h1;

// What was asked; byte 4 chooses one.
struct Question {
  http::Method method;
  std::string_view upgrade;
};
constexpr Question kQuestions[] = {
    {http::Method::get, ""}, {http::Method::head, ""}, {http::Method::get, "websocket"}};
Question asked = kQuestions[0];

struct Response {
  using Parsed = h1::ParsedResponse;
  static constexpr size_t kLineLimit = 0;
  static Result<Parsed, http::Violation> parse(std::span<char> head) {
    return h1::parse_response(head, kFieldLimit, asked.method, asked.upgrade);
  }
  static Body body_of(const Parsed& parsed) {
    if (!parsed.has_body) return Body::none;
    if (parsed.head.body.kind == http::BodyLength::Kind::known) return Body::length;
    const bool chunked = parsed.head.fields.find(http::FieldId::transfer_encoding) != nullptr;
    return chunked ? Body::chunked : Body::until_close;
  }
  static std::string text_of(const Parsed& parsed) {
    const http::ResponseHead& head = parsed.head;
    return joined({std::to_string(head.status), head.reason, head.upgrade,
                   std::to_string(head.version_minor), std::to_string(parsed.persistent),
                   std::to_string(parsed.keep_alive_seconds), length_text(head.body)}) +
           fields_text(head.fields);
  }
};

void check_round_trip(std::string head_bytes) {
  const auto parsed = Response::parse(head_bytes);
  ONEHOP_ASSERT(parsed.has_value());
  std::vector<http::Field> room(kFieldLimit + proxy::kAddedFields);
  const http::ResponseHead sent =
      proxy::forwarded_response(parsed->head, {true, config::Via::both, "0123456789abcdef"}, room);
  Buffer output;
  h1::write_response_head(output, sent, sent.body, framing_of(sent.body),
                          h1::ConnectionOption::none);
  std::string written = output.to_string();
  const auto again = h1::parse_response(written, h1::kMaxFields, asked.method, asked.upgrade);
  ONEHOP_ASSERT(again.has_value());
  const http::ResponseHead& head = again->head;
  ONEHOP_ASSERT(head.status == sent.status && head.reason == sent.reason);
  ONEHOP_ASSERT(head.body.kind == sent.body.kind && head.body.bytes == sent.body.bytes);
  ONEHOP_ASSERT(head.upgrade == sent.upgrade && again->has_body == parsed->has_body);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  if (size <= kCuts) return 0;
  asked = kQuestions[bytes[kCuts] % std::size(kQuestions)];
  const std::string_view text(reinterpret_cast<const char*>(bytes) + kCuts + 1, size - kCuts - 1);
  const Verdict whole = read_message<Response>({text});
  ONEHOP_ASSERT(whole.same_as(read_message<Response>(cut(text, {bytes, kCuts}))));
  ONEHOP_ASSERT(whole.same_as(read_message<Response>(single_bytes(text))));
  if (!whole.head_bytes.empty()) check_round_trip(whole.head_bytes);
  return 0;
}

}  // namespace onehop::fuzz
