// SPDX-License-Identifier: MIT
#include "onehop/net/file_watch.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "onehop/base/file_pattern.h"
#include "onehop/base/log.h"
#include "path_walk.h"
#include "uv.h"

namespace onehop::net {
namespace {

class KernelFileWatch;

// One folder that the kernel watches. It outlives its owner until libuv has let go of it.
class Watched {
 public:
  Watched(uv_loop_t& loop, KernelFileWatch& owner) : owner_(&owner) {
    uv_fs_event_init(&loop, &handle_);
    handle_.data = this;
  }

  // 0, or what is wrong.
  int begin(const std::string& folder) {
    own_name_ = folder.substr(folder.rfind('/') + 1);
    return uv_fs_event_start(&handle_, thunk<&Watched::on_event>, folder.c_str(), 0);
  }

  struct Close {
    void operator()(Watched* watched) const {
      watched->owner_ = nullptr;
      uv_close(reinterpret_cast<uv_handle_t*>(&watched->handle_),
               [](uv_handle_t* handle) { delete static_cast<Watched*>(handle->data); });
    }
  };

  dev_t device = 0;
  ino_t inode = 0;
  std::set<std::string> names;
  // The kernel may look at it no more: something has befallen the folder itself, such as that it is
  // gone. One that comes in its place may have its number.
  bool stale = false;

 private:
  void on_event(uv_fs_event_t*, const char* name, int, int);
  bool concerns(const std::string& name) const {
    // What befalls the folder itself comes under its own name.
    return name == own_name_ || std::ranges::any_of(names, [&](const std::string& one) {
             return one == name || matches(one, name);
           });
  }

  uv_fs_event_t handle_;
  std::string own_name_;
  KernelFileWatch* owner_;
};

class KernelFileWatch final : public FileWatch {
 public:
  KernelFileWatch(EventLoop& loop, std::vector<std::string> patterns, FileWatch::Events& events,
                  uint64_t poll_ms)
      : loop_(loop), patterns_(std::move(patterns)), events_(events), poll_ms_(poll_ms) {
    look();
    loop_.arm(poll_, poll_ms_);
  }

  void on_event() {
    const uint64_t now = loop_.now_ms();
    if (!quiet_.armed()) first_ms_ = now;
    const uint64_t latest = first_ms_ + KernelFileWatcher::kLongestMs;
    const uint64_t due = std::min(now + KernelFileWatcher::kQuietMs, latest);
    loop_.arm(quiet_, due > now ? due - now : 0);
  }

 private:
  // Whether the files are other ones. Folders are watched before anybody looks for what is in them
  // further down: once more until no folder is new.
  bool look() {
    constexpr int kMostRounds = 40;  // folders that are replaced as fast as they are found
    PathWalk seen = walk(patterns_);
    for (int i = 0; i < kMostRounds && follow(seen.folders); ++i) seen = walk(patterns_);
    return std::exchange(files_, std::move(seen.files)) != files_;
  }

  // True where a folder is watched that was not before.
  bool follow(const std::map<std::string, PathWalk::Folder>& folders) {
    std::erase_if(watched_, [&](const auto& one) { return !folders.contains(one.first); });
    bool is_new = false;
    for (const auto& [path, folder] : folders) {
      std::unique_ptr<Watched, Watched::Close>& watched = watched_[path];
      if (watched == nullptr || watched->stale || watched->device != folder.device ||
          watched->inode != folder.inode) {
        watched.reset(new Watched(loop_.handles().loop, *this));
        watched->device = folder.device;
        watched->inode = folder.inode;
        const int status = watched->begin(path);
        if (status < 0) say_unwatched(path, status);
        watched->stale = status < 0;  // it may be watched the next time
        is_new |= status == 0;
      }
      watched->names = folder.names;
    }
    return is_new;
  }

  void say_unwatched(const std::string& folder, int status) {
    if (std::exchange(said_, true)) return;
    log::warning(fmt::format("cannot watch the folder {}: {}; it is looked at every {} s", folder,
                             uv_strerror(status), poll_ms_ / 1000));
  }

  // What was told may be more than the stamps show: a file may be written twice in one tick of the
  // kernel's clock.
  void on_quiet() {
    look();
    events_.on_files_changed();
  }

  void on_poll() {
    loop_.arm(poll_, poll_ms_);
    if (look()) events_.on_files_changed();
  }

  EventLoop& loop_;
  std::vector<std::string> patterns_;
  FileWatch::Events& events_;
  const uint64_t poll_ms_;
  std::map<std::string, std::unique_ptr<Watched, Watched::Close>> watched_;
  std::vector<FileStamp> files_;
  uint64_t first_ms_ = 0;  // of what is told when it is quiet
  bool said_ = false;
  Deadline quiet_{this, DeadlineThunk<&KernelFileWatch::on_quiet>::call};
  Deadline poll_{this, DeadlineThunk<&KernelFileWatch::on_poll>::call};
};

void Watched::on_event(uv_fs_event_t*, const char* name, int, int) {
  stale |= name == nullptr || name == own_name_;
  if (owner_ != nullptr && (name == nullptr || concerns(name))) owner_->on_event();
}

}  // namespace

std::unique_ptr<FileWatch> KernelFileWatcher::watch(std::vector<std::string> patterns,
                                                    FileWatch::Events& events) {
  return std::make_unique<KernelFileWatch>(loop_, std::move(patterns), events, poll_ms_);
}

}  // namespace onehop::net
