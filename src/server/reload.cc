// SPDX-License-Identifier: MIT
#include "reload.h"

#include <fmt/format.h>

#include <memory>
#include <thread>
#include <utility>

#include "onehop/base/log.h"
#include "onehop/tls/digest.h"

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
    next_if_changed_ = false;
    return;
  }
  by_ = std::move(by);
  if_changed_ = false;
  if (told != nullptr) told_.push_back(std::move(told));
  begin();
}

void Reload::ask_if_changed(std::string by) {
  if (owner_.leaving()) return;
  if (under_way_) {
    if (!next_by_.empty()) return;  // whoever asked has it loaded in any case
    next_by_ = std::move(by);
    next_if_changed_ = true;
    return;
  }
  by_ = std::move(by);
  if_changed_ = true;
  begin();
}

void Reload::begin() {
  under_way_ = true;
  if (load_ == nullptr) {
    owner_.on_reload_begun();
    return end({false, "there is no configuration file to load again: it was made of options"});
  }
  if (!if_changed_) {
    owner_.on_reload_begun();
    log::info(fmt::format("{}: the configuration is loaded again", by_));
  }
  thread_ = std::thread(
      [this, before = owner_.contexts(), unless = if_changed_ ? latest_ : std::string()] {
        const auto made = std::make_shared<Attempt>(attempt(load_, before, unless));
        loop_.post([this, made] { loaded(std::move(*made)); });
      });
}

std::string Reload::mark_of(std::string sha256, const std::vector<std::string>& files) {
  for (const std::string& file : files) sha256 += '\n' + file;
  return sha256;
}

// On the thread. `unless` is the mark of what is not worth it.
Reload::Attempt Reload::attempt(const Load& load, const TlsContexts& before,
                                const std::string& unless) {
  Result<Loaded, NotLoaded> loaded = load();
  Attempt made;
  made.sources = loaded.has_value() ? loaded->sources : loaded.error().sources;
  made.mark = mark_of(tls::sha256_hex(made.sources.text), made.sources.files);
  // The same text may be wrong by now, or right: what else it needs has come or gone.
  if (!loaded.has_value()) made.mark += '\n' + loaded.error().mistakes;
  made.sources.text.clear();
  if (made.mark == unless) return made;
  if (loaded.has_value()) {
    made.made = Prepared::make(std::move(*loaded), &before);
  } else {
    made.made = Unexpected<std::string>(std::move(loaded.error().mistakes));
  }
  return made;
}

void Reload::loaded(Attempt attempt) {
  thread_.join();
  patterns_ = std::move(attempt.sources.patterns);
  latest_ = std::move(attempt.mark);
  if (!attempt.made.has_value()) return end_unchanged();
  if (if_changed_) {
    owner_.on_reload_begun();
    log::info(fmt::format("{}: a file has changed, and the configuration is loaded again", by_));
  }
  Result<Prepared, std::string>& prepared = *attempt.made;
  if (!prepared.has_value()) return end({false, prepared.error()});
  const auto made = std::make_shared<Prepared>(std::move(*prepared));
  const auto asked = owner_.look_up(*made, [this, made] { adopt(std::move(*made)); });
  if (!asked.has_value()) end({false, asked.error()});
}

void Reload::end_unchanged() {
  owner_.on_reload_unchanged();
  go_on({});
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
    if_changed_ = std::exchange(next_if_changed_, false);
    begin();
  }
  for (const Told& one : told) one(result);
}

}  // namespace onehop::server
