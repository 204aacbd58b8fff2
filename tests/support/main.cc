// SPDX-License-Identifier: MIT
// The main of every Catch2 program. A run that fails says which seed it had, so that it can be run
// again; and a write to a peer that has gone is an error of that write, also where a library does
// it (OpenSSL writes to its socket without MSG_NOSIGNAL), and not the end of the program.
#if !__has_include(<catch2/catch_all.hpp>)
#define CATCH_CONFIG_RUNNER
#endif
#include "tests/support/catch.h"

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <iostream>
#include <string_view>

#include "tests/support/seed.h"

namespace {

// A program that was asked to list its tests answers with their number, which is no failure.
bool only_lists(int argc, char** argv) {
  return std::any_of(argv + 1, argv + argc,
                     [](std::string_view argument) { return argument.substr(0, 6) == "--list"; });
}

}  // namespace

int main(int argc, char** argv) {
  using onehop::test::choose_test_seed;
  using onehop::test::test_seed;
  std::signal(SIGPIPE, SIG_IGN);
  Catch::Session session;
  const auto catch_seed = static_cast<uint32_t>(test_seed());
  session.configData().rngSeed = catch_seed;
  if (const int wrong_usage = session.applyCommandLine(argc, argv); wrong_usage != 0) {
    return wrong_usage;
  }
  if (session.configData().rngSeed != catch_seed) choose_test_seed(session.configData().rngSeed);
  const int result = session.run();
  if (result != 0 && !only_lists(argc, argv)) {
    std::cerr << "to run it again: ONEHOP_TEST_SEED=" << test_seed() << ' ' << argv[0] << '\n';
  }
  return result;
}
