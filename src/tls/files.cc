// SPDX-License-Identifier: MIT
#include "files.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <utility>

namespace onehop::tls {
namespace {

constexpr size_t kMostBytes = 1024 * 1024;  // of a file; certificates are a few KiB

}  // namespace

Unexpected<Fault> fault(std::string_view key, std::string sentence) {
  return Unexpected<Fault>(Fault{std::string(key), std::move(sentence)});
}

Result<std::string, Fault> read_file(const std::string& file, std::string_view key,
                                     std::string_view wanted) {
  const auto refuse = [&](std::string_view why) {
    return fault(key, fmt::format("{}, found \"{}\" ({})", wanted, file, why));
  };
  if (file.empty()) return fault(key, fmt::format("{}, found none", wanted));
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) return refuse(std::strerror(errno));
  if (!S_ISREG(status.st_mode)) return refuse("not a regular file");
  if (static_cast<size_t>(status.st_size) > kMostBytes) return refuse("larger than 1 MiB");
  errno = 0;
  std::ifstream stream(file, std::ios::binary);
  if (!stream) return refuse(errno == 0 ? "cannot be read" : std::strerror(errno));
  return std::string(std::istreambuf_iterator<char>(stream), {});
}

std::string warning_about_key(const std::string& file) {
  struct stat status {};
  constexpr mode_t kOthers = S_IRGRP | S_IROTH;
  if (::stat(file.c_str(), &status) != 0 || (status.st_mode & kOthers) == 0) return {};
  return fmt::format("The private key \"{}\" can be read by others than its owner (mode {:04o})",
                     file, status.st_mode & 07777u);
}

FileStamp::FileStamp(std::string file) : file_(std::move(file)), seen_(look()) {}

FileStamp::Seen FileStamp::look() const {
  struct stat status {};
  if (::stat(file_.c_str(), &status) != 0) return {};
  return {true, status.st_ino, status.st_size, status.st_mtim};
}

bool FileStamp::changed() const {
  const Seen now = look();
  return now.there != seen_.there || now.inode != seen_.inode || now.size != seen_.size ||
         now.modified.tv_sec != seen_.modified.tv_sec ||
         now.modified.tv_nsec != seen_.modified.tv_nsec;
}

}  // namespace onehop::tls
