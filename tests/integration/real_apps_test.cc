// SPDX-License-Identifier: MIT
// Real app servers and a real client around the proxy, when this machine has them: the bodies are
// the same as without it, and the connections an app counted are those the proxy says it opened.
#include "tests/support/catch.h"
#include "tests/support/proxy_process.h"

namespace onehop::test {
namespace {

constexpr char kPython[] = R"(
import http.server, sys
class App(http.server.ThreadingHTTPServer):
    def process_request(self, request, address):
        print('accepted', flush=True)
        super().process_request(request, address)
class Files(http.server.SimpleHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    def log_message(self, *ignored): pass
app = App(('127.0.0.1', 0), Files)
print('port', app.server_address[1], flush=True)
app.serve_forever()
)";

constexpr char kNode[] = R"(
const http = require('http');
const fs = require('fs');
const app = http.createServer((request, response) => {
  if (request.method === 'POST') { request.pipe(response); return; }
  fs.createReadStream('.' + request.url.split('?')[0])
    .on('error', () => { response.statusCode = 404; response.end('no such file'); })
    .pipe(response);
});
app.on('connection', () => console.log('accepted'));
app.listen(0, '127.0.0.1', () => console.log('port ' + app.address().port));
)";

size_t accepted(const Subprocess& app) {
  const std::string output = app.output();
  size_t count = 0;
  for (size_t at = 0; (at = output.find("accepted\n", at)) != std::string::npos; ++at) ++count;
  return count;
}

Finished curl(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"curl", "-s", "--max-time", "10"});
  return run_program(std::move(arguments));
}

void check_app(std::vector<std::string> command, const TemporaryFile& small,
               const std::string& large) {
  Subprocess app(std::move(command),
                 {.environment = {}, .open_files = 0, .directory = small.folder()});
  const std::optional<std::string> port = app.wait_line("port ");
  REQUIRE(port);
  const std::string address = "127.0.0.1:" + *port;
  const Finished make = run_program({"sh", "-c", "head -c 3000000 /dev/urandom > " + large});
  REQUIRE(make.code == 0);
  const Finished straight = curl({"http://" + address + "/small", "http://" + address + "/large"});
  REQUIRE(straight.code == 0);
  const size_t of_straight = accepted(app);

  ProxyProcess proxy(ProxyConfig{.endpoints = {address}});
  const std::string base = "http://" + proxy.address();
  for (int round = 0; round < 3; ++round) {
    const Finished through = curl({base + "/small", base + "/large"});
    CHECK(through.code == 0);
    CHECK((through.output == straight.output));
  }
  CHECK(curl({"-o", "/dev/null", "-w", "%{http_code}", base + "/missing"}).output == "404");
  CHECK(curl({"-o", "/dev/null", "-w", "%{http_code}", "-I", base + "/small"}).output == "200");
  CHECK(curl({"--http1.0", base + "/small"}).output == "small file\n");
  const Stats stats = proxy.stats();
  CHECK(stats.number(ProxyProcess::endpoint(address, "connections/opened_total")) ==
        static_cast<int64_t>(accepted(app) - of_straight));
  CHECK(stats.number(ProxyProcess::endpoint(address, "connections/reused_total")) > 0);
}

TEST_CASE("Python's http.server behind the proxy serves curl as it does alone") {
  if (!has_program("python3") || !has_program("curl")) {
    WARN("skipped: needs python3 and curl");
    return;
  }
  const TemporaryFile small("small", "small file\n");
  check_app({"python3", "-c", kPython}, small, small.folder() + "/large");
}

TEST_CASE("a Node server behind the proxy serves curl as it does alone") {
  if (!has_program("node") || !has_program("curl")) {
    WARN("skipped: needs node and curl");
    return;
  }
  const TemporaryFile small("small", "small file\n");
  check_app({"node", "-e", kNode}, small, small.folder() + "/large");
}

TEST_CASE("a Node server echoes what curl uploads through the proxy") {
  if (!has_program("node") || !has_program("curl")) {
    WARN("skipped: needs node and curl");
    return;
  }
  const TemporaryFile upload("upload", noise(2 << 20));
  Subprocess app({"node", "-e", kNode},
                 {.environment = {}, .open_files = 0, .directory = upload.folder()});
  const std::optional<std::string> port = app.wait_line("port ");
  REQUIRE(port);
  ProxyProcess proxy(ProxyConfig{.endpoints = {"127.0.0.1:" + *port}});
  const std::string url = "http://" + proxy.address() + "/";
  const std::string data = "@" + upload.path();
  CHECK((curl({"--data-binary", data, url}).output == noise(2 << 20)));
  CHECK((curl({"-H", "Transfer-Encoding: chunked", "--data-binary", data, url}).output ==
         noise(2 << 20)));
  CHECK(
      (curl({"-H", "Expect: 100-continue", "--data-binary", data, url}).output == noise(2 << 20)));
}

}  // namespace
}  // namespace onehop::test
