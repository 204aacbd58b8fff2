// SPDX-License-Identifier: MIT
// Fuzz target: a client's bytes, from the network to the head that is sent upstream.
//
//   bytes 0 to 3: where the rest is cut in pieces     the rest: what the client sends
//
// Two promises are checked. What is read does not depend on how the network cut it: whole, in the
// pieces above, and byte by byte. And a request that was believed is written such that it reads as
// the same request again: nothing that passes can mean another thing one hop further.
#include "tests/fuzz/message_reader.h"

namespace onehop::fuzz {
namespace {

namespace h1 = http::h1;

struct Request {
  using Parsed = h1::ParsedRequest;
  static constexpr size_t kLineLimit = 0;  // the request line's own limit has a unit test
  static Result<Parsed, http::Violation> parse(std::span<char> head) {
    return h1::parse_request(head, kFieldLimit);
  }
  static Body body_of(const Parsed& parsed) {
    if (parsed.head.body.kind == http::BodyLength::Kind::none) return Body::none;
    return parsed.head.body.kind == http::BodyLength::Kind::known ? Body::length : Body::chunked;
  }
  static std::string text_of(const Parsed& parsed) {
    const http::RequestHead& head = parsed.head;
    return joined({head.method_text, head.target, head.authority, head.upgrade,
                   std::to_string(head.version_minor), std::to_string(parsed.persistent),
                   std::to_string(head.trailers_accepted), length_text(head.body)}) +
           fields_text(head.fields);
  }
};

void check_round_trip(std::string head_bytes) {
  const auto parsed = h1::parse_request(head_bytes, kFieldLimit);
  ONEHOP_ASSERT(parsed.has_value());
  http::Client client;
  client.address = *Address::numeric("192.0.2.7", 1);
  client.ip_length = static_cast<uint8_t>(client.address.write_ip(client.ip));
  Arena arena;
  const Peers nobody;
  const auto who = proxy::identify(parsed->head, client, {false, nobody}, arena);
  ONEHOP_ASSERT(who.has_value());
  const http::RequestHead sent = proxy::forwarded_request(
      parsed->head,
      {client, false, nullptr, *who, "0123456789abcdef0123456789abcdef", {}, config::Via::requests},
      arena);
  if (sent.authority.empty()) return;  // HTTP/1.0 without Host: "Host:" goes on, and is refused
  Buffer output;
  h1::write_request_head(output, sent, framing_of(sent.body));
  std::string written = output.to_string();
  const auto again = h1::parse_request(written, h1::kMaxFields);
  ONEHOP_ASSERT(again.has_value());
  const http::RequestHead& head = again->head;
  ONEHOP_ASSERT(head.method == sent.method && head.method_text == sent.method_text);
  ONEHOP_ASSERT(head.target == sent.target && head.authority == sent.authority);
  ONEHOP_ASSERT(head.body.kind == sent.body.kind && head.body.bytes == sent.body.bytes);
  ONEHOP_ASSERT(head.upgrade == sent.upgrade && again->persistent);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  if (size < kCuts) return 0;
  const std::string_view text(reinterpret_cast<const char*>(bytes) + kCuts, size - kCuts);
  const Verdict whole = read_message<Request>({text});
  ONEHOP_ASSERT(whole.same_as(read_message<Request>(cut(text, {bytes, kCuts}))));
  ONEHOP_ASSERT(whole.same_as(read_message<Request>(single_bytes(text))));
  if (!whole.head_bytes.empty()) check_round_trip(whole.head_bytes);
  return 0;
}

}  // namespace onehop::fuzz
