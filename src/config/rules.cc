// SPDX-License-Identifier: MIT
// The words of the rules: what is allowed, and a value as the file writes it.
#include "onehop/config/rules.h"

#include <fmt/format.h>

#include "onehop/config/units.h"
#include "text_rules.h"
#include "word_rules.h"

namespace onehop::config {

std::string allowed(const Count& rule) {
  const std::string range = fmt::format("{} to {}", rule.least, rule.most);
  return rule.zero.empty() ? range : fmt::format("\"{}\" or {}", rule.zero, range);
}

std::string allowed(const Bytes& rule) {
  const std::string note =
      rule.least_key.empty() ? std::string() : fmt::format(" (the value of {})", rule.least_key);
  return fmt::format("{}{} to {}", written(rule, rule.least), note, written(rule, rule.most));
}

std::string allowed(const Time& rule) {
  const bool whole_seconds = rule.step == std::chrono::seconds(1);
  return fmt::format("{} to {}{}", written(rule, rule.least), written(rule, rule.most),
                     whole_seconds ? " in whole seconds" : "");
}

std::string allowed(const Frequency& rule) {
  const std::string word = rule.zero.empty() ? "" : in_quotes(rule.zero) + " or ";
  return fmt::format(R"({}a rate such as "100/1s": 1 to {} in 1s to 24h, in whole seconds)", word,
                     Frequency::kMost);
}

std::string allowed(Share rule) {
  const std::string range = "0 to " + written(Share{}, rule.most);
  return rule.automatic == Share::Auto::allowed ? "\"auto\" or " + range : range;
}

std::string allowed(Flag) {
  return "true or false";
}

std::string allowed(Text rule) {
  switch (rule) {
    case Text::listen_address:
      return R"("IP:PORT", "[IP6]:PORT", "localhost:PORT", ":PORT" or "unix:/path")";
    case Text::admin_address:
      return R"("IP:PORT", "[IP6]:PORT", "localhost:PORT", ":PORT" or "")";
    case Text::endpoint_address:
      return R"("IP:PORT", "[IP6]:PORT" or "NAME:PORT" with a port from 1 to 65535, "srv:NAME" or )"
             R"("unix:/path")";
    case Text::name_server:
      return R"(the address of a name server: "IP", "IP:PORT" or "[IP6]:PORT")";
    case Text::block:
      return R"(an IP address, a block such as "10.0.0.0/8", or "unix")";
    case Text::file_mode:
      return R"(an octal number from "0000" to "0777")";
    case Text::host:
      return R"(a name such as "example.org", a wildcard such as "*.example.org", or "")";
    case Text::path:
      return R"(a path that starts with "/", as it is sent: no blank, backslash, "?", "#" or )"
             R"("*", and "%" only before two hex digits)";
    case Text::upstream:
      return "the name of an upstream";
    case Text::rate_limit:
      return "the name of a rate limit";
    case Text::file:
      return "the path of a file";
    case Text::optional_file:
      return R"(the path of a file, or "")";
    case Text::file_pattern:
      return R"(the path of a file, or a pattern such as "conf.d/*.toml")";
    case Text::ciphers:
      return R"(names with ":" between them, as OpenSSL has them, or "")";
    case Text::field:
      return R"(the name of a field that nobody else uses, or "")";
    case Text::identity_field:
      return "the name of a field that HTTP itself has no use for";
    case Text::forwarded_form:
      return R"("x-forwarded" or "x-real-ip" or "forwarded")";
    case Text::server_name:
      return R"(a name such as "example.org", an IP address, or "")";
    case Text::optional_socket:
      return R"(the path of a unix socket, at most 107 bytes, or "")";
    case Text::token:
      return R"(16 to 512 letters, digits and signs of ASCII without a blank, or "")";
    case Text::log_file:
      return R"(the path of a file, "-" or "")";
    case Text::access_format:
      return R"("json", "combined", or text with fields such as "{status}")";
    case Text::status_class:
    case Text::method:
    case Text::request_path:
    case Text::status:
    case Text::any:
    case Text::failure:
    case Text::hash_key:
    case Text::zone:
    case Text::cookie:
    case Text::cookie_path:
    case Text::rate_key:
    case Text::table_name:
      return allowed_word(rule);
  }
  return "";
}

std::string written(const Count& rule, uint64_t value) {
  return value == 0 && !rule.zero.empty() ? in_quotes(rule.zero) : std::to_string(value);
}

std::string written(const Bytes&, uint64_t value) {
  return in_quotes(size_text(value));
}

std::string written(const Time&, milliseconds value) {
  return in_quotes(duration_text(value));
}

std::string written(const Frequency& rule, const PerTime& value) {
  if (value.count == 0) return in_quotes(rule.zero);
  return in_quotes(fmt::format("{}/{}", value.count, duration_text(value.time)));
}

// 1 is no float, for what reads it; 0.05 has no zeros behind.
std::string written(Share, uint32_t millionths) {
  if (millionths == AccessLog::kAutomatic) return in_quotes("auto");
  if (millionths % AccessLog::kAll == 0) return std::to_string(millionths / AccessLog::kAll);
  std::string digits = fmt::format("0.{:06}", millionths);
  digits.erase(digits.find_last_not_of('0') + 1);
  return digits;
}

std::string written(Flag, bool value) {
  return value ? "true" : "false";
}

std::string written(Text, std::string_view value) {
  return in_quotes(value);
}

std::string written(Text rule, const std::vector<std::string>& values) {
  std::string list;
  for (const std::string& value : values) {
    if (!list.empty()) list += ", ";
    list += written(rule, value);
  }
  return '[' + list + ']';
}

}  // namespace onehop::config
