// SPDX-License-Identifier: MIT
// The document of /metrics: the snapshot since start, and what concerns the whole process.
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

}  // namespace

std::string metrics_document(const View& view, telemetry::Exposition format) {
  const telemetry::Snapshot snapshot = view.windows.snapshot(telemetry::Window::total, view.now_ns);
  ExpositionWriter writer(format);
  write_process(view, snapshot.workers, writer);
  telemetry::write_metrics(snapshot, writer);
  return std::move(writer).finish();
}

}  // namespace onehop::admin
