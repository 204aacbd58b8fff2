// SPDX-License-Identifier: MIT
// The document of /metrics: the snapshot since start, and what concerns the whole process.
#include <chrono>
#include <set>
#include <utility>

#include "documents.h"
#include "process.h"

namespace onehop::admin {

namespace {

using telemetry::ExpositionWriter;
using telemetry::FamilyKind;
using telemetry::Labels;

void write_process(const View& view, size_t workers, ExpositionWriter& writer) {
  const Labels none;
  Labels version;
  version.add("version", view.version);
  writer.family(FamilyKind::info, "onehop_build", "The version that is running; always 1");
  writer.sample(version, uint64_t{1});
  writer.family(FamilyKind::gauge, "onehop_start_time_seconds",
                "When this process started, in seconds since 1970", "seconds");
  writer.sample(none, view.start_time_unix_s);
  writer.family(FamilyKind::gauge, "onehop_workers", "Worker threads");
  writer.sample(none, uint64_t{workers});

  const ProcessFacts facts = read_process_facts();
  writer.family(FamilyKind::gauge, "process_resident_memory_bytes", "Resident memory", "bytes");
  writer.sample(none, facts.resident_bytes);
  writer.family(FamilyKind::gauge, "process_open_fds", "Open file descriptors");
  writer.sample(none, facts.open_fds);
  writer.family(FamilyKind::gauge, "process_max_fds", "File descriptors that may be open");
  writer.sample(none, facts.max_fds);
  writer.family(FamilyKind::counter, "process_cpu_seconds", "User and system CPU time", "seconds");
  writer.sample(none, facts.cpu_seconds);
}

// Two samples with the same labels would make the document unsound.
void write_certificates(const View& view, ExpositionWriter& writer) {
  writer.family(FamilyKind::gauge, "onehop_certificate_expiry_timestamp_seconds",
                "When a certificate that onehop presents ends, in seconds since 1970", "seconds");
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
  ExpositionWriter writer(format);
  write_process(view, snapshot.workers, writer);
  telemetry::write_metrics(snapshot, writer);
  write_certificates(view, writer);
  return std::move(writer).finish();
}

}  // namespace onehop::admin
