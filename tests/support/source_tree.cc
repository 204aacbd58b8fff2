// SPDX-License-Identifier: MIT
#include "tests/support/source_tree.h"

namespace onehop::test {

std::filesystem::path source_tree() {
  return ONEHOP_SOURCE_TREE;
}

}  // namespace onehop::test
