// SPDX-License-Identifier: MIT
#include "onehop/base/file_pattern.h"

#include <dirent.h>
#include <fnmatch.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

namespace onehop {
namespace {

bool is_there(const std::string& path) {
  struct stat found {};
  return ::lstat(path.c_str(), &found) == 0;
}

// The names in a folder; none where it is none, or is not there.
Result<std::vector<std::string>, std::string> names_in(const std::string& folder,
                                                       const std::string& pattern) {
  const std::string path = folder.empty() ? "." : folder;
  const std::unique_ptr<DIR, int (*)(DIR*)> opened(::opendir(path.c_str()), &::closedir);
  std::vector<std::string> names;
  if (opened == nullptr) {
    if (errno == ENOENT || errno == ENOTDIR) return names;
    return Unexpected<std::string>("cannot read the folder " + path + ": " + std::strerror(errno));
  }
  while (const dirent* entry = ::readdir(opened.get())) {
    const std::string name = entry->d_name;
    if (name != "." && name != ".." && matches(pattern, name)) names.push_back(name);
  }
  return names;
}

// Adds what `rest` finds below `folder`, which is empty or ends with a slash.
Result<void, std::string> add_matches(const std::string& folder, std::string_view rest,
                                      std::vector<std::string>& found) {
  const size_t wildcard = rest.find_first_of("*?[");
  if (wildcard == rest.npos) {
    std::string path = folder + std::string(rest);
    if (is_there(path)) found.push_back(std::move(path));
    return {};
  }
  const size_t begin = rest.rfind('/', wildcard) + 1;  // npos + 1 is 0
  const size_t end = std::min(rest.find('/', wildcard), rest.size());
  const std::string inside = folder + std::string(rest.substr(0, begin));
  auto names = names_in(inside, std::string(rest.substr(begin, end - begin)));
  if (!names.has_value()) return Unexpected<std::string>(std::move(names.error()));
  for (const std::string& name : *names) {
    if (end == rest.size()) {
      found.push_back(inside + name);
    } else if (auto added = add_matches(inside + name + '/', rest.substr(end + 1), found);
               !added.has_value()) {
      return added;
    }
  }
  return {};
}

}  // namespace

bool has_wildcards(std::string_view pattern) {
  return pattern.find_first_of("*?[") != pattern.npos;
}

bool matches(const std::string& pattern, const std::string& name) {
  return ::fnmatch(pattern.c_str(), name.c_str(), FNM_PERIOD | FNM_PATHNAME) == 0;
}

Result<std::vector<std::string>, std::string> paths_matching(const std::string& pattern) {
  std::vector<std::string> found;
  if (auto added = add_matches({}, pattern, found); !added.has_value())
    return Unexpected<std::string>(std::move(added.error()));
  std::ranges::sort(found);
  return found;
}

}  // namespace onehop
