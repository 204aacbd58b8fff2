// SPDX-License-Identifier: MIT
// Where the source is, for tests that compare documents with the program: wherever a test is
// started, and however its compiler was told to spell paths.
#pragma once

#include <filesystem>

namespace onehop::test {

std::filesystem::path source_tree();

}  // namespace onehop::test
