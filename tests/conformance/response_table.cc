// SPDX-License-Identifier: MIT
// The client tells the scripted origin with two fields which row to send and where to cut it.
#include "tests/conformance/response_table.h"

#include <map>

#include "tests/conformance/request_table.h"
#include "tests/support/catch.h"
#include "tests/support/expect.h"
#include "tests/support/proxy_process.h"
#include "tests/support/scripted_origin.h"

namespace onehop::test {
namespace {

constexpr size_t kTogether = 16;  // exchanges at a time
constexpr size_t kLong = 1000;    // bytes; a longer row has a filling

void send_row(OriginConnection& connection, const std::vector<ResponseRow>& rows, Ender ender) {
  const Request request = connection.must_read_request();
  const std::string& bytes = rows.at(std::stoul(request.field("X-Row"))).bytes;
  const size_t cut = std::stoul(request.field("X-Cut"));
  if (connection.try_send(bytes.substr(0, cut))) {
    connection.wait_until_read();
    connection.try_send(bytes.substr(cut));
  }
  if (ender == Ender::origin) return;
  const Rest rest = connection.read_rest();
  if (!rest.bytes.empty()) {
    throw PeerError("row \"" + request.field("X-Row") +
                    "\": the connection was used again: " + rest.bytes);
  }
}

std::string one_space(const std::string& value) {
  std::string out;
  for (const char c : value) {
    const bool white = c == ' ' || c == '\t';
    if (!white) out += c;
    if (white && !out.ends_with(' ')) out += ' ';
  }
  return out;
}

std::string fault_of_forwarded(const Response& response, const ResponseRow& row) {
  if (response.status != 200) return "answered with " + std::to_string(response.status);
  if (!response.complete) return "the response is not complete";
  if (response.body != row.body) return "the body is " + response.body;
  for (const auto& [name, value] : row.fields) {
    // An obs-fold becomes one space or several (RFC 9112 section 5.2).
    if (one_space(response.field(name)) != value)
      return name + " is \"" + response.field(name) + "\"";
  }
  return "";
}

std::string fault_of_bad_gateway(const Response& response) {
  if (response.status != 502) return "answered with " + response.head + response.body;
  return fault_of_local_reply(response);
}

std::string fault_of(Client& client, const ResponseRow& row) {
  try {
    const Response response = client.final_response();
    switch (row.verdict) {
      case Verdict::bad_gateway:
        return fault_of_bad_gateway(response);
      case Verdict::broken:
        if (response.status != 502 && !response.complete) return "";
        return fault_of_bad_gateway(response);
      case Verdict::forwarded:
        return fault_of_forwarded(response, row);
      case Verdict::forwarded_or_502:
        return response.status == 502 ? fault_of_bad_gateway(response)
                                      : fault_of_forwarded(response, row);
    }
    return "no verdict";
  } catch (const std::exception& error) {
    return error.what();
  }
}

std::vector<size_t> cuts_of(const std::string& bytes) {
  std::vector<size_t> cuts = {0};  // nothing first: the whole row at once
  for (size_t at = 1; at < bytes.size(); ++at) {
    const bool near_an_end = at < 30 || at + 30 > bytes.size();
    if (bytes.size() <= kLong || near_an_end) cuts.push_back(at);
  }
  return cuts;
}

std::map<std::string, std::vector<size_t>> faults_of_row(const ProxyProcess& proxy,
                                                         const ResponseRow& row, size_t number) {
  std::map<std::string, std::vector<size_t>> faults;  // what went wrong -> the cuts
  const std::vector<size_t> cuts = cuts_of(row.bytes);
  for (size_t begin = 0; begin < cuts.size() && faults.empty(); begin += kTogether) {
    std::vector<Client> clients;
    const size_t end = std::min(cuts.size(), begin + kTogether);
    for (size_t i = begin; i < end; ++i) {
      clients.push_back(proxy.connect());
      clients.back().send("GET / HTTP/1.1\r\nHost: a\r\nX-Row: " + std::to_string(number) +
                          "\r\nX-Cut: " + std::to_string(cuts[i]) + "\r\n\r\n");
    }
    for (size_t i = begin; i < end; ++i) {
      const std::string fault = fault_of(clients[i - begin], row);
      if (!fault.empty()) faults[fault].push_back(cuts[i]);
    }
  }
  return faults;
}

}  // namespace

void check_responses(const std::vector<ResponseRow>& rows, Ender ender) {
  ScriptedOrigin origin([&](OriginConnection& connection) { send_row(connection, rows, ender); });
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}});
  for (size_t i = 0; i < rows.size(); ++i) {
    CAPTURE(i, rows[i].name, visible(rows[i].bytes));
    std::string told;
    for (const auto& [what, cuts] : faults_of_row(proxy, rows[i], i)) {
      told += visible(what) + "  <- " + std::to_string(cuts.size()) + " times, first cut at " +
              std::to_string(cuts.front()) + "\n";
    }
    CHECK_THAT(told, Catch::Matchers::Equals(""));
  }
  CHECK_THAT(origin.failures(), Catch::Matchers::Equals(std::vector<std::string>{}));
}

std::string answer_with(const std::string& field_lines, const std::string& body) {
  return "HTTP/1.1 200 OK\r\n" + field_lines + "\r\n" + body;
}

}  // namespace onehop::test
