// SPDX-License-Identifier: MIT
// A watcher of files that a test holds in its hands: who watches is told when the test says so.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "onehop/net/file_watch.h"

namespace onehop::test {

class HandFiles final : public net::FileWatcher {
 public:
  std::unique_ptr<net::FileWatch> watch(std::vector<std::string> patterns,
                                        net::FileWatch::Events& events) override {
    auto made = std::make_unique<Watch>();
    made->owner = this;
    made->patterns = std::move(patterns);
    made->events = &events;
    watches_.push_back(made.get());
    return made;
  }

  // How many watch this pattern.
  size_t watching(const std::string& pattern) const {
    return static_cast<size_t>(
        std::ranges::count_if(watches_, [&](const Watch* watch) { return watch->has(pattern); }));
  }

  void changed(const std::string& pattern) {
    const std::vector<Watch*> told = watches_;
    for (Watch* watch : told) {
      if (std::ranges::find(watches_, watch) != watches_.end() && watch->has(pattern))
        watch->events->on_files_changed();
    }
  }

 private:
  struct Watch final : net::FileWatch {
    ~Watch() override { std::erase(owner->watches_, this); }
    bool has(const std::string& pattern) const {
      return std::ranges::find(patterns, pattern) != patterns.end();
    }
    HandFiles* owner = nullptr;
    std::vector<std::string> patterns;
    net::FileWatch::Events* events = nullptr;
  };

  std::vector<Watch*> watches_;
};

}  // namespace onehop::test
