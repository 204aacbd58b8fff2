// SPDX-License-Identifier: MIT
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/catch.h"
#include "tests/unit/config/texts.h"

namespace onehop::config {
namespace {

struct Meant {
  std::string text;  // above a file that is good
  std::string hint;
};

void check_hints(const std::vector<Meant>& all) {
  for (const auto& [text, hint] : all) {
    CAPTURE(text);
    std::string all_problems;
    for (const std::string& one : testing::problems_above_rest(text)) all_problems += one + '\n';
    CHECK(all_problems.find("an unknown key; did you mean " + hint + "?\n") != std::string::npos);
  }
}

TEST_CASE("a key in another spelling is answered with the key") {
  check_hints({{"server.Workers = 1", "`workers`"},
               {"server.trusted-proxies = []", "`trusted_proxies`"},
               {"server.trustedProxies = []", "`trusted_proxies`"},
               {"upstream.x.pool.maxIdle = 1", "`max_idle`"},
               {"upstream.x.tls.insecureSkipVerify = true", "`insecure_skip_verify`"},
               {"upstream.x.tls.insecure-skip-verify = true", "`insecure_skip_verify`"}});
}

TEST_CASE("a key of another program is answered with the one that it is here") {
  check_hints({{"upstream.x.tls.insecure = true", "`insecure_skip_verify`"},
               {"upstream.x.tls.skip_verify = true", "`insecure_skip_verify`"},
               {"upstream.x.tls.tls_insecure_skip_verify = true", "`insecure_skip_verify`"},
               {"upstream.x.tls.sni = \"a\"", "`server_name`"},
               {"upstream.x.tls.ca_file = \"a\"", "`ca`"},
               {"upstream.x.servers = []", "`endpoints`"},
               {"upstream.x.lb_policy = \"rr\"", "`balance`"},
               {"server.limits.client_max_body_size = 1", "`request_body`"},
               {"admin.port = 1", "`listen`"},
               {"upstream.x.cert = \"a\"", "`tls`"},
               {"listeners = []", "`listener`"},
               {"[backend.app]", "`upstream`"}});
}

TEST_CASE("a key whose sense is the opposite of ours is answered with a warning of that") {
  for (const std::string_view key :
       {"verify", "tls_verify", "ssl_verify", "proxy_ssl_verify", "rejectUnauthorized"}) {
    check_hints({{"upstream.x.tls." + std::string(key) + " = false",
                  "`insecure_skip_verify`, which says the opposite"}});
  }
}

}  // namespace
}  // namespace onehop::config
