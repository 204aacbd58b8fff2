// SPDX-License-Identifier: MIT
#include "reload.h"

#include <fmt/format.h>

#include <memory>
#include <thread>
#include <utility>

#include "onehop/base/log.h"

namespace onehop::server {

Reload::Reload(net::EventLoop& loop, Load load, Owner& owner)
    : loop_(loop), load_(std::move(load)), owner_(owner) {}

Reload::~Reload() {
  if (thread_.joinable()) thread_.join();
}

void Reload::ask(std::string by, Told told) {
  if (under_way_) {
    if (told != nullptr) next_told_.push_back(std::move(told));
    next_by_ = std::move(by);
    return;
  }
  by_ = std::move(by);
  if (told != nullptr) told_.push_back(std::move(told));
  begin();
}

void Reload::begin() {
  under_way_ = true;
  owner_.on_reload_begun();
  if (load_ == nullptr)
    return end({false, "there is no configuration file to load again: it was made of options"});
  log::info(fmt::format("{}: the configuration is loaded again", by_));
  thread_ = std::thread([this, before = owner_.contexts()] {
    using Made = Result<Prepared, std::string>;
    Result<Loaded, std::string> loaded = load_();
    const auto made =
        std::make_shared<Made>(loaded.has_value() ? Prepared::make(std::move(*loaded), &before)
                                                  : Made(Unexpected<std::string>(loaded.error())));
    loop_.post([this, made] { this->loaded(std::move(*made)); });
  });
}

void Reload::loaded(Result<Prepared, std::string> prepared) {
  thread_.join();
  if (!prepared.has_value()) return end({false, prepared.error()});
  const auto made = std::make_shared<Prepared>(std::move(*prepared));
  const auto asked = owner_.look_up(*made, [this, made] { adopt(std::move(*made)); });
  if (!asked.has_value()) end({false, asked.error()});
}

void Reload::adopt(Prepared prepared) {
  const auto text = std::make_shared<std::string>();
  auto adopted = owner_.adopt(std::move(prepared), by_, [this, text] { end({true, *text}); });
  if (!adopted.has_value()) return end({false, adopted.error()});
  *text = std::move(*adopted);
}

void Reload::end(const ReloadResult& result) {
  ++(result.in_force ? counts_.succeeded : counts_.failed);
  if (result.in_force) {
    log::record(fmt::format("{}: {}", by_, result.text));
  } else {
    log::error(
        fmt::format("{}: the new configuration is refused and the old one stays in force: {}", by_,
                    result.text.substr(0, result.text.find('\n'))));
    for (size_t at = result.text.find('\n'); at != result.text.npos;) {
      const size_t end = result.text.find('\n', at + 1);
      log::error(fmt::format("{}: {}", by_, result.text.substr(at + 1, end - at - 1)));
      at = end;
    }
  }
  owner_.on_reload_ended();
  go_on(std::exchange(told_, {}), result);
}

// The next one has begun when those who asked for this one are told: they may ask again.
void Reload::go_on(const std::vector<Told>& told, const ReloadResult& result) {
  under_way_ = false;
  if (!next_by_.empty()) {
    told_ = std::exchange(next_told_, {});
    by_ = std::exchange(next_by_, {});
    begin();
  }
  for (const Told& one : told) one(result);
}

}  // namespace onehop::server
