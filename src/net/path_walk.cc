// SPDX-License-Identifier: MIT
#include "path_walk.h"

#include <dirent.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <filesystem>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "onehop/base/file_pattern.h"

namespace onehop::net {
namespace {

constexpr int kMostLinks = 40;  // as the kernel follows; more are a circle

std::optional<std::string> target_of(const std::string& link) {
  std::array<char, PATH_MAX> text;
  const ssize_t length = ::readlink(link.c_str(), text.data(), text.size());
  if (length <= 0) return std::nullopt;
  return std::string(text.data(), static_cast<size_t>(length));
}

std::string inside(const std::string& folder, const std::string& name) {
  return folder.ends_with('/') ? folder + name : folder + '/' + name;
}

std::vector<std::string> names_in(const std::string& folder, const std::string& pattern) {
  std::vector<std::string> names;
  const std::unique_ptr<DIR, int (*)(DIR*)> opened(::opendir(folder.c_str()), &::closedir);
  if (opened == nullptr) return names;
  while (const dirent* entry = ::readdir(opened.get())) {
    const std::string name = entry->d_name;
    if (name != "." && name != ".." && matches(pattern, name)) names.push_back(name);
  }
  std::ranges::sort(names);
  return names;
}

// `folder` has no link in its path; `rest` is what comes behind it, and may begin with slashes.
class Walker {
 public:
  explicit Walker(PathWalk& walk) : walk_(walk) {}

  void go(const std::string& folder, std::string_view rest, int links) {
    rest.remove_prefix(std::min(rest.find_first_not_of('/'), rest.size()));
    if (rest.empty()) return;
    const size_t end = std::min(rest.find('/'), rest.size());
    const std::string name(rest.substr(0, end));
    const std::string_view behind = rest.substr(end);
    if (name == ".") return go(folder, behind, links);
    if (name == "..")
      return go(std::filesystem::path(folder).parent_path().string(), behind, links);
    struct stat found {};
    if (::stat(folder.c_str(), &found) != 0 || !S_ISDIR(found.st_mode)) return;
    PathWalk::Folder& noted = walk_.folders[folder];
    noted.device = found.st_dev;
    noted.inode = found.st_ino;
    noted.names.insert(name);
    if (!has_wildcards(name)) return step(folder, name, behind, links);
    for (const std::string& one : names_in(folder, name)) step(folder, one, behind, links);
  }

 private:
  void step(const std::string& folder, const std::string& name, std::string_view behind,
            int links) {
    std::string path = inside(folder, name);
    struct stat found {};
    if (::lstat(path.c_str(), &found) != 0) return;
    if (S_ISLNK(found.st_mode)) {
      const auto target = target_of(path);
      if (!target.has_value() || links == kMostLinks) return;
      const std::string rest = *target + std::string(behind);
      return go(target->starts_with('/') ? "/" : folder, rest, links + 1);
    }
    if (behind.find_first_not_of('/') != behind.npos) return go(path, behind, links);
    walk_.files.push_back(
        {std::move(path), found.st_dev, found.st_ino, found.st_size, found.st_mtim, found.st_ctim});
  }

  PathWalk& walk_;
};

bool is_same(const timespec& a, const timespec& b) {
  return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

}  // namespace

bool operator==(const FileStamp& a, const FileStamp& b) {
  return a.path == b.path && a.device == b.device && a.inode == b.inode && a.size == b.size &&
         is_same(a.modified, b.modified) && is_same(a.changed, b.changed);
}

PathWalk walk(const std::vector<std::string>& patterns) {
  PathWalk made;
  Walker walker(made);
  std::error_code none;
  const std::string here = std::filesystem::current_path(none).string();
  for (const std::string& pattern : patterns) {
    walker.go("/", pattern.starts_with('/') ? pattern : inside(here, pattern), 0);
  }
  return made;
}

}  // namespace onehop::net
