// SPDX-License-Identifier: MIT
#include "proxy/connection_auth.h"

#include <array>

#include "tests/support/catch.h"

namespace onehop::proxy {
namespace {

bool challenged(std::initializer_list<std::string_view> values) {
  std::array<http::Field, 8> room;
  http::Fields fields(room);
  for (const std::string_view value : values) fields.add("WWW-Authenticate", value);
  return challenges_connection(fields);
}

bool authenticated(std::string_view value) {
  std::array<http::Field, 2> room;
  http::Fields fields(room);
  fields.add("Authorization", value);
  return authenticates_connection(fields);
}

TEST_CASE("a challenge for the connection is found wherever it stands") {
  for (const std::string_view value :
       {"NTLM", "ntlm", "Negotiate", "NTLM TlRMTVNTUAACAAAA==", "Basic realm=\"a\", NTLM",
        "Basic realm=\"a, b\" , Negotiate", "NTLM, Basic realm=x", "Digest realm=\"\\\"\", NTLM",
        ", ,NTLM",
        "Digest realm=\"a\",nonce=\"b\",qop=\"auth\",NeGoTiAtE abc=", "NTLM,Negotiate"}) {
    CAPTURE(value);
    CHECK(challenged({value}));
  }
  CHECK(challenged({"Basic realm=\"a\"", "Negotiate"}));
  CHECK(challenged({"", "NTLM"}));
}

TEST_CASE("what only looks like such a challenge is none") {
  for (const std::string_view value :
       {"", "Basic realm=\"NTLM\"", "Basic realm=\"a, NTLM, b\"", "Digest ntlm=1, negotiate=2",
        "Digest realm=\"\\\", NTLM\"", "NTLMv2", "Bearer", "X-Negotiate", "Basic realm=NTLM",
        "Digest realm=a, ntlm = x", "Basic realm=\"open, NTLM"}) {
    CAPTURE(value);
    CHECK_FALSE(challenged({value}));
  }
  CHECK_FALSE(challenged({}));
}

TEST_CASE("credentials for the connection are known by their scheme") {
  for (const std::string_view value : {"NTLM TlRM", "ntlm x", "Negotiate YII=", "NEGOTIATE"})
    CHECK(authenticated(value));
  for (const std::string_view value : {"Basic TlRM", "Bearer NTLM", "", "NTLMx y", "Digest a=NTLM"})
    CHECK_FALSE(authenticated(value));
}

}  // namespace
}  // namespace onehop::proxy
