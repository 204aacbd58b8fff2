// SPDX-License-Identifier: MIT
// Runs a fuzz target over files instead of chance, so that every input ever kept is a test in
// builds without libFuzzer.
//
//   fuzz_NAME FILE|FOLDER...
//
// Each input is copied to a heap block of exactly its size: a read past its end is one that
// AddressSanitizer sees. A corpus that cannot be read, or that holds nothing, is a failure: a test
// that ran nothing proves nothing.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

namespace fs = std::filesystem;

std::vector<fs::path> inputs_under(const fs::path& place) {
  if (!fs::is_directory(place)) return {place};
  std::vector<fs::path> files;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(place)) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

void replay(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream) throw std::runtime_error("cannot read " + file.string());
  std::vector<uint8_t> bytes{std::istreambuf_iterator<char>(stream),
                             std::istreambuf_iterator<char>()};
  bytes.shrink_to_fit();
  std::fprintf(stderr, "%s: %zu bytes\n", file.c_str(),
               bytes.size());  // the last line names the input that crashed
  LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
}

}  // namespace

int main(int argc, char** argv) {
  try {
    size_t count = 0;
    for (int i = 1; i < argc; i++) {
      for (const fs::path& file : inputs_under(argv[i])) {
        replay(file);
        count++;
      }
    }
    std::fprintf(stderr, "%zu inputs replayed\n", count);
    return count > 0 ? 0 : 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "replay: %s\n", error.what());
    return 1;
  }
}
