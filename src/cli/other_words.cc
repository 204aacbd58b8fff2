// SPDX-License-Identifier: MIT
#include "other_words.h"

#include <fmt/format.h>

#include <algorithm>

namespace onehop::cli {
namespace {

struct OtherWord {
  std::string_view word;
  std::string_view meant;
};

// Of nginx, HAProxy, Envoy, Caddy and Traefik.
constexpr OtherWord kOtherWords[] = {
    {"-t", "onehop check FILE"},
    {"-T", "onehop check FILE"},
    {"--test", "onehop check FILE"},
    {"--check", "onehop check FILE"},
    {"--validate", "onehop check FILE"},
    {"--mode", "onehop check FILE"},
    {"test", "onehop check FILE"},
    {"configtest", "onehop check FILE"},
    {"validate", "onehop check FILE"},
    {"lint", "onehop check FILE"},
    {"-c", "onehop run FILE"},
    {"-f", "onehop run FILE"},
    {"--config", "onehop run FILE"},
    {"--config-path", "onehop run FILE"},
    {"--configFile", "onehop run FILE"},
    {"start", "onehop run FILE"},
    {"serve", "onehop run FILE"},
    {"server", "onehop run FILE"},
    {"-s reload", "onehop reload"},
    {"-s", "kill -TERM PID"},
    {"-x", "onehop run FILE --takeover"},
    {"-sf", "onehop run FILE --takeover"},
    {"stop", "kill -TERM PID"},
    {"quit", "kill -TERM PID"},
    {"status", "onehop stats"},
    {"top", "onehop stats"},
    {"health", "onehop check-health"},
    {"healthcheck", "onehop check-health"},
};

}  // namespace

std::string meant_by(std::string_view word, std::string_view next) {
  for (const std::string& words : {fmt::format("{} {}", word, next), std::string(word)}) {
    const auto known = std::ranges::find(kOtherWords, words, &OtherWord::word);
    if (known != std::end(kOtherWords)) return std::string(known->meant);
  }
  const bool is_file = word.ends_with(".toml") || word.find('/') != word.npos;
  return is_file ? fmt::format("onehop run {}", word) : std::string();
}

}  // namespace onehop::cli
