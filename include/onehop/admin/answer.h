// SPDX-License-Identifier: MIT
// The admin endpoint as one function: what is asked goes in, the reply comes out. It reads
// snapshots and changes nothing; the only thing it looks at beside its arguments is the process's
// own entry in /proc, for /metrics.
#pragma once

#include <string>
#include <string_view>

#include "onehop/admin/view.h"

namespace onehop::admin {

struct Request {
  std::string_view method;
  std::string_view target;  // origin form: "/stats?window=10s"
  std::string_view accept;  // the value of the Accept field, empty if there is none
};

struct Reply {
  int status = 200;
  std::string_view content_type;
  std::string body;
  std::string_view allow;  // the value of the Allow field; empty: no such field
};

// Names the document that a request asks for, where everybody who asks for it within a second may
// be given the same; else empty. It is for what many read again and again and nobody compares with
// what he has just done: /metrics, and /config, which does not change.
std::string shared_key(const Request& request);

// A HEAD request gets the reply of the GET; the caller leaves out the body and sends its length.
// Call it on the thread that calls Windows::sample().
Reply answer(const Request& request, const View& view);

}  // namespace onehop::admin
