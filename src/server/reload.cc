// SPDX-License-Identifier: MIT
#include "reload.h"

#include <fmt/format.h>

#include <memory>
#include <thread>
#include <utility>

#include "onehop/base/log.h"

namespace onehop::server {

Reload::Reload(net::EventLoop& loop, Load load, Owner& owner)
    : loop_(loop), load_(std::move(load)), owner_(owner), mailbox_(std::make_shared<Mailbox>()) {
  mailbox_->reload = this;
}

Reload::~Reload() {
  const std::lock_guard lock(mailbox_->mutex);
  mailbox_->reload = nullptr;
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
  std::thread([mailbox = mailbox_, load = load_, before = owner_.contexts()] {
    using Made = Result<Prepared, std::string>;
    Result<Loaded, std::string> loaded = load();
    const auto made =
        std::make_shared<Made>(loaded.has_value() ? Prepared::make(std::move(*loaded), &before)
                                                  : Made(Unexpected<std::string>(loaded.error())));
    const std::lock_guard lock(mailbox->mutex);
    if (Reload* const reload = mailbox->reload)
      reload->loop_.post([reload, made] { reload->loaded(std::move(*made)); });
  }).detach();
}

void Reload::loaded(Result<Prepared, std::string> prepared) {
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
    log::info(fmt::format("{}: {}", by_, result.text));
  } else {
    log::error(
        fmt::format("{}: the new configuration is refused and the old one stays in force: {}", by_,
                    result.text));
  }
  under_way_ = false;
  owner_.on_reload_ended();
  const std::vector<Told> told = std::exchange(told_, std::exchange(next_told_, {}));
  if (!next_by_.empty()) {
    by_ = std::exchange(next_by_, {});
    begin();
  }
  for (const Told& one : told) one(result);
}

}  // namespace onehop::server
