// SPDX-License-Identifier: MIT
// The cuts of one row go out on many connections at once: all first parts, then, when the proxy has
// read them, all second parts.
#include "tests/conformance/request_table.h"

#include <algorithm>
#include <map>

#include "tests/support/catch.h"
#include "tests/support/expect.h"
#include "tests/support/proxy_process.h"
#include "tests/support/scripted_origin.h"

namespace onehop::test {
namespace {

constexpr size_t kTogether = 32;  // connections of one round
constexpr size_t kLong = 1000;    // bytes; a longer row has a filling
constexpr char kSmuggled[] = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";

enum class Expect { rejected, accepted, rejected_or_last };

// Counts complete requests only: the head of a request whose body turns out to be malformed may
// have been forwarded already.
void answer_complete_requests(OriginConnection& connection) {
  try {
    while (connection.read_request()) connection.send(ok("from the origin"));
  } catch (const PeerError&) {
    // The proxy gave the request up, as it should.
  }
}

std::string fault_of_rejection(const Response& response, const std::vector<int>& statuses) {
  if (std::find(statuses.begin(), statuses.end(), response.status) == statuses.end()) {
    return "answered with " + std::to_string(response.status);
  }
  if (!response.fields.has_token("Connection", "close")) return "no Connection: close";
  return fault_of_local_reply(response);
}

// "" when the connection got what the row expects.
std::string fault_of_connection(Client& client, const RequestRow& row, Expect expect) {
  try {
    const Response response = client.final_response();
    const bool from_origin = response.status == 200 && response.body == "from the origin";
    std::string fault;
    if (expect == Expect::accepted) {
      if (!from_origin) return "answered with " + response.head + response.body;
      return "";
    }
    if (expect == Expect::rejected || !from_origin)
      fault = fault_of_rejection(response, row.statuses);
    const Rest rest = client.read_rest();
    if (!rest.bytes.empty()) fault += " then came " + visible(rest.bytes);
    if (rest.end == End::reset) fault += " then a reset";
    return fault;
  } catch (const std::exception& error) {
    return visible(error.what());
  }
}

using Faults =
    std::map<std::string, std::vector<std::string>>;  // what went wrong -> how it was sent

void run_whole_and_bytewise(const ProxyProcess& proxy, const RequestRow& row, Expect expect,
                            const std::string& tail, Faults& faults) {
  Client whole = proxy.connect();
  whole.send(row.bytes + tail);
  Client slow = proxy.connect();
  const size_t step = row.bytes.size() > kLong ? 61 : 1;
  for (size_t at = 0; at < row.bytes.size(); at += step) {
    if (!slow.try_send(row.bytes.substr(at, step))) break;
  }
  slow.try_send(tail);
  const std::string first = fault_of_connection(whole, row, expect);
  const std::string second = fault_of_connection(slow, row, expect);
  if (!first.empty()) faults[first].push_back("whole");
  if (!second.empty()) faults[second].push_back("byte by byte");
}

void run_cuts(const ProxyProcess& proxy, const RequestRow& row, Expect expect,
              const std::string& tail, Faults& faults) {
  // Bytes in the middle of a long filling are alike: there one cut in 997 will do.
  std::vector<size_t> cuts;
  for (size_t at = 1; at < row.bytes.size(); ++at) {
    const bool near_an_end = at < 60 || at + 60 > row.bytes.size();
    if (row.bytes.size() <= kLong || near_an_end || at % 997 == 0) cuts.push_back(at);
  }
  // A round that failed is enough to see what is wrong, and each failure may cost a deadline.
  for (size_t begin = 0; begin < cuts.size() && faults.empty(); begin += kTogether) {
    const size_t end = std::min(cuts.size(), begin + kTogether);
    std::vector<Client> clients;
    for (size_t i = begin; i < end; ++i) {
      clients.push_back(proxy.connect());
      clients.back().send(row.bytes.substr(0, cuts[i]));
    }
    for (Client& client : clients) client.wait_until_read();
    for (size_t i = begin; i < end; ++i)
      clients[i - begin].try_send(row.bytes.substr(cuts[i]) + tail);
    for (size_t i = begin; i < end; ++i) {
      const std::string fault = fault_of_connection(clients[i - begin], row, expect);
      if (!fault.empty()) faults[fault].push_back("cut at " + std::to_string(cuts[i]));
      clients[i - begin].reset();
    }
  }
}

std::string told(const Faults& faults) {
  std::string out;
  for (const auto& [what, how] : faults) {
    out += visible(what) + "  <- " + how.front();
    if (how.size() > 1) out += " and " + std::to_string(how.size() - 1) + " more";
    out += "\n";
  }
  return out;
}

void check(const std::vector<RequestRow>& rows, Expect expect, const std::string& limits) {
  ScriptedOrigin origin(answer_complete_requests);
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}, .limits = limits});
  for (const RequestRow& row : rows) {
    CAPTURE(row.name, visible(row.bytes));
    const size_t seen_before = origin.seen().size();
    Faults faults;
    const std::string tail = expect == Expect::accepted ? "" : kSmuggled;
    run_whole_and_bytewise(proxy, row, expect, tail, faults);
    run_cuts(proxy, row, expect, tail, faults);
    CHECK_THAT(told(faults), Catch::Matchers::Equals(""));
    const std::vector<Request> seen = origin.seen();
    if (expect == Expect::rejected) CHECK(seen.size() == seen_before);
    CHECK(std::count_if(seen.begin(), seen.end(),
                        [](const Request& request) { return request.target == "/smuggled"; }) == 0);
  }
  if (expect == Expect::rejected) CHECK(origin.requests() == 0);
}

}  // namespace

void check_rejected(const std::vector<RequestRow>& rows, const std::string& limits) {
  check(rows, Expect::rejected, limits);
}

void check_accepted(const std::vector<RequestRow>& rows) {
  check(rows, Expect::accepted, "");
}

void check_rejected_or_last(const std::vector<RequestRow>& rows) {
  check(rows, Expect::rejected_or_last, "");
}

std::string get_with(const std::string& field_lines) {
  return "GET / HTTP/1.1\r\nHost: a\r\n" + field_lines + "\r\n";
}

std::string post_with(const std::string& field_lines, const std::string& body) {
  return "POST / HTTP/1.1\r\nHost: a\r\n" + field_lines + "\r\n" + body;
}

std::string chunked_post(const std::string& raw_body) {
  return post_with("Transfer-Encoding: chunked\r\n", raw_body);
}

std::string visible(const std::string& bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const char c : bytes.substr(0, 400)) {
    const unsigned char byte = static_cast<unsigned char>(c);
    if (c == '\r') {
      out += "\\r";
    } else if (c == '\n') {
      out += "\\n";
    } else if (byte < 0x20 || byte >= 0x7f) {
      out += std::string("\\x") + kDigits[byte / 16] + kDigits[byte % 16];
    } else {
      out += c;
    }
  }
  return bytes.size() > 400 ? out + "... (" + std::to_string(bytes.size()) + " bytes)" : out;
}

}  // namespace onehop::test
