// SPDX-License-Identifier: MIT
// A temporary folder whose files a test writes, replaces and links; it is gone with the object.
#pragma once

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

namespace onehop::test {

class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "onehop-test-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
    path_ = std::filesystem::canonical(name).string();
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + '/' + name; }

  void make(const std::string& name) const { std::filesystem::create_directories(*this / name); }
  // In place: whoever reads at that moment may see a part of it.
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(*this / name, std::ios::binary | std::ios::trunc) << text;
  }
  // At once: whoever reads sees the one or the other.
  void replace(const std::string& name, const std::string& text) const {
    write(name + ".new", text);
    rename(name + ".new", name);
  }
  void rename(const std::string& from, const std::string& to) const {
    std::filesystem::rename(*this / from, *this / to);
  }
  // A link that is there is replaced at once.
  void link(const std::string& name, const std::string& target) const {
    std::filesystem::create_symlink(target, *this / (name + ".new"));
    rename(name + ".new", name);
  }
  void remove(const std::string& name) const { std::filesystem::remove_all(*this / name); }

 private:
  std::string path_;
};

}  // namespace onehop::test
