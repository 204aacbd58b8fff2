// SPDX-License-Identifier: MIT
// Files that are read again when they change. Each group of them stands for itself: what has not
// changed is kept as it is, also a certificate that has expired meanwhile; what has changed and is
// no good leaves what was there before in use, with a warning. So one bad file does not stand in
// the way of others, and what is said of it is said once.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "files.h"
#include "onehop/base/result.h"

namespace onehop::tls {

// What was made of some files, and what they were like just before they were read.
template <class T>
struct Read {
  std::vector<std::string> names;
  std::vector<FileStamp> stamps;
  std::shared_ptr<const T> it;

  bool changed() const {
    return std::ranges::any_of(stamps, [](const FileStamp& stamp) { return stamp.changed(); });
  }
};

// `old`, which may be null or of other files, where it is of these and they are still what they
// were, else what `load` makes of them, a Result<T, Fault>; `it` is another object only where
// same(T, T) says so. `whose` begins the warning: "listener 127.0.0.1:443".
template <class T, class Load>
Result<Read<T>, Fault> renew(const std::vector<std::string>& names, const Read<T>* old, Load load,
                             std::string_view whose, std::vector<std::string>& warnings) {
  if (old != nullptr && old->names != names) old = nullptr;
  if (old != nullptr && !old->changed()) return *old;
  Read<T> read;
  // Before they are read: what changes meanwhile is seen later.
  for (const std::string& name : names) {
    if (!name.empty()) read.stamps.emplace_back(name);
  }
  read.names = names;
  Result<T, Fault> loaded = load();
  if (loaded.has_value()) {
    read.it = old != nullptr && same(*old->it, *loaded)
                  ? old->it
                  : std::make_shared<const T>(std::move(*loaded));
    return read;
  }
  if (old == nullptr) return Unexpected<Fault>(std::move(loaded.error()));
  warnings.push_back(
      fmt::format("{}: the new files are refused and the old ones stay in use: tls.{}: {}", whose,
                  loaded.error().key, loaded.error().sentence));
  read.it = old->it;
  return read;
}

}  // namespace onehop::tls
