// SPDX-License-Identifier: MIT
// What is read from disk for TLS: the bytes of a file or what is wrong with it, and whether it has
// changed since.
#pragma once

#include <sys/stat.h>

#include <string>
#include <string_view>

#include "onehop/base/result.h"

namespace onehop::tls {

// What is wrong with a setting: the key (below the table that was looked at), and what is allowed
// and what was found.
struct Fault {
  std::string key;
  std::string sentence;
};

// To be returned in place of a Result's value.
Unexpected<Fault> fault(std::string_view key, std::string sentence);

// The bytes of a regular file of no more than 1 MiB. A fault has `key`, and begins with `wanted`:
// what the file should have been.
Result<std::string, Fault> read_file(const std::string& file, std::string_view key,
                                     std::string_view wanted);

// A warning where others than its owner can read the key's file; "" where not.
std::string warning_about_key(const std::string& file);

// What a file was like, to see later whether it has changed.
class FileStamp {
 public:
  explicit FileStamp(std::string file);
  bool changed() const;

 private:
  struct Seen {
    bool there = false;
    ino_t inode = 0;
    off_t size = 0;
    timespec modified{};
  };
  Seen look() const;

  std::string file_;
  Seen seen_;
};

}  // namespace onehop::tls
