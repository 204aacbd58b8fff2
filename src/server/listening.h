// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "onehop/base/result.h"
#include "onehop/net/listener.h"

namespace onehop::server {

// A socket per worker on the same address; an error is a sentence. The first is opened alone, so
// that a port that another program listens on is an error and not silently shared with it.
Result<std::vector<net::ListeningSocket>, std::string> listen(
    const std::string& text, uint32_t backlog, size_t count, net::ListeningSocket::Accepts accepts);

}  // namespace onehop::server
