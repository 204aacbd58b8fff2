// SPDX-License-Identifier: MIT
// What the end of an attempt says of its endpoint. Faults of onehop's own, and of the client, say
// nothing; nor does a pooled connection that had been closed, or a status below 500.
#pragma once

#include "onehop/proxy/outcome.h"
#include "onehop/upstream/health.h"

namespace onehop::proxy {

// What the endpoint answered (0: nothing), and how the attempt ended.
upstream::RequestEnd request_end(int status, Outcome outcome);

}  // namespace onehop::proxy
