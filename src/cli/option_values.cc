// SPDX-License-Identifier: MIT
#include "option_values.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "onehop/base/ascii.h"
#include "onehop/config/units.h"

namespace onehop::cli {
namespace {

constexpr std::chrono::milliseconds kLeastTime(1);
constexpr std::chrono::milliseconds kMostTime = std::chrono::hours(1);

// The text of a table's right-hand column, in lines: CLI11 indents what follows a line's end.
std::string wrapped(const std::string& text, size_t columns) {
  std::string lines;
  size_t line_start = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find(' ', at), text.size());
    const size_t word = end - at;
    if (lines.size() > line_start && lines.size() + 1 + word - line_start > columns) {
      lines += '\n';
      line_start = lines.size();
    } else if (lines.size() > line_start) {
      lines += ' ';
    }
    lines.append(text, at, word);
    at = end + 1;
  }
  return lines;
}

class NarrowHelp final : public CLI::Formatter {
 public:
  std::string make_option_desc(const CLI::Option* option) const override {
    return wrapped(option->get_description(), kColumns - get_column_width());
  }
  std::string make_subcommand(const CLI::App* command) const override {
    std::string line = "  " + command->get_name();
    line.resize(get_column_width(), ' ');
    std::string text = wrapped(command->get_description(), kColumns - get_column_width());
    const std::string indent = '\n' + std::string(get_column_width(), ' ');
    for (size_t at = 0; (at = text.find('\n', at)) != std::string::npos; at += indent.size()) {
      text.replace(at, 1, indent);
    }
    return line + text + '\n';
  }

 private:
  static constexpr size_t kColumns = 80;
};

}  // namespace

CLI::Validator whole_number(uint64_t least, uint64_t most) {
  return CLI::Validator(
      [least, most](const std::string& text) {
        const std::optional<uint64_t> number = parse_decimal(text);
        if (number && *number >= least && *number <= most) return std::string();
        return fmt::format("a whole number from {} to {}, found \"{}\"", least, most, text);
      },
      "");
}

CLI::Validator duration() {
  return CLI::Validator(
      [](const std::string& text) {
        const auto time = config::parse_duration(text);
        if (time && *time >= kLeastTime && *time <= kMostTime) return std::string();
        return fmt::format("\"{}\" to \"{}\", found \"{}\"{}", config::duration_text(kLeastTime),
                           config::duration_text(kMostTime), text,
                           time ? "" : fmt::format(" ({})", time.error()));
      },
      "");
}

std::chrono::milliseconds milliseconds_of(const std::string& text) {
  return config::parse_duration(text).value_or(kMostTime);
}

CLI::Validator one_of(std::span<const std::string_view> words) {
  return CLI::Validator(
      [words = std::vector(words.begin(), words.end())](const std::string& text) {
        if (std::ranges::find(words, text) != words.end()) return std::string();
        return fmt::format("{} or {}, found \"{}\"",
                           fmt::join(words.begin(), words.end() - 1, ", "), words.back(), text);
      },
      "");
}

std::shared_ptr<CLI::FormatterBase> narrow_help() {
  return std::make_shared<NarrowHelp>();
}

}  // namespace onehop::cli
