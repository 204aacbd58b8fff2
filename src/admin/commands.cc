// SPDX-License-Identifier: MIT
#include "onehop/admin/commands.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "onehop/base/assert.h"

namespace onehop::admin {
namespace {

// Takes the part before `separator` off `rest`.
std::string_view take(std::string_view& rest, char separator) {
  const size_t end = rest.find(separator);
  const std::string_view part = rest.substr(0, end);
  rest = end == rest.npos ? std::string_view() : rest.substr(end + 1);
  return part;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

// Nothing where a percent sign has no two digits behind it, or a control character is in it.
std::optional<std::string> decoded(std::string_view text) {
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
      if (high < 0 || low < 0) return std::nullopt;
      c = static_cast<char>(high * 16 + low);
      i += 2;
    }
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) return std::nullopt;
    result += c;
  }
  return result;
}

// "name" of "{name}"; empty for a literal segment.
std::string_view name_in_braces(std::string_view segment) {
  const bool braces = segment.size() > 2 && segment.starts_with('{') && segment.ends_with('}');
  return braces ? segment.substr(1, segment.size() - 2) : std::string_view();
}

bool fits(std::string_view pattern, std::string_view path) {
  while (true) {
    const bool ends = pattern.find('/') == pattern.npos;
    if (ends != (path.find('/') == path.npos)) return false;
    const std::string_view wanted = take(pattern, '/');
    const std::string_view found = take(path, '/');
    const bool any = !name_in_braces(wanted).empty();
    if (any ? found.empty() : wanted != found) return false;
    if (ends) return true;
  }
}

Unexpected<std::string> wrong(std::string sentence) {
  return Unexpected<std::string>(std::move(sentence));
}

std::string known(const CommandRow& row) {
  return row.query.empty() ? "this command takes none"
                           : fmt::format("allowed: {}", fmt::join(row.query, ", "));
}

const std::string* find_in(const std::vector<std::pair<std::string_view, std::string>>& all,
                           std::string_view name) {
  for (const auto& [key, value] : all) {
    if (key == name) return &value;
  }
  return nullptr;
}

}  // namespace

std::string_view Command::part(std::string_view name) const {
  const std::string* found = find_in(parts_, name);
  ONEHOP_ASSERT(found != nullptr);
  return *found;
}

std::optional<std::string_view> Command::given(std::string_view key) const {
  const std::string* found = find_in(query_, key);
  if (found == nullptr) return std::nullopt;
  return *found;
}

void Commands::add(CommandRow row, Act act) {
  ONEHOP_ASSERT(row.method == "POST" || row.method == "PUT" || row.method == "DELETE");
  ONEHOP_ASSERT(std::ranges::none_of(entries_, [&](const Entry& entry) {
    return entry.row.method == row.method && entry.row.path == row.path;
  }));
  entries_.push_back({std::move(row), std::move(act)});
}

const Commands::Entry* Commands::find(std::string_view method, std::string_view path) const {
  const auto found = std::ranges::find_if(entries_, [&](const Entry& entry) {
    return entry.row.method == method && fits(entry.row.path, path);
  });
  return found == entries_.end() ? nullptr : &*found;
}

std::string Commands::methods_of(std::string_view path) const {
  std::vector<std::string_view> methods;
  for (const Entry& entry : entries_) {
    if (fits(entry.row.path, path) && std::ranges::find(methods, entry.row.method) == methods.end())
      methods.push_back(entry.row.method);
  }
  return fmt::format("{}", fmt::join(methods, ", "));
}

Result<Command, std::string> Commands::parse(const CommandRow& row, std::string_view target,
                                             std::string caller, std::string body) {
  Command command;
  command.caller_ = std::move(caller);
  command.body_ = std::move(body);
  std::string_view query = target;
  std::string_view path = take(query, '?');
  for (std::string_view pattern = row.path; !pattern.empty();) {
    const std::string_view name = name_in_braces(take(pattern, '/'));
    auto part = decoded(take(path, '/'));
    if (!part) return wrong("the path has a character that is not allowed, or a lone \"%\"");
    if (!name.empty()) command.parts_.emplace_back(name, std::move(*part));
  }
  while (!query.empty()) {
    std::string_view value = take(query, '&');
    const auto key = std::ranges::find(row.query, take(value, '='));
    if (key == row.query.end()) return wrong("unknown query key; " + known(row));
    if (command.given(*key)) return wrong(fmt::format("{} is given twice", *key));
    auto text = decoded(value);
    if (!text)
      return wrong(fmt::format("{} has a character that is not allowed, or a lone \"%\"", *key));
    command.query_.emplace_back(*key, std::move(*text));
  }
  return command;
}

}  // namespace onehop::admin
