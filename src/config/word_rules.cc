// SPDX-License-Identifier: MIT
#include "word_rules.h"

#include <algorithm>

#include "onehop/base/ascii.h"
#include "onehop/config/hash_key.h"
#include "onehop/config/rate_limit.h"
#include "onehop/telemetry/status_class.h"
#include "text_rules.h"

namespace onehop::config {
namespace {

// RFC 6265 4.1.1: any character but a control or ";".
bool is_cookie_path(std::string_view text) {
  return text.starts_with('/') &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~' && c != ';'; });
}

bool is_method(std::string_view text) {
  const auto fit = [](char c) { return (c >= 'A' && c <= 'Z') || c == '-' || c == '_'; };
  return !text.empty() && text.size() <= 32 && std::ranges::all_of(text, fit);
}

bool is_request_path(std::string_view text) {
  const auto fit = [](char c) { return c > ' ' && c < 0x7f && c != '#'; };
  return text.starts_with('/') && std::ranges::all_of(text, fit);
}

bool is_status(std::string_view text) {
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  const bool fit = text.size() == 3 && text[0] >= '1' && text[0] <= '5';
  return fit && (text.substr(1) == "xx" || std::ranges::all_of(text, digit));
}

bool is_printable(std::string_view text) {
  const auto fit = [](char c) { return static_cast<unsigned char>(c) >= ' ' && c != 0x7f; };
  return std::ranges::all_of(text, fit);
}

bool is_one_of(std::string_view text, const auto& names) {
  return std::ranges::find(names, text) != names.end();
}

// A row for each rule.
struct Word {
  Text rule;
  bool (*fits)(std::string_view);
  std::string (*allowed)();
};
const Word kWords[] = {
    {Text::status_class,
     [](std::string_view text) { return is_one_of(text, telemetry::kStatusClassNames); },
     []() -> std::string { return R"("1xx", "2xx", "3xx", "4xx", "5xx" or "none")"; }},
    {Text::method, [](std::string_view text) { return is_method(text); },
     []() -> std::string { return R"(a method such as "GET")"; }},
    {Text::request_path, [](std::string_view text) { return is_request_path(text); },
     []() -> std::string { return R"(a path that starts with "/", as it is sent)"; }},
    {Text::status, [](std::string_view text) { return is_status(text); },
     []() -> std::string { return R"("1xx" to "5xx", or a number from 100 to 599)"; }},
    {Text::any, [](std::string_view text) { return is_printable(text); },
     []() -> std::string { return "text without control characters"; }},
    {Text::failure, [](std::string_view text) { return is_one_of(text, names(Failure{})); },
     []() -> std::string { return allowed(Choice<Failure>{}); }},
    {Text::hash_key,
     [](std::string_view text) { return text.empty() || HashKey::parse(text).has_value(); },
     []() -> std::string {
       return R"("header:NAME", "cookie:NAME", "query:NAME", "client", "path" or "")";
     }},
    {Text::zone, [](std::string_view text) { return made_of(text, "_.-"); },
     []() -> std::string { return R"(letters, digits, "_", "." and "-", or "")"; }},
    {Text::cookie, [](std::string_view text) { return text.empty() || onehop::is_token(text); },
     []() -> std::string { return R"(the name of a cookie, or "")"; }},
    {Text::cookie_path, [](std::string_view text) { return is_cookie_path(text); },
     []() -> std::string {
       return R"(a path that starts with "/", of visible ASCII without ";")";
     }},
    {Text::rate_key, [](std::string_view text) { return rate_key(text).has_value(); },
     []() -> std::string { return R"("client", "header:NAME", "cookie:NAME", "path" or "all")"; }},
    {Text::table_name, [](std::string_view text) { return !text.empty() && made_of(text, "_.-"); },
     []() -> std::string { return R"(a name of letters, digits, "_", "." and "-")"; }},
};

const Word& word_of(Text rule) {
  return *std::ranges::find(kWords, rule, &Word::rule);
}

}  // namespace

bool fits_word(Text rule, std::string_view text) {
  return word_of(rule).fits(text);
}

std::string allowed_word(Text rule) {
  return word_of(rule).allowed();
}

}  // namespace onehop::config
