// SPDX-License-Identifier: MIT
#include "tests/unit/telemetry/exposition_checker.h"

#include <cmath>
#include <cstdlib>
#include <limits>
#include <optional>
#include <sstream>

namespace onehop::test {

namespace {

using telemetry::Exposition;

bool is_name_char(char c, bool first) {
  const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':';
  return letter || (!first && c >= '0' && c <= '9');
}

// Takes a name off the front of `text`; empty when there is none.
std::string take_name(std::string& text) {
  size_t end = 0;
  while (end < text.size() && is_name_char(text[end], end == 0)) ++end;
  std::string name = text.substr(0, end);
  text.erase(0, end);
  return name;
}

bool take(std::string& text, const std::string& expected) {
  if (text.compare(0, expected.size(), expected) != 0) return false;
  text.erase(0, expected.size());
  return true;
}

bool ends_with(const std::string& text, const std::string& ending) {
  return text.size() > ending.size() &&
         text.compare(text.size() - ending.size(), ending.size(), ending) == 0;
}

// Takes `"value"` off the front and returns what is between the quotes, still escaped.
std::optional<std::string> take_quoted(std::string& text) {
  if (!take(text, "\"")) return std::nullopt;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') {
      const std::string value = text.substr(0, i);
      text.erase(0, i + 1);
      return value;
    }
    if (text[i] != '\\') continue;
    ++i;
    if (i == text.size() || std::string("\\\"n").find(text[i]) == std::string::npos) break;
  }
  return std::nullopt;
}

struct Sample {
  std::string name;
  std::string labels;  // all but le, as written
  std::string le;      // empty: none
  double value = 0;
};

// name{label="value",...} number
std::optional<Sample> parse_sample(std::string line) {
  Sample sample;
  sample.name = take_name(line);
  if (sample.name.empty()) return std::nullopt;
  if (take(line, "{")) {
    do {
      const std::string label = take_name(line);
      if (label.empty() || !take(line, "=")) return std::nullopt;
      const std::optional<std::string> value = take_quoted(line);
      if (!value) return std::nullopt;
      if (label == "le") {
        sample.le = *value;
        continue;
      }
      if (!sample.labels.empty()) sample.labels += ",";
      sample.labels += label + "=\"" + *value + "\"";
    } while (take(line, ","));
    if (!take(line, "}")) return std::nullopt;
  }
  if (!take(line, " ") || line.empty()) return std::nullopt;
  char* end = nullptr;
  sample.value = std::strtod(line.c_str(), &end);
  if (*end != '\0') return std::nullopt;
  return sample;
}

class Checker {
 public:
  explicit Checker(Exposition format) : format_(format) {}

  void read(const std::string& text) {
    if (text.empty() || text.back() != '\n') fault("the last line does not end", "");
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
      if (ended_) fault("a line after # EOF", line);
      if (line == "# EOF") {
        ended_ = true;
      } else if (line.rfind("# ", 0) == 0) {
        read_comment(line);
      } else {
        read_sample(line);
      }
    }
    end_family();
    if (ended_ != (format_ == Exposition::openmetrics)) fault("# EOF belongs to OpenMetrics", "");
  }

  ExpositionText result;

 private:
  struct Series {  // one histogram
    double last_edge = -std::numeric_limits<double>::infinity();
    double last_count = 0;
    double infinite = -1;
    double count = -1;
    bool has_sum = false;
  };

  void fault(const std::string& sentence, const std::string& line) {
    result.faults.push_back(sentence + ": " + line);
  }

  void read_comment(const std::string& line) {
    std::string rest = line.substr(2);
    const std::string keyword = take_name(rest);
    if (keyword != "HELP" && keyword != "TYPE" && keyword != "UNIT") {
      return fault("not HELP, TYPE or UNIT", line);
    }
    take(rest, " ");
    const std::string name = take_name(rest);
    if (name.empty() || !take(rest, " ") || rest.empty()) return fault("malformed", line);
    if (keyword == "HELP") {
      end_family();
      family_ = name;
      type_.clear();
      if (!result.help.emplace(name, rest).second) fault("a family twice", line);
    }
    if (name != family_) return fault("metadata of another family", line);
    if (keyword == "TYPE") {
      type_ = rest;
      result.types[name] = type_;
    }
    if (keyword == "UNIT") {
      if (format_ != Exposition::openmetrics) fault("UNIT is of OpenMetrics", line);
      if (!ends_with(name, "_" + rest)) fault("the name does not end in its unit", line);
    }
  }

  // What may follow the family's name, by its type and format.
  bool suffix_fits(const std::string& suffix) const {
    const bool open = format_ == Exposition::openmetrics;
    if (type_ == "counter") return suffix == (open ? "_total" : "");
    if (type_ == "info") return open && suffix == "_info";
    if (type_ == "gauge") return suffix.empty();
    return type_ == "histogram" && (suffix == "_bucket" || suffix == "_sum" || suffix == "_count");
  }

  void read_sample(const std::string& line) {
    const std::optional<Sample> sample = parse_sample(line);
    if (!sample) return fault("not a sample", line);
    const std::string& name = sample->name;
    if (type_.empty() || name.rfind(family_, 0) != 0) return fault("outside its family", line);
    const std::string suffix = name.substr(family_.size());
    if (!suffix_fits(suffix)) return fault("a name that does not fit " + type_, line);
    if (type_ == "counter" && !ends_with(name, "_total")) fault("a counter without _total", line);
    if ((suffix == "_bucket") == sample->le.empty()) fault("le belongs to buckets", line);
    const std::string comma = sample->labels.empty() ? "" : ",";
    const std::string le = sample->le.empty() ? "" : comma + "le=\"" + sample->le + "\"";
    const std::string key = name + "{" + sample->labels + le + "}";
    if (!result.samples.emplace(key, sample->value).second) fault("twice", line);
    if (type_ == "histogram") read_histogram(suffix, *sample, line);
  }

  void read_histogram(const std::string& suffix, const Sample& sample, const std::string& line) {
    Series& series = series_[sample.labels];
    if (suffix == "_count") series.count = sample.value;
    if (suffix == "_sum") series.has_sum = true;
    if (suffix != "_bucket" || sample.le.empty()) return;
    const double edge = sample.le == "+Inf" ? std::numeric_limits<double>::infinity()
                                            : std::strtod(sample.le.c_str(), nullptr);
    if (edge <= series.last_edge) fault("edges that do not ascend", line);
    if (sample.value < series.last_count) fault("buckets that are not cumulative", line);
    series.last_edge = edge;
    series.last_count = sample.value;
    if (std::isinf(edge)) series.infinite = sample.value;
  }

  void end_family() {
    if (!family_.empty() && type_.empty()) fault("a family without TYPE", family_);
    for (const auto& [labels, series] : series_) {
      const std::string name = family_ + "{" + labels + "}";
      if (series.infinite < 0) fault("no +Inf bucket", name);
      if (series.infinite != series.count) fault("+Inf is not _count", name);
      if (!series.has_sum) fault("no _sum", name);
    }
    series_.clear();
  }

  Exposition format_;
  std::string family_;
  std::string type_;
  std::map<std::string, Series> series_;
  bool ended_ = false;
};

}  // namespace

ExpositionText check_exposition(const std::string& text, Exposition format) {
  Checker checker(format);
  checker.read(text);
  return checker.result;
}

}  // namespace onehop::test
