// SPDX-License-Identifier: MIT
// The way to a file, name by name and link by link: which names in which folders decide what it is.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <ctime>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace onehop::net {

// Another file, or the same one with other bytes.
struct FileStamp {
  std::string path;  // behind all links
  dev_t device = 0;
  ino_t inode = 0;
  off_t size = 0;
  timespec modified{};
  timespec changed{};  // of what the kernel keeps of it

  friend bool operator==(const FileStamp& a, const FileStamp& b);
};

struct PathWalk {
  struct Folder {
    dev_t device = 0;
    ino_t inode = 0;
    std::set<std::string> names;  // or patterns, of what is in it
  };
  std::map<std::string, Folder> folders;  // those that are there
  std::vector<FileStamp> files;           // the same, at the ends
};

// Of all patterns together. A relative one begins at the working directory.
PathWalk walk(const std::vector<std::string>& patterns);

}  // namespace onehop::net
