// SPDX-License-Identifier: MIT
// A client of the proxy that asks and listens the same way whatever it speaks: HTTP/1.1 or HTTP/2,
// with or without TLS. One request at a time.
//
//   auto client = connect_any({Speaks::h2, Tls::on}, proxy.address(), authority);
//   client->ask({.method = "POST", .length = Length::unknown});
//   client->send("hello");
//   client->finish({{"x-sum", "1"}});
//   const Response response = client->response();
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "tests/support/h2_client.h"
#include "tests/support/message.h"

namespace onehop::test {

enum class Speaks { h1, h2 };
enum class Tls { off, on };

struct Leg {
  Speaks speaks = Speaks::h1;
  Tls tls = Tls::off;

  std::string name() const;  // "h2 over tls"
};

// How a request's body is announced.
enum class Length { none, known, unknown };

struct Ask {
  std::string method = "GET";
  std::string path = "/";
  H2Fields fields = {};
  Length length = Length::none;
  size_t bytes = 0;                  // when it is known
  std::string version = "HTTP/1.1";  // of a request that does not go over HTTP/2
};

class AnyClient {
 public:
  virtual ~AnyClient() = default;

  virtual void ask(const Ask& ask) = 0;
  // False when it is no use any more: the request was reset, or the connection has ended.
  virtual bool send(std::string_view body) = 0;
  virtual void finish(const H2Fields& trailers = {}) = 0;

  // The next head, an interim one too.
  virtual Response head() = 0;
  // The rest of the message that began with `head`; `complete` says whether all of it came.
  virtual Response rest(Response head) = 0;
  // The final response, whole.
  Response response();
  // Bytes of the body that are there; waits for the first.
  virtual std::string some_body() = 0;

  // The request is not wanted any more: RST_STREAM, or the end of the connection.
  virtual void leave() = 0;
};

std::unique_ptr<AnyClient> connect_any(Leg leg, const std::string& address,
                                       const std::string& authority);

}  // namespace onehop::test
