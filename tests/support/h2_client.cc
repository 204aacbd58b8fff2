// SPDX-License-Identifier: MIT
#include "tests/support/h2_client.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>

namespace onehop::test {
namespace {

constexpr size_t kFrameHead = 9;
constexpr size_t kMostPayload = 16384;
constexpr char kOurPing[] = "answers?";  // not one that a test sends
constexpr char kPreface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

uint32_t number(std::string_view bytes) {
  uint32_t value = 0;
  for (const char c : bytes.substr(0, 4)) value = value << 8 | static_cast<uint8_t>(c);
  return value;
}

std::string two_bytes(uint16_t value) {
  return {static_cast<char>(value >> 8), static_cast<char>(value)};
}

// RFC 7541 5.1 with a prefix of seven bits and no Huffman code.
std::string hpack_text(std::string_view text) {
  std::string out;
  if (text.size() < 127) {
    out = {static_cast<char>(text.size())};
  } else {
    out = {127};
    size_t rest = text.size() - 127;
    for (; rest >= 128; rest /= 128) out += static_cast<char>(rest % 128 + 128);
    out += static_cast<char>(rest);
  }
  return out.append(text);
}

// Each a literal of the given kind (RFC 7541 6.2) with a new name.
std::string literals(const H2Fields& fields, char kind) {
  std::string out;
  for (const auto& [name, value] : fields) {
    out += kind;
    out += hpack_text(name) + hpack_text(value);
  }
  return out;
}

}  // namespace

std::string H2Frame::wire() const {
  const auto size = static_cast<uint32_t>(payload.size());
  std::string out = h2_number(size << 8 | static_cast<uint32_t>(type));
  out += static_cast<char>(flags);
  out += h2_number(static_cast<uint32_t>(stream));
  return out + payload;
}

std::string h2_number(uint32_t value) {
  return two_bytes(static_cast<uint16_t>(value >> 16)) + two_bytes(static_cast<uint16_t>(value));
}

std::string h2_block(const H2Fields& fields) {
  return literals(fields, '\0');
}

std::string h2_secret_block(const H2Fields& fields) {
  return literals(fields, '\x10');
}

H2Frame h2_headers(int32_t id, const H2Fields& fields, uint8_t flags) {
  return {H2Type::headers, flags, id, h2_block(fields)};
}

H2Frame h2_settings(const H2Settings& settings) {
  H2Frame frame{H2Type::settings, 0, 0, ""};
  for (const auto& [id, value] : settings) frame.payload += two_bytes(id) + h2_number(value);
  return frame;
}

H2Frame h2_reset(int32_t id, uint32_t error) {
  return {H2Type::rst_stream, 0, id, h2_number(error)};
}

H2Frame h2_window_update(int32_t id, uint32_t increment) {
  return {H2Type::window_update, 0, id, h2_number(increment)};
}

H2Frame h2_goaway(int32_t last_id, uint32_t error) {
  return {H2Type::goaway, 0, 0, h2_number(static_cast<uint32_t>(last_id)) + h2_number(error)};
}

H2Fields h2_request(const std::string& method, const std::string& path, const H2Fields& more) {
  H2Fields fields = {
      {":method", method}, {":scheme", "http"}, {":authority", "a"}, {":path", path}};
  fields.insert(fields.end(), more.begin(), more.end());
  return fields;
}

int H2Exchange::status() const {
  if (heads.empty()) return 0;
  return std::stoi(heads.back().get(":status").value_or("0"));
}

struct H2Peer::Inflater {
  Inflater() { nghttp2_hd_inflate_new(&inflater); }
  ~Inflater() { nghttp2_hd_inflate_del(inflater); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  FieldList fields(const std::string& block, std::set<std::string>& never_indexed) {
    FieldList out;
    const auto* at = reinterpret_cast<const uint8_t*>(block.data());
    const uint8_t* const end = at + block.size();
    while (true) {
      nghttp2_nv field{};
      int flags = 0;
      const ssize_t used =
          nghttp2_hd_inflate_hd2(inflater, &field, &flags, at, static_cast<size_t>(end - at), 1);
      if (used < 0) throw PeerError("a header block that cannot be inflated");
      at += used;
      if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0) {
        const std::string name(reinterpret_cast<char*>(field.name), field.namelen);
        if ((field.flags & NGHTTP2_NV_FLAG_NO_INDEX) != 0) never_indexed.insert(name);
        out.add(name, std::string(reinterpret_cast<char*>(field.value), field.valuelen));
      }
      if ((flags & NGHTTP2_HD_INFLATE_FINAL) != 0) break;
    }
    nghttp2_hd_inflate_end_headers(inflater);
    return out;
  }

  nghttp2_hd_inflater* inflater = nullptr;
};

H2Peer::H2Peer(Peer& peer, Role role, const H2Settings& settings)
    : peer_(&peer), inflater_(std::make_unique<Inflater>()) {
  if (role == Role::client) {
    peer_->send(kPreface + h2_settings(settings).wire());
  } else {
    if (peer_->read_exact(sizeof kPreface - 1) != kPreface) throw PeerError("no HTTP/2 preface");
    send(h2_settings(settings));
  }
}

H2Peer::H2Peer(Peer&& peer, const H2Settings& settings)
    : own_(std::make_unique<Peer>(std::move(peer))),
      peer_(own_.get()),
      inflater_(std::make_unique<Inflater>()) {
  peer_->send(kPreface + h2_settings(settings).wire());
}

H2Peer::H2Peer(H2Peer&&) noexcept = default;
H2Peer::~H2Peer() = default;

H2Peer H2Peer::connect(const std::string& address, const H2Settings& settings) {
  return H2Peer(Peer::connect(address), settings);
}

int32_t H2Peer::request(const H2Fields& fields, H2Ends ends) {
  const int32_t id = std::exchange(next_id_, next_id_ + 2);
  const uint8_t flags = ends == H2Ends::yes ? kEndHeaders | kEndStream : kEndHeaders;
  exchanges_[id].window = initial_window_;
  send(h2_headers(id, fields, flags));
  return id;
}

bool H2Peer::data(int32_t id, std::string_view bytes, H2Ends ends) {
  H2Exchange& exchange = exchanges_[id];
  do {
    const bool fits = await([&] {
      return exchange.reset.has_value() || bytes.empty() || (window_ > 0 && exchange.window > 0);
    });
    if (!fits || exchange.reset.has_value()) return false;
    const size_t size = std::min({bytes.size(), kMostPayload, static_cast<size_t>(room(id))});
    const bool last = size == bytes.size() && ends == H2Ends::yes;
    const H2Frame frame{H2Type::data, last ? kEndStream : uint8_t{0}, id,
                        std::string(bytes.substr(0, size))};
    if (!try_send(frame.wire())) return false;
    window_ -= static_cast<int64_t>(size);
    exchange.window -= static_cast<int64_t>(size);
    bytes.remove_prefix(size);
  } while (!bytes.empty());
  return true;
}

int64_t H2Peer::room(int32_t id) {
  return std::max<int64_t>(0, std::min(window_, exchanges_[id].window));
}

std::optional<H2Frame> H2Peer::read_frame() {
  const auto need = [&](size_t size) {
    while (input_.size() < size && !ended_) {
      try {
        const std::string some = peer_->read_some();
        ended_ = some.empty();
        input_ += some;
      } catch (const PeerError& error) {
        if (std::string_view(error.what()).find("was reset") == std::string_view::npos) throw;
        ended_ = true;
      }
    }
    return input_.size() >= size;
  };
  if (!need(kFrameHead)) return std::nullopt;
  const size_t size = number(input_) >> 8;
  if (!need(kFrameHead + size)) return std::nullopt;
  H2Frame frame{static_cast<H2Type>(input_[3]), static_cast<uint8_t>(input_[4]),
                static_cast<int32_t>(number(std::string_view(input_).substr(5)) & 0x7fffffff),
                input_.substr(kFrameHead, size)};
  input_.erase(0, kFrameHead + size);
  return frame;
}

bool H2Peer::step() {
  const std::optional<H2Frame> frame = read_frame();
  if (!frame.has_value()) return false;
  take(*frame);
  return true;
}

void H2Peer::take(const H2Frame& frame) {
  switch (frame.type) {
    case H2Type::data:
      return take_data(frame);
    case H2Type::headers:
      block_ = frame.payload;
      block_flags_ = frame.flags;
      if ((frame.flags & kEndHeaders) != 0) take_head(frame);
      return;
    case H2Type::continuation:
      block_ += frame.payload;
      if ((frame.flags & kEndHeaders) != 0) take_head(frame);
      return;
    case H2Type::rst_stream:
      exchanges_[frame.stream].reset = number(frame.payload);
      return;
    case H2Type::goaway:
      goaway_ids_.push_back(static_cast<int32_t>(number(frame.payload)));
      goaway_ = number(std::string_view(frame.payload).substr(4));
      return;
    case H2Type::window_update:
      (frame.stream == 0 ? window_ : exchanges_[frame.stream].window) += number(frame.payload);
      return;
    case H2Type::settings:
    case H2Type::ping:
      return acknowledge(frame);
    case H2Type::priority:
    case H2Type::push_promise:
      control_.push_back(frame);
  }
}

void H2Peer::take_head(const H2Frame& frame) {
  H2Exchange& exchange = exchanges_[frame.stream];
  FieldList fields = inflater_->fields(block_, exchange.never_indexed);
  if (fields.has(":status") || fields.has(":method")) {
    exchange.heads.push_back(std::move(fields));
    if (exchange.heads.size() == 1) {
      accepted_.push_back(frame.stream);
      if (frame.stream >= next_id_) exchange.window = initial_window_;
    }
  } else {
    exchange.trailers = std::move(fields);
  }
  if ((block_flags_ & kEndStream) != 0) exchange.ended = true;
}

void H2Peer::take_data(const H2Frame& frame) {
  H2Exchange& exchange = exchanges_[frame.stream];
  exchange.body += frame.payload;
  exchange.ended = (frame.flags & kEndStream) != 0;
  const auto size = static_cast<uint32_t>(frame.payload.size());
  if (size == 0 || windows_ == Windows::kept) return;
  try_send(h2_window_update(0, size).wire());
  if (!exchange.ended) try_send(h2_window_update(frame.stream, size).wire());
}

void H2Peer::acknowledge(const H2Frame& frame) {
  control_.push_back(frame);
  if ((frame.flags & kAck) != 0) {
    if (frame.type == H2Type::ping && frame.payload == kOurPing) ++pings_;
    return;
  }
  if (frame.type == H2Type::settings) take_settings(frame);
  const bool ping = frame.type == H2Type::ping;
  try_send(H2Frame{frame.type, kAck, 0, ping ? frame.payload : ""}.wire());
}

void H2Peer::take_settings(const H2Frame& frame) {
  for (size_t at = 0; at + 6 <= frame.payload.size(); at += 6) {
    const uint32_t id = number(std::string_view(frame.payload).substr(at)) >> 16;
    if (id != kInitialWindowSize) continue;
    const int64_t now = number(std::string_view(frame.payload).substr(at + 2));
    for (auto& [stream, exchange] : exchanges_) exchange.window += now - initial_window_;
    initial_window_ = now;
  }
}

const H2Exchange& H2Peer::finish(int32_t id) {
  H2Exchange& exchange = exchanges_[id];
  await([&] { return exchange.over(); });
  return exchange;
}

Response H2Peer::response(int32_t id) {
  const H2Exchange& exchange = finish(id);
  Response response;
  response.status = exchange.status();
  if (!exchange.heads.empty()) response.fields = exchange.heads.back();
  response.version = "HTTP/2";
  response.body = exchange.body;
  response.trailers = exchange.trailers;
  response.complete = exchange.ended;
  return response;
}

bool H2Peer::answers(int pings) {
  const int wanted = pings_ + pings;
  for (int i = 0; i < pings; ++i) {
    if (!try_send(H2Frame{H2Type::ping, 0, 0, kOurPing}.wire())) return false;
  }
  return await([&] { return pings_ >= wanted; });
}

int32_t H2Peer::accept() {
  await([&] { return !accepted_.empty(); });
  if (accepted_.empty()) return 0;
  const int32_t id = accepted_.front();
  accepted_.erase(accepted_.begin());
  return id;
}

}  // namespace onehop::test
