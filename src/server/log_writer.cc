// SPDX-License-Identifier: MIT
#include "log_writer.h"

#include <algorithm>
#include <utility>

namespace onehop::server {
namespace {

using std::chrono::steady_clock;

constexpr size_t kRingBytes = 1024 * 1024;  // of each worker: some thousands of lines
constexpr std::chrono::milliseconds kSleep{100};
constexpr std::chrono::seconds kLookAround{1};
constexpr std::chrono::seconds kPatience{5};

// When the loops' clock was at 0; it is asked anew now and then, as the other one is corrected.
int64_t clock_began(const net::Loop& loop) {
  const auto unix = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::nanoseconds(unix).count() - static_cast<int64_t>(loop.now_ns());
}

}  // namespace

LogWriter::Channel::Channel(Bell& bell, telemetry::DownstreamShard& cells, uint64_t seed)
    : ring(kRingBytes), counters(cells), sink(ring, bell, cells, seed) {}

LogWriter::LogWriter(telemetry::Telemetry& telemetry, const net::Loop& loop) : loop_(loop) {
  for (size_t i = 0; i < telemetry.worker_count(); ++i)
    channels_.emplace_back(bell_, telemetry.shard(i).downstream, loop.now_ns() + i);
}

LogWriter::~LogWriter() {
  finish();
}

Result<std::shared_ptr<LogFile>, std::string> LogWriter::open(const config::AccessLog& access) {
  if (!access.enabled()) return std::shared_ptr<LogFile>();
  if (newest_ != nullptr && newest_->path() == access.file) return newest_;
  return LogFile::open(access.file);
}

void LogWriter::use(const std::shared_ptr<const proxy::Snapshot>& snapshot,
                    std::shared_ptr<LogFile> file) {
  newest_ = file;
  if (file == nullptr) return;
  {
    const std::lock_guard lock(mutex_);
    new_.push_back({.snapshot = snapshot->number(),
                    .alive = snapshot,
                    .file = std::move(file),
                    .format = AccessFormat(snapshot->config().log.access.format)});
    new_waits_ = true;
  }
  if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
}

bool LogWriter::reopen() {
  if (newest_ == nullptr || !newest_->has_path()) return false;
  reopen_ = true;
  bell_.wake();
  return true;
}

void LogWriter::finish() {
  if (!thread_.joinable()) return;
  deadline_ = steady_clock::now() + kPatience;
  closing_ = true;
  bell_.wake();
  thread_.join();
  settings_.clear();  // they say what was lost of late
  newest_.reset();
}

void LogWriter::run() {
  while (true) {
    // Asked first: what was handed over before is in the rings then.
    const bool closing = closing_;
    take_new();
    if (reopen_.exchange(false)) reopen_all();
    if (steady_clock::now() - looked_ >= kLookAround) look_around();
    take_records();
    write_all();
    if (closing) return;
    bell_.await(kSleep);
  }
}

void LogWriter::take_new() {
  const std::lock_guard lock(mutex_);
  std::ranges::move(new_, std::back_inserter(settings_));
  new_.clear();
  new_waits_ = false;
}

// Of each ring what is in it now, so that a busy one does not keep the others waiting.
void LogWriter::take_records() {
  for (size_t i = 0; i < channels_.size(); ++i) {
    Ring& ring = channels_[i].ring;
    const uint64_t come = ring.come();
    while (!ring.taken_up_to(come) && !ring.empty()) {
      write_down(i, ring.front());
      ring.pop();
    }
  }
}

void LogWriter::write_down(size_t worker, std::string_view bytes) {
  const auto record = proxy::ExchangeRecord::decode(bytes);
  Settings* const settings = settings_of(record.numbers.snapshot);
  if (settings == nullptr) return channels_[worker].counters.access_log_failed.add();
  LogFile& file = *settings->file;
  settings->format.append(file.batch(), record, clock_began_ns_);
  file.line_added(worker);
  if (file.full()) write(file);
}

// A record that is the first of its snapshot may have come behind take_new().
LogWriter::Settings* LogWriter::settings_of(uint64_t snapshot) {
  const auto find = [&]() -> Settings* {
    const auto place = std::ranges::find(settings_, snapshot, &Settings::snapshot);
    return place != settings_.end() ? &*place : nullptr;
  };
  if (Settings* const known = find()) return known;
  take_new();
  return find();
}

void LogWriter::write(LogFile& file) {
  file.write(
      [this](size_t worker, LogFile::Fate fate) {
        telemetry::DownstreamShard& counters = channels_[worker].counters;
        (fate == LogFile::Fate::written ? counters.access_log_written : counters.access_log_failed)
            .add();
      },
      [this, &file] { return gives_up(file); });
}

// A pipe that takes nothing is waited for, as there is nothing better to do. But not beyond a
// stop's patience, and not while another file, or a new one at its path, would be waiting with it.
bool LogWriter::gives_up(const LogFile& file) const {
  if (closing_) return steady_clock::now() > deadline_.load();
  if (file.stuck_for() < kPatience) return false;
  return reopen_ || new_waits_ || std::ranges::any_of(settings_, [&](const Settings& settings) {
           return settings.file.get() != &file;
         });
}

void LogWriter::write_all() {
  for (const Settings& settings : settings_) write(*settings.file);
}

// A snapshot that nobody has any more hands over nothing more. What it has handed over was taken
// when the thread comes here again.
void LogWriter::look_around() {
  looked_ = steady_clock::now();
  clock_began_ns_ = clock_began(loop_);
  std::erase_if(settings_, [](const Settings& settings) { return settings.leaving; });
  for (Settings& settings : settings_) {
    settings.leaving = settings.alive.expired();
    settings.file->look();
  }
}

void LogWriter::reopen_all() {
  for (const Settings& settings : settings_) settings.file->reopen();
}

}  // namespace onehop::server
