// SPDX-License-Identifier: MIT
#include "writer.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace onehop::http::h1 {
namespace {

// Fills memory that was measured first: no checks, no growth.
class Pen {
 public:
  explicit Pen(char* at) : start_(at), at_(at) {}
  Pen& operator<<(std::string_view text) {
    at_ = std::copy(text.begin(), text.end(), at_);
    return *this;
  }
  Pen& operator<<(uint64_t number) {
    at_ = std::to_chars(at_, at_ + 20, number).ptr;
    return *this;
  }
  size_t written() const { return static_cast<size_t>(at_ - start_); }

 private:
  char* start_;
  char* at_;
};

constexpr size_t kFixedBytes = 160;  // versions, status, framing and connection lines, separators

size_t measure(const Fields& fields) {
  size_t size = kFixedBytes;
  for (const Field& field : fields) size += field.name.size() + field.value.size() + 4;
  return size;
}

void write_fields(Pen& pen, const Fields& fields) {
  for (const Field& field : fields) pen << field.name << ": " << field.value << "\r\n";
}

void write_framing(Pen& pen, Framing framing, const BodyLength& body) {
  if (framing == Framing::chunked) pen << "Transfer-Encoding: chunked\r\n";
  if (framing != Framing::chunked && body.kind == BodyLength::Kind::known)
    pen << "Content-Length: " << body.bytes << "\r\n";
}

}  // namespace

void write_request_head(Buffer& output, const RequestHead& head, Framing framing,
                        std::string_view websocket_key) {
  const size_t size = measure(head.fields) + head.method_text.size() + head.target.size() +
                      head.authority.size() + head.upgrade.size() + websocket_key.size();
  Pen pen(output.reserve(size));
  pen << head.method_text << " " << head.target << " HTTP/1.1\r\nHost: " << head.authority
      << "\r\n";
  write_fields(pen, head.fields);
  write_framing(pen, framing, head.body);
  if (head.body.kind == BodyLength::Kind::none && means_content(head.method))
    pen << "Content-Length: 0\r\n";
  if (!head.upgrade.empty()) {
    pen << "Connection: Upgrade\r\nUpgrade: " << head.upgrade << "\r\n";
    if (!websocket_key.empty()) pen << "Sec-WebSocket-Key: " << websocket_key << "\r\n";
  } else if (head.trailers_accepted) {
    pen << "TE: trailers\r\nConnection: TE\r\n";
  }
  pen << "\r\n";
  output.commit(pen.written());
}

void write_response_head(Buffer& output, const ResponseHead& head, const BodyLength& length,
                         Framing framing, ConnectionOption option) {
  const size_t size = measure(head.fields) + head.reason.size() + head.upgrade.size();
  Pen pen(output.reserve(size));
  pen << "HTTP/1.1 " << static_cast<uint64_t>(head.status) << " " << head.reason << "\r\n";
  write_fields(pen, head.fields);
  write_framing(pen, framing, length);
  if (!head.upgrade.empty()) {
    pen << "Connection: Upgrade\r\nUpgrade: " << head.upgrade << "\r\n";
  } else if (option == ConnectionOption::close) {
    pen << "Connection: close\r\n";
  } else if (option == ConnectionOption::keep_alive) {
    pen << "Connection: keep-alive\r\n";
  }
  pen << "\r\n";
  output.commit(pen.written());
}

void write_body(Buffer& output, Buffer&& bytes, Framing framing, bool last) {
  if (framing != Framing::chunked) {
    output.append(std::move(bytes));
    return;
  }
  // An empty chunk would end the body, so an empty piece writes none; the end is written once.
  if (!bytes.empty()) {
    char size[20];
    char* end = std::to_chars(size, size + 16, bytes.size(), 16).ptr;
    *end++ = '\r';
    *end++ = '\n';
    output.append(std::string_view(size, static_cast<size_t>(end - size)));
    output.append(std::move(bytes));
    output.append(last ? std::string_view("\r\n0\r\n\r\n") : std::string_view("\r\n"));
  } else if (last) {
    output.append(std::string_view("0\r\n\r\n"));
  }
}

void write_trailers(Buffer& output, const Fields& trailers) {
  Pen pen(output.reserve(measure(trailers)));
  pen << "0\r\n";
  write_fields(pen, trailers);
  pen << "\r\n";
  output.commit(pen.written());
}

}  // namespace onehop::http::h1
