// SPDX-License-Identifier: MIT
#include "tests/support/expect.h"

namespace onehop::test {

std::string error_token(const Response& response) {
  const std::string value = response.field("Proxy-Status");
  const std::string mark = "onehop; error=";
  if (!value.starts_with(mark)) return "";
  const size_t end = value.find_first_of("; ,", mark.size());
  return value.substr(mark.size(), end == std::string::npos ? end : end - mark.size());
}

std::string fault_of_local_reply(const Response& response) {
  if (!response.field("Content-Type").starts_with("text/plain")) {
    return "Content-Type is not text/plain: " + response.head;
  }
  if (response.fields.count("Content-Length") != 1) return "no Content-Length: " + response.head;
  if (response.body.empty() || response.body.size() > 500) {
    return "the body is not a short text: " + response.head + response.body;
  }
  if (error_token(response).empty()) return "Proxy-Status names no error: " + response.head;
  if (response.version != "HTTP/1.1") return "not HTTP/1.1: " + response.head;
  return "";
}

}  // namespace onehop::test
