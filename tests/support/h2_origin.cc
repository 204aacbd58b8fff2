// SPDX-License-Identifier: MIT
#include "tests/support/h2_origin.h"

#include <utility>

namespace onehop::test {

ScriptedOrigin::Script h2_script(H2Handler handler) {
  return [handler = std::move(handler)](OriginConnection& connection) {
    H2Peer origin(connection, H2Peer::Role::server);
    while (const int32_t id = origin.accept()) handler(origin, id);
  };
}

}  // namespace onehop::test
