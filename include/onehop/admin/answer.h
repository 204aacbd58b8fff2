// SPDX-License-Identifier: MIT
// The documents of the admin endpoint as one function: what is asked goes in, the reply comes out.
// It reads snapshots and changes nothing; the only things it looks at beside its arguments are the
// process's own entry in /proc, for /metrics, and the levels of the log.
#pragma once

#include <string>
#include <string_view>

#include "onehop/admin/reply.h"
#include "onehop/admin/view.h"

namespace onehop::admin {

struct Request {
  std::string_view method;
  std::string_view target;  // origin form: "/stats?window=10s"
  std::string_view accept;  // the value of the Accept field, empty if there is none
};

// Names the document that a request asks for, where everybody who asks for it within a second may
// be given the same; else empty. It is for what many read again and again and nobody compares with
// what he has just done: /metrics, and /config, which does not change.
std::string shared_key(const Request& request);

// A HEAD request gets the reply of the GET; the caller leaves out the body and sends its length.
// What is no document, and a method that does not fit, is a 404 or a 405 that knows the commands.
// Call it on the thread that calls Windows::sample().
Reply answer(const Request& request, const View& view);

}  // namespace onehop::admin
