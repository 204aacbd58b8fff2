// SPDX-License-Identifier: MIT
#include "text_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

namespace onehop::config {
namespace {

using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

Unexpected<std::string> failed() {
  return Unexpected<std::string>(std::strerror(errno));
}

Result<std::string, std::string> read_all(std::FILE* file) {
  std::string text(kMostText + 1, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file));
  if (std::ferror(file) != 0) return failed();
  if (text.size() > kMostText)
    return Unexpected<std::string>(fmt::format("more than {}", kMostTextInWords));
  return text;
}

// Opening a pipe would wait for whoever writes to it.
Result<File, std::string> open_regular(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) return failed();
  File file(::fdopen(descriptor, "rb"), &std::fclose);
  struct stat found {};
  if (file == nullptr || ::fstat(descriptor, &found) != 0) return failed();
  if (!S_ISREG(found.st_mode)) {
    return Unexpected<std::string>(S_ISDIR(found.st_mode) ? "it is a folder"
                                                          : "it is not a regular file");
  }
  return file;
}

}  // namespace

Result<std::string, std::string> read_text(const std::string& path, Kind kind) {
  if (kind == Kind::regular) {
    const auto file = open_regular(path);
    return file ? read_all(file->get()) : Unexpected<std::string>(file.error());
  }
  if (path == "-") return read_all(stdin);
  const File file(std::fopen(path.c_str(), "rb"), &std::fclose);
  if (file == nullptr) return failed();
  return read_all(file.get());
}

}  // namespace onehop::config
