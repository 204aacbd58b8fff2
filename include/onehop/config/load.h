// SPDX-License-Identifier: MIT
// From TOML text to a Config, or to every error of the file at once.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "onehop/base/result.h"
#include "onehop/config/config.h"

namespace onehop::config {

// A warning is something that works and is probably not what was meant.
enum class Severity : uint8_t { mistake, warning };

// One mistake: prints as `FILE:LINE:COLUMN: KEY: SENTENCE`, and a warning with `warning: ` before
// the key. Line and column count from 1; line 0 is no place in the file, and is not printed.
struct Problem {
  std::string file;  // empty where the sentence names it
  uint32_t line = 0;
  uint32_t column = 0;
  // Dotted, such as upstream.app.pool.max_idle; entries of arrays count from 0, as in
  // route[0].path. Empty where there is none.
  std::string key;
  // What is allowed, what was found, and a suggestion where a key looks misspelt.
  std::string sentence;
  Severity severity = Severity::mistake;

  std::string to_string() const;
};

// Looks a variable up for ${VAR}; the default one asks the environment.
using Lookup = std::function<std::optional<std::string>(std::string_view)>;
Lookup environment();

// What a room to the right knows of a Config: whether a certificate can be read, for one. Its
// problems have a key and a sentence; who calls it adds the file and the place. The Config that it
// is given may have problems elsewhere: then every value that was refused is at its default, and
// what is said of a listener or an upstream with such a problem is left out, as it may follow from
// that.
using FurtherCheck = std::function<std::vector<Problem>(const Config&)>;

// Parses and checks everything. `file` is used in messages, and relative paths in the text begin at
// its folder: a Config has them joined to it. Every problem has its place: that of its key, or of
// the nearest table above where the file does not have the key. A text that is not TOML, or defines
// something twice, is one problem.
Result<Config, std::vector<Problem>> parse(std::string_view text, std::string_view file,
                                           const Lookup& lookup = environment(),
                                           const FurtherCheck& further = {});

// A file without a mistake.
struct Examined {
  Config config;
  std::vector<Problem> warnings;  // in the order of their places
  std::string text;               // that it was made of
};

// As parse(), with the warnings. Where there is a mistake there are none, as they may follow from
// it.
Result<Examined, std::vector<Problem>> examine(std::string_view text, std::string_view file,
                                               const Lookup& lookup = environment(),
                                               const FurtherCheck& further = {});

// Reads the file, or standard input where the path is "-", and examines it; what cannot be read is
// one Problem without a place.
Result<Examined, std::vector<Problem>> load(const std::string& path,
                                            const Lookup& lookup = environment(),
                                            const FurtherCheck& further = {});

// The checks of finished values: ranges, forms of addresses, and what holds across keys
// (duplicates, routes to unknown upstreams). parse() makes them too; call it for a Config that was
// built by hand, as `onehop proxy` does. Empty when there is no mistake; the file is "command
// line", and there are no places. Relative paths begin at the working directory.
std::vector<Problem> check(const Config& config, const FurtherCheck& further = {});

// The key of an upstream, as problems have it: upstream.app, or upstream."a.b".
std::string upstream_key(std::string_view name);

// The Config as TOML with every key present, which parses back to the same Config. A table that is
// not there is written with the comments alone, as a comment that shows what it would hold. Used
// for conf/reference.toml. What came from variables is written as it is, secrets too.
std::string to_toml(const Config& config, bool with_comments);

// The effective values as a JSON document for `GET /config`, with the keys and the notation of the
// file, less the tables that are not there; secrets are masked. The Config has passed check().
std::string to_json(const Config& config);

}  // namespace onehop::config
