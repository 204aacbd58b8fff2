// SPDX-License-Identifier: MIT
// The only file that is compiled again for a new commit.
#include "commit.h"

#include "onehop_commit.h"

namespace onehop::server {

std::string_view built_from() {
  return ONEHOP_COMMIT;
}

}  // namespace onehop::server
