// SPDX-License-Identifier: MIT
#include "endpoint_file.h"

#include <fmt/format.h>

#include <ctime>
#include <utility>

#include "onehop/base/log.h"

namespace onehop::server {
namespace {

constexpr size_t kMostSaid = 8;  // mistakes of one file; more are of the same kind

}  // namespace

EndpointFile::EndpointFile(net::FileWatcher& watcher, std::string path, std::string upstream,
                           Events& events, const EndpointFile* before)
    : path_(std::move(path)), upstream_(std::move(upstream)), events_(events) {
  if (before != nullptr) counts_ = before->counts_;
  if (before != nullptr && before->path_ == path_) {
    endpoints_ = before->endpoints_;
    since_unix_s_ = before->since_unix_s_;
    fault_ = before->fault_;
  }
  watch_ = watcher.watch({path_}, *this);
  read();
}

std::string EndpointFile::named() const {
  return "upstream " + upstream_ + ": endpoints_file: ";
}

void EndpointFile::on_files_changed() {
  if (read()) events_.on_list();
}

// Whether the list is another.
bool EndpointFile::read() {
  ++counts_.reads;
  auto list = config::load_endpoints(path_);
  if (list.has_value()) return take(std::move(*list));
  ++counts_.failed;
  refuse(list.error());
  return false;
}

bool EndpointFile::take(std::vector<config::Endpoint> endpoints) {
  const bool mended = !std::exchange(fault_, {}).empty();
  const bool first = since_unix_s_ == 0;
  const bool changed = first || endpoints != endpoints_;
  if (changed || mended) {
    log::info(fmt::format("{}{}: {} endpoint{}", named(), path_, endpoints.size(),
                          endpoints.size() == 1 ? "" : "s"));
  }
  if (!changed) return false;
  endpoints_ = std::move(endpoints);
  since_unix_s_ = std::time(nullptr);
  return true;
}

void EndpointFile::refuse(const std::vector<config::Problem>& problems) {
  std::string fault;
  for (size_t i = 0; i < problems.size() && i < kMostSaid; ++i)
    fault += (i == 0 ? "" : "\n") + problems[i].to_string();
  if (problems.size() > kMostSaid)
    fault += fmt::format("\nand {} more mistakes", problems.size() - kMostSaid);
  if (fault == fault_) return;
  fault_ = std::move(fault);
  const bool has_list = since_unix_s_ != 0;
  log::warning(
      fmt::format("{}{}; {}", named(), fault_.substr(0, fault_.find('\n')),
                  has_list ? "its endpoints stay as they are" : "it has none until it is good"));
  for (size_t at = fault_.find('\n'); at != fault_.npos;) {
    const size_t end = fault_.find('\n', at + 1);
    log::warning(named() + fault_.substr(at + 1, end - at - 1));
    at = end;
  }
}

}  // namespace onehop::server
