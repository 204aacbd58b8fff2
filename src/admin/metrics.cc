// SPDX-License-Identifier: MIT
// The document of /metrics: the snapshot since start, and what concerns the whole process.
#include <algorithm>
#include <chrono>
#include <set>
#include <utility>

#include "documents.h"
#include "health.h"
#include "onehop/base/buffer.h"
#include "onehop/http/h2.h"
#include "process.h"

namespace onehop::admin {

namespace {

using telemetry::ExpositionWriter;
using telemetry::FamilyKind;
using telemetry::Labels;

void write_process(const View& view, size_t workers, ExpositionWriter& writer) {
  const Labels none;
  writer.begin({FamilyKind::info, "onehop_build",
                "The version that is running and the commit it was built from; always 1"});
  writer.sample(Labels().add("version", view.version).add("commit", view.commit), uint64_t{1});
  writer.begin({FamilyKind::gauge, "onehop_workers", "Worker threads"});
  writer.sample(none, uint64_t{workers});
  writer.begin({FamilyKind::gauge, "process_start_time_seconds",
                "When this process started, in seconds since 1970", "seconds"});
  writer.sample(none, view.start_time_unix_s);

  const ProcessFacts facts = read_process_facts();
  writer.begin({FamilyKind::gauge, "process_resident_memory_bytes", "Resident memory", "bytes"});
  writer.sample(none, facts.resident_bytes);
  writer.begin({FamilyKind::gauge, "process_virtual_memory_bytes", "Virtual memory", "bytes"});
  writer.sample(none, facts.virtual_bytes);
  writer.begin({FamilyKind::gauge, "process_open_fds", "Open file descriptors"});
  writer.sample(none, facts.open_fds);
  writer.begin({FamilyKind::gauge, "process_max_fds", "File descriptors that may be open"});
  writer.sample(none, facts.max_fds);
  writer.begin({FamilyKind::counter, "process_cpu_seconds", "User and system CPU time", "seconds"});
  writer.sample(none, facts.cpu_seconds);
  writer.begin({FamilyKind::gauge, "onehop_buffered_bytes",
                "Memory of all buffers, to within 64 KiB for each worker", "bytes"});
  writer.sample(none, buffered_memory());
  writer.begin({FamilyKind::gauge, "onehop_buffered_peak_bytes",
                "The most that it has been since the start", "bytes"});
  writer.sample(none, most_buffered_memory());
  writer.begin({FamilyKind::gauge, "onehop_http2_grown_windows_bytes",
                "What receive windows of streams have grown by beyond stream_window", "bytes"});
  writer.sample(none, http::h2::grown_windows());
}

void write_reloads(const View& view, ExpositionWriter& writer) {
  writer.begin({FamilyKind::counter, "onehop_config_reloads",
                "Configurations that were loaded while it ran, by whether they came into force"});
  writer.sample(Labels().add("result", "success"), view.reloads.succeeded);
  writer.sample(Labels().add("result", "failure"), view.reloads.failed);
  writer.begin({FamilyKind::gauge, "onehop_config_last_reload_success_timestamp_seconds",
                "Since when the configuration is in force, in seconds since 1970", "seconds"});
  writer.sample(Labels(), view.config.since_unix_s);
}

void write_endpoint_files(const View& view, ExpositionWriter& writer) {
  const auto has_file = [](const ShownUpstream& shown) { return shown.file.has_value(); };
  if (std::ranges::none_of(view.upstreams, has_file)) return;
  writer.begin({FamilyKind::counter, "onehop_endpoints_file_reads",
                "Readings of an endpoints_file, by whether they gave a list"});
  for (const ShownUpstream& shown : view.upstreams) {
    if (!shown.file.has_value()) continue;
    const auto sample = [&](std::string_view result, uint64_t count) {
      writer.sample(Labels().add("upstream", shown.name).add("result", result), count);
    };
    sample("success", shown.file->reads - shown.file->failed);
    sample("failure", shown.file->failed);
  }
}

// Of upstreams with names: the start waits for the first look-up of each.
void write_lookups(const View& view, ExpositionWriter& writer) {
  const auto has_names = [](const ShownUpstream& shown) { return shown.lookups > 0; };
  if (std::ranges::none_of(view.upstreams, has_names)) return;
  writer.begin({FamilyKind::counter, "onehop_dns_lookups",
                "Look-ups of names of endpoints, by whether they gave an address"});
  for (const ShownUpstream& shown : view.upstreams) {
    if (!has_names(shown)) continue;
    const auto sample = [&](std::string_view result, uint64_t count) {
      writer.sample(Labels().add("upstream", shown.name).add("result", result), count);
    };
    sample("success", shown.lookups - shown.failed);
    sample("failure", shown.failed);
  }
}

void write_rate_limits(const View& view, ExpositionWriter& writer) {
  if (view.rate_limits.empty()) return;
  writer.begin({FamilyKind::gauge, "onehop_rate_limit_keys",
                "Keys of a rate limit whose bucket is not full now"});
  for (const ShownRateLimit& limit : view.rate_limits)
    writer.sample(Labels().add("limit", limit.name), uint64_t{limit.keys});
  writer.begin(
      {FamilyKind::gauge, "onehop_rate_limit_room", "Keys that a rate limit has memory for"});
  for (const ShownRateLimit& limit : view.rate_limits)
    writer.sample(Labels().add("limit", limit.name), uint64_t{limit.room});
}

// Of each endpoint, as that is what it was learnt of.
void write_idle_timeouts(const View& view, ExpositionWriter& writer) {
  constexpr double kMsPerSecond = 1000;
  writer.begin({FamilyKind::gauge, "onehop_upstream_learned_idle_timeout_seconds",
                "How long connections to the endpoint may be idle, by who says so: configured "
                "(pool.idle_timeout), keep_alive (its own hint), observed (it closed one)",
                "seconds"});
  for (const ShownUpstream& shown : view.upstreams) {
    for (const ShownEndpoint& endpoint : shown.endpoints) {
      writer.sample(Labels()
                        .add("upstream", shown.name)
                        .add("endpoint", endpoint.address)
                        .add("why", endpoint.idle_why),
                    static_cast<double>(endpoint.idle_ms) / kMsPerSecond);
    }
  }
}

// Of this endpoint itself: whether its readers are a burden.
void write_admin(const View& view, ExpositionWriter& writer) {
  const Labels none;
  writer.begin({FamilyKind::gauge, "onehop_admin_connections_open",
                "Connections to the admin endpoint open now"});
  writer.sample(none, view.connections.open);
  writer.begin({FamilyKind::counter, "onehop_admin_connections_shed",
                "Connections to the admin endpoint closed to make room for newer ones"});
  writer.sample(none, view.connections.shed);
  writer.begin({FamilyKind::counter, "onehop_admin_documents",
                "Documents of the admin endpoint that were made; readers share them"});
  writer.sample(none, view.documents.made);
  writer.begin({FamilyKind::gauge, "onehop_admin_documents_held_bytes",
                "Bytes of the documents that are being read or may be shared", "bytes"});
  writer.sample(none, uint64_t{view.documents.held_bytes});
}

// Two samples with the same labels would make the document unsound.
void write_certificates(const View& view, ExpositionWriter& writer) {
  writer.begin({FamilyKind::gauge, "onehop_certificate_expiry_timestamp_seconds",
                "When a certificate that onehop presents ends, in seconds since 1970", "seconds"});
  std::set<std::string> written;
  for (const auto& [side, name, expiry] : view.certificates) {
    Labels labels;
    labels.add(side == Side::listener ? "listener" : "upstream", name)
        .add("file", expiry.file)
        .add("subject", expiry.subject);
    if (!written.insert(labels.text()).second) continue;
    writer.sample(labels, not_after_unix_s(expiry));
  }
}

}  // namespace

int64_t not_after_unix_s(const tls::CertificateExpiry& expiry) {
  using std::chrono::seconds;
  return std::chrono::floor<seconds>(expiry.not_after).time_since_epoch().count();
}

std::string metrics_document(const View& view, telemetry::Exposition format) {
  const telemetry::Snapshot snapshot = view.windows.snapshot(telemetry::Window::total, view.now_ns);
  const auto writer = telemetry::make_writer(format, view.start_time_unix_s);
  write_process(view, snapshot.workers, *writer);
  write_reloads(view, *writer);
  write_endpoint_files(view, *writer);
  write_lookups(view, *writer);
  write_health(view, *writer);
  write_admin(view, *writer);
  write_rate_limits(view, *writer);
  telemetry::write_metrics(snapshot, view.detail, *writer);
  write_idle_timeouts(view, *writer);
  write_certificates(view, *writer);
  return writer->finish();
}

}  // namespace onehop::admin
