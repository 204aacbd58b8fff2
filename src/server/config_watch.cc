// SPDX-License-Identifier: MIT
#include "config_watch.h"

namespace onehop::server {

void ConfigWatch::use(const std::vector<std::string>& patterns) {
  if (patterns == patterns_) return;
  patterns_ = patterns;
  watch_.reset();
  if (patterns.empty()) return;
  watch_ = watcher_.watch(patterns, *this);
  reload_.ask_if_changed(std::string(kBy));
}

void ConfigWatch::on_files_changed() {
  reload_.ask_if_changed(std::string(kBy));
}

}  // namespace onehop::server
