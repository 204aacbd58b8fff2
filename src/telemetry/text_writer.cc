// SPDX-License-Identifier: MIT
// The two text formats differ in four places: OpenMetrics names a counter's family without _total,
// knows the type `info`, has UNIT lines, and ends with # EOF. (Where there is no type `info` it is
// a gauge.)
#include <fmt/format.h>

#include <iterator>
#include <utility>

#include "writers.h"

namespace onehop::telemetry {

namespace {

std::string_view kind_name(FamilyKind kind, Exposition format) {
  switch (kind) {
    case FamilyKind::counter:
      return "counter";
    case FamilyKind::gauge:
      return "gauge";
    case FamilyKind::histogram:
      return "histogram";
    case FamilyKind::info:
      return format == Exposition::openmetrics ? "info" : "gauge";
  }
  return "";
}

void append_escaped(std::string_view text, std::string_view special, std::string& into) {
  for (const char c : text) {
    if (c == '\n') {
      into += "\\n";
      continue;
    }
    if (special.find(c) != std::string_view::npos) into += '\\';
    into += c;
  }
}

class TextWriter final : public ExpositionWriter {
 public:
  explicit TextWriter(Exposition format) : format_(format) {}

  void begin(const Family& family) override {
    const bool openmetrics = format_ == Exposition::openmetrics;
    kind_ = family.kind;
    name_ = family.name;
    const std::string shown = openmetrics ? name_ : name_ + std::string(suffix_of(kind_));
    text_ += fmt::format("# HELP {} ", shown);
    append_escaped(family.help, openmetrics ? "\\\"" : "\\", text_);
    text_ += fmt::format("\n# TYPE {} {}\n", shown, kind_name(kind_, format_));
    if (openmetrics && !family.unit.empty())
      text_ += fmt::format("# UNIT {} {}\n", shown, family.unit);
  }

  void sample(const Labels& labels, uint64_t value) override {
    line(suffix_of(kind_), labels.text(), fmt::format_int(value).c_str());
  }
  void sample(const Labels& labels, int64_t value) override {
    line(suffix_of(kind_), labels.text(), fmt::format_int(value).c_str());
  }
  void sample(const Labels& labels, double value) override {
    line(suffix_of(kind_), labels.text(), fmt::format("{}", value));
  }

  void histogram(const Labels& labels, const HistogramValues& values) override {
    const auto counts = cumulative(values);
    for (size_t i = 0; i < kEdges.size(); ++i) bucket(labels.text(), kEdges[i].text, counts[i]);
    bucket(labels.text(), "+Inf", values.count());
    line("_sum", labels.text(), fmt::format("{}", seconds(values.sum_ns())));
    line("_count", labels.text(), fmt::format_int(values.count()).c_str());
  }

  std::string finish() override {
    if (format_ == Exposition::openmetrics) text_ += "# EOF\n";
    return std::move(text_);
  }

 private:
  void line(std::string_view suffix, std::string_view labels, std::string_view value) {
    text_.append(name_).append(suffix);
    if (!labels.empty()) text_.append("{").append(labels).append("}");
    text_.append(" ").append(value).append("\n");
  }

  void bucket(std::string_view labels, std::string_view edge, uint64_t count) {
    fmt::format_to(std::back_inserter(text_), "{}_bucket{{{}{}le=\"{}\"}} {}\n", name_, labels,
                   labels.empty() ? "" : ",", edge, count);
  }

  Exposition format_;
  FamilyKind kind_ = FamilyKind::gauge;
  std::string name_;
  std::string text_;
};

}  // namespace

std::string_view suffix_of(FamilyKind kind) {
  switch (kind) {
    case FamilyKind::counter:
      return "_total";
    case FamilyKind::info:
      return "_info";
    case FamilyKind::gauge:
    case FamilyKind::histogram:
      return "";
  }
  return "";
}

void add_text(std::string_view name, std::string_view value, std::string& into) {
  if (!into.empty()) into += ',';
  into.append(name).append("=\"");
  append_escaped(value, "\\\"", into);
  into += '"';
}

std::unique_ptr<ExpositionWriter> make_text_writer(Exposition format) {
  return std::make_unique<TextWriter>(format);
}

}  // namespace onehop::telemetry
