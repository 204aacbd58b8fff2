// SPDX-License-Identifier: MIT
// Every mistake that a file can hold, with the exact line it is answered with.
#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tests/unit/config/texts.h"

namespace onehop::config {
namespace {

using Lines = std::vector<std::string>;
using testing::lines;
using testing::problems_above_rest;
using testing::problems_of;

struct Case {
  std::string text;
  std::string problem;
};

const std::vector<Case> kValues = {
    // Integers.
    {"[server]\nworkers = 5000", R"(2:11: server.workers: "auto" or 0 to 1024, found 5000)"},
    {"[server]\nworkers = -1", R"(2:11: server.workers: "auto" or 0 to 1024, found -1)"},
    {"[server]\nworkers = \"4\"",
     R"(2:11: server.workers: "auto" or 0 to 1024, found "4" (a string))"},
    {"[server]\nworkers = \"${WORD}\"",
     R"(2:11: server.workers: "auto" or 0 to 1024, found "many")"},
    {"[server]\nworkers = 1.5",
     R"(2:11: server.workers: "auto" or 0 to 1024, found 1.5 (a float))"},
    {"[server]\nworkers = 1.0",
     R"(2:11: server.workers: "auto" or 0 to 1024, found 1.0 (a float))"},
    {"[server]\nworkers = inf",
     R"(2:11: server.workers: "auto" or 0 to 1024, found inf (a float))"},
    {"[server]\nworkers = \"\"",
     R"(2:11: server.workers: "auto" or 0 to 1024, found an empty string)"},
    {"[server]\nworkers = true",
     R"(2:11: server.workers: "auto" or 0 to 1024, found true (a boolean))"},
    {"[server]\nworkers = [1]", R"(2:11: server.workers: "auto" or 0 to 1024, found an array)"},
    {"[server]\nworkers = {}", R"(2:11: server.workers: "auto" or 0 to 1024, found a table)"},
    {"[server]\nworkers = 1979-05-27",
     R"(2:11: server.workers: "auto" or 0 to 1024, found a date or time)"},
    {"[server.limits]\nhead_fields = 0", "2:15: server.limits.head_fields: 1 to 1000, found 0"},
    {"[server.limits]\nhead_fields = \"auto\"",
     R"(2:15: server.limits.head_fields: 1 to 1000, found "auto" (a string))"},
    // Durations.
    {"[server]\ndrain = 30",
     R"(2:9: server.drain: "0s" to "1h", found 30 (without a unit: ms, s, m, h))"},
    {"[server]\ndrain = 1.5",
     R"(2:9: server.drain: "0s" to "1h", found 1.5 (without a unit: ms, s, m, h))"},
    {"[server]\ndrain = \"30\"",
     R"(2:9: server.drain: "0s" to "1h", found "30" (without a unit: ms, s, m, h))"},
    {"[server]\ndrain = \"1.5\"",
     R"(2:9: server.drain: "0s" to "1h", found "1.5" (without a unit: ms, s, m, h))"},
    {"[server]\ndrain = \"\"",
     R"(2:9: server.drain: "0s" to "1h", found an empty string (units: ms, s, m, h))"},
    {"[server]\ndrain = \"s\"",
     R"(2:9: server.drain: "0s" to "1h", found "s" (units: ms, s, m, h))"},
    {"[server]\ndrain = \"1.s\"",
     R"(2:9: server.drain: "0s" to "1h", found "1.s" (units: ms, s, m, h))"},
    {"[server]\ndrain = \"1.2.3s\"",
     R"(2:9: server.drain: "0s" to "1h", found "1.2.3s" (units: ms, s, m, h))"},
    {"[server]\ndrain = \"3 s\"",
     R"(2:9: server.drain: "0s" to "1h", found "3 s" (units: ms, s, m, h))"},
    {"[server]\ndrain = \"-3s\"", R"(2:9: server.drain: "0s" to "1h", found "-3s" (negative))"},
    {"[server]\ndrain = \"0.5ms\"",
     R"(2:9: server.drain: "0s" to "1h", found "0.5ms" (not a whole number of ms))"},
    {"[server]\ndrain = \"0.0000001h\"",
     R"(2:9: server.drain: "0s" to "1h", found "0.0000001h" (not a whole number of ms))"},
    {"[server]\ndrain = \"61m\"", R"(2:9: server.drain: "0s" to "1h", found "61m")"},
    {"[server]\ndrain = \"99999999999999999999s\"",
     R"(2:9: server.drain: "0s" to "1h", found "99999999999999999999s" (too large))"},
    {"[server]\ndrain = \"9999999999999999h\"",
     R"(2:9: server.drain: "0s" to "1h", found "9999999999999999h" (too large))"},
    {"[server]\ndrain = false", R"(2:9: server.drain: "0s" to "1h", found false (a boolean))"},
    // Sizes and rates.
    {"[server.limits]\nresponse_head = \"2MiB\"",
     R"(2:17: server.limits.response_head: "1KiB" to "1MiB", found "2MiB")"},
    {"[server.limits]\nresponse_head = 5",
     R"(2:17: server.limits.response_head: "1KiB" to "1MiB", found 5)"},
    {"[server.limits]\nresponse_head = -5",
     R"(2:17: server.limits.response_head: "1KiB" to "1MiB", found -5)"},
    {"[server.limits]\nresponse_head = 1e3",
     R"(2:17: server.limits.response_head: "1KiB" to "1MiB", found 1000.0 (a float))"},
    {"[server.limits]\nresponse_head = \"2K\"",
     R"(2:17: server.limits.response_head: "1KiB" to "1MiB", found "2K" )"
     R"((units: B, KB, MB, GB, TB, KiB, MiB, GiB, TiB; did you mean "2KiB"?))"},
    {"[server.limits]\nrequest_body = \"10m\"",
     R"(2:16: server.limits.request_body: "0B" to "1TiB", found "10m" )"
     R"((units: B, KB, MB, GB, TB, KiB, MiB, GiB, TiB; did you mean "10MiB"?))"},
    {"[server.limits]\nrequest_body = \"10min\"",
     R"(2:16: server.limits.request_body: "0B" to "1TiB", found "10min" )"
     "(units: B, KB, MB, GB, TB, KiB, MiB, GiB, TiB)"},
    {"[server.limits]\nresponse_head = \"2.5B\"",
     R"(2:17: server.limits.response_head: "1KiB" to "1MiB", found "2.5B" )"
     "(not a whole number of bytes)"},
    {"[server.limits]\nrequest_line = \"40KiB\"\nrequest_head = \"36KiB\"",
     R"(3:16: server.limits.request_head: "40KiB" (the value of request_line) to "1MiB", )"
     R"(found "36KiB")"},
    {"[server.limits]\nrequest_line = \"40KiB\"",
     R"(1:1: server.limits.request_head: "40KiB" (the value of request_line) to "1MiB", )"
     R"(found "32KiB")"},
    {"[server.timeouts]\nrequest_body_min_rate = 0",
     R"(2:25: server.timeouts.request_body_min_rate: "1B" to "1GiB", found 0)"},
    // Text.
    {"[server]\ntrusted_proxies = [\"::1\", \"10.0.0.0/33\"]",
     "2:27: server.trusted_proxies[1]: "
     R"(an IP address, a block such as "10.0.0.0/8", or "unix", found "10.0.0.0/33")"},
    {"[server]\ntrusted_proxies = [5]",
     "2:20: server.trusted_proxies[0]: "
     R"(an IP address, a block such as "10.0.0.0/8", or "unix", found 5 (an integer))"},
    {"[server]\ntrusted_proxies = [\"\"]",
     "2:20: server.trusted_proxies[0]: "
     R"(an IP address, a block such as "10.0.0.0/8", or "unix", found an empty string)"},
    {"[server]\ntrusted_proxies = \"::1\"",
     R"(2:19: server.trusted_proxies: an array of strings, found "::1" (a string))"},
    {"[server]\nidentity_fields = [\"X-User\", \"X User\"]",
     "2:30: server.identity_fields[1]: the name of a field that HTTP itself has no use for, found "
     R"("X User" (a character that no field name has))"},
    {"[server]\nidentity_fields = [\"cookie\"]",
     "2:20: server.identity_fields[0]: the name of a field that HTTP itself has no use for, found "
     R"("cookie" (it has a meaning in HTTP))"},
    {"[server]\nidentity_fields = [\"\"]",
     "2:20: server.identity_fields[0]: the name of a field that HTTP itself has no use for, found "
     "an empty string"},
    {"[server]\nvia = \"on\"",
     R"(2:7: server.via: "off" or "requests" or "responses" or "both", found "on")"},
    {"[admin]\nlisten = \"example.org:80\"",
     R"(2:10: admin.listen: "IP:PORT", "[IP6]:PORT", "localhost:PORT", ":PORT" or "", )"
     R"(found "example.org:80" (a name, and listeners begin before names are looked up))"},
    {"[admin]\nlisten = 9900",
     R"(2:10: admin.listen: "IP:PORT", "[IP6]:PORT", "localhost:PORT", ":PORT" or "", )"
     "found 9900 (an integer)"},
    {"[admin]\nlisten = \"0.0.0.0:99999\"",
     R"(2:10: admin.listen: "IP:PORT", "[IP6]:PORT", "localhost:PORT", ":PORT" or "", )"
     R"(found "0.0.0.0:99999" (ports end at 65535))"},
    {"[admin]\nlisten = \"localhost:8080\"",
     "2:10: admin.listen: an address of its own, found that of listener[0].address (line 4)"},
    {"[admin]\nlisten = \"0.0.0.0:8080\"",
     R"(2:10: admin.listen: an address of its own, found "0.0.0.0:8080", which overlaps with that )"
     "of listener[0].address (line 4)"},
    {"[admin]\nlisten = \"[::]:8080\"",
     R"(2:10: admin.listen: an address of its own, found "[::]:8080", which overlaps with that )"
     "of listener[0].address (line 4)"},
    {"[admin]\nlisten = \"[::ffff:127.0.0.1]:8080\"",
     "2:10: admin.listen: an address of its own, found that of listener[0].address (line 4)"},
    {"[log]\nlevel = \"loud\"",
     R"(2:9: log.level: "debug" or "info" or "warning" or "error", found "loud")"},
    {"[log]\nlevel = 3",
     R"(2:9: log.level: "debug" or "info" or "warning" or "error", found 3 (an integer))"},
    // Variables.
    {"[log]\nlevel = \"${NOPE}\"",
     "2:9: log.level: a variable that is set, or a default as in ${NOPE:-value}, found no NOPE"},
    {"[log]\nlevel = \"in${WORD\"",
     "2:9: log.level: ${VAR} with its closing brace (a literal ${ is written $${), "
     R"(found "${WORD")"},
    {"[log]\nlevel = \"${1A}\"", R"(2:9: log.level: ${VAR} or ${VAR:-default}, found "${1A}")"},
    {"[log]\nlevel = \"${}\"", R"(2:9: log.level: ${VAR} or ${VAR:-default}, found "${}")"},
    // Tables and keys.
    {"[server]\nworker = 1", "2:1: server.worker: an unknown key; did you mean `workers`?"},
    {"[server.limits]\nhead = 1",
     "2:1: server.limits.head: an unknown key; did you mean `head_fields`?"},
    {"[admin]\ncolour = 1",
     "2:1: admin.colour: an unknown key; known here: listen, control, token_file, token, hosts, "
     "connections, metrics_per_endpoint"},
    {"[sever]\nworkers = 1", "1:2: sever: an unknown key; did you mean `server`?"},
    {"[log]\n\"a.b\" = 1",
     R"(2:1: log."a.b": an unknown key; known here: format, level, rooms, access)"},
    {"server = 1", "1:10: server: a table, found 1 (an integer)"},
    {"[[server]]", "1:1: server: a table, found an array"},
    {"server.limits = \"none\"", R"(1:17: server.limits: a table, found "none" (a string))"},
};

// Whole files; the rest of each is good.
const std::vector<Case> kStructures = {
    {"[[route]]\nupstream = \"app\"\n[upstream.app]\nendpoints = [\"a:1\"]",
     "1:1: listener: at least one [[listener]], found none"},
    {"[listener]\naddress = \":0\"\n[[route]]\nupstream = \"app\"\n[upstream.app]\n"
     "endpoints = [\"a:1\"]",
     "1:1: listener: tables, each with the header [[listener]], found a table"},
    {"listener = [7]\n[[route]]\nupstream = \"app\"\n[upstream.app]\nendpoints = [\"a:1\"]",
     "1:13: listener[0]: a table, found 7 (an integer)"},
    {"[[listener]]\naddress = \":0\"\n[upstream.app]\nendpoints = [\"a:1\"]",
     "1:1: route: at least one [[route]], found none"},
    {"[[listener]]\naddress = \":0\"\n[[route]]\nupstream = \"app\"",
     R"(4:12: route[0].upstream: the name of an upstream (there is none), found "app")"},
};

const std::vector<Case> kListeners = {
    {"", R"(1:1: listener[0].address: "IP:PORT", "[IP6]:PORT", "localhost:PORT", )"
         R"(":PORT" or "unix:/path", found nothing)"},
    {"address = \"[::1]\"",
     R"(2:11: listener[0].address: "IP:PORT", "[IP6]:PORT", "localhost:PORT", )"
     R"(":PORT" or "unix:/path", found "[::1]")"},
    {"address = \":0\"\nbacklog = 0", "3:11: listener[0].backlog: 1 to 65535, found 0"},
    {"address = \":80\"\n[[listener]]\naddress = \"0.0.0.0:80\"",
     "4:11: listener[1].address: an address of its own, found that of listener[0].address "
     "(line 2)"},
    {"address = \"\"", R"(2:11: listener[0].address: "IP:PORT", "[IP6]:PORT", "localhost:PORT", )"
                       R"(":PORT" or "unix:/path", found an empty string)"},
};

const std::string kPath =
    R"(a path that starts with "/", as it is sent: no blank, backslash, "?", "#" or "*", )"
    R"(and "%" only before two hex digits)";
const std::string kHost =
    R"(a name such as "example.org", a wildcard such as "*.example.org", or "")";

const std::vector<Case> kRoutes = {
    {"", "1:1: route[0].upstream: the name of an upstream, found nothing"},
    {"upstream = \"ap\"",
     R"(2:12: route[0].upstream: the name of an upstream (api, app), found "ap"; did you mean )"
     "`api`?"},
    {"upstream = \"zoo\"",
     R"(2:12: route[0].upstream: the name of an upstream (api, app), found "zoo")"},
    {"upstream = \"app\"\npath = \"api\"",
     "3:8: route[0].path: " + kPath + R"(, found "api" (did you mean "/api"?))"},
    {"upstream = \"app\"\npath = \"/a?b\"", "3:8: route[0].path: " + kPath + R"(, found "/a?b")"},
    {"upstream = \"app\"\npath = \"/a\\tb\"",
     "3:8: route[0].path: " + kPath + R"(, found "/a\u0009b")"},
    {"upstream = \"app\"\npath = \"/a#b\"", "3:8: route[0].path: " + kPath + R"(, found "/a#b")"},
    {"upstream = \"app\"\npath = '/a\\b'", "3:8: route[0].path: " + kPath + R"(, found "/a\\b")"},
    {"upstream = \"app\"\npath = \"/a%2\"", "3:8: route[0].path: " + kPath + R"(, found "/a%2")"},
    {"upstream = \"app\"\npath = \"/%%41\"", "3:8: route[0].path: " + kPath + R"(, found "/%%41")"},
    {"upstream = \"app\"\npath = \"/%g0\"", "3:8: route[0].path: " + kPath + R"(, found "/%g0")"},
    {"upstream = \"app\"\npath = \"\"", "3:8: route[0].path: " + kPath + ", found an empty string"},
    {"upstream = \"app\"\npath = \"/a;b\"",
     "3:8: route[0].path: " + kPath +
         R"(, found "/a;b" (a parameter, and those take no part in matching))"},
    {"upstream = \"app\"\npath = \"/a//b\"",
     "3:8: route[0].path: " + kPath +
         R"(, found "/a//b" (a doubled slash, and those count as one))"},
    {"upstream = \"app\"\npath = \"/a/../b\"",
     "3:8: route[0].path: " + kPath +
         R"(, found "/a/../b" (a dot segment, and those are resolved))"},
    {"upstream = \"app\"\npath = \"/a/.\"",
     "3:8: route[0].path: " + kPath + R"(, found "/a/." (a dot segment, and those are resolved))"},
    {"upstream = \"app\"\npath = \"/a%2fb\"",
     "3:8: route[0].path: " + kPath + R"(, found "/a%2fb" (an encoded delimiter, dot or NUL))"},
    {"upstream = \"app\"\nhost = \"a.*.org\"",
     "3:8: route[0].host: " + kHost + R"(, found "a.*.org" (a character that no name has))"},
    {"upstream = \"app\"\nhost = \"a..org\"",
     "3:8: route[0].host: " + kHost + R"(, found "a..org" (an empty label))"},
    {"upstream = \"app\"\nhost = \"a.org:80\"",
     "3:8: route[0].host: " + kHost +
         R"(, found "a.org:80" )"
         R"((a port, and those take no part in matching; did you mean "a.org"?))"},
    {"upstream = \"app\"\nhost = \"a.org..\"",
     "3:8: route[0].host: " + kHost + R"(, found "a.org.." (an empty label))"},
    {"upstream = \"app\"\nhost = \".\"",
     "3:8: route[0].host: " + kHost + R"(, found "." (an empty label))"},
    {"upstream = \"app\"\nhost = \"*.\"",
     "3:8: route[0].host: " + kHost + R"(, found "*." (an empty label))"},
    {"upstream = \"app\"\nhost = \"a.-b.org\"",
     "3:8: route[0].host: " + kHost + R"(, found "a.-b.org" (a label begins or ends with "-"))"},
    {"upstream = \"app\"\nhost = \"*.b-\"",
     "3:8: route[0].host: " + kHost + R"(, found "*.b-" (a label begins or ends with "-"))"},
    {"upstream = \"app\"\nhost = \"256.1.1.1\"",
     "3:8: route[0].host: " + kHost +
         R"(, found "256.1.1.1" (its end is a number, and it is no IPv4 address))"},
    {"upstream = \"app\"\nhost = \"*.0.0.1\"",
     "3:8: route[0].host: " + kHost +
         R"(, found "*.0.0.1" (its end is a number, and it is no IPv4 address))"},
    {"upstream = \"app\"\nmatch = \"regex\"",
     R"(3:9: route[0].match: "prefix" or "exact", found "regex")"},
    {"upstream = \"app\"\nhots = \"a.org\"",
     "3:1: route[0].hots: an unknown key; did you mean `host`?"},
    {"upstream = \"app\"\nhost = \"A.org\"\n[[route]]\nhost = \"a.org\"\nupstream = \"app\"",
     "4:1: route[1]: a host, path and match of its own, found that of route[0] (line 1)"},
    {"upstream = \"app\"\nhost = \"a.org\"\n[[route]]\nhost = \"a.org.\"\nupstream = \"app\"",
     "4:1: route[1]: a host, path and match of its own, found that of route[0] (line 1)"},
};

const std::vector<Case> kUpstreams = {
    {"", "1:1: upstream.x.endpoints: at least one endpoint, or endpoints_file, found none"},
    {"endpoints = []",
     "2:13: upstream.x.endpoints: at least one endpoint, or endpoints_file, found none"},
    {"endpoints = \"a:1\"",
     R"(2:13: upstream.x.endpoints: an array of strings or tables, found "a:1" (a string))"},
    {"endpoints = [1]", "2:14: upstream.x.endpoints[0]: a string or a table, found 1 (an integer)"},
    {"endpoints = [\"\"]",
     R"(2:14: upstream.x.endpoints[0].address: "IP:PORT", "[IP6]:PORT" or "NAME:PORT" )"
     "with a port from 1 to 65535, \"srv:NAME\" or \"unix:/path\", found an empty string"},
    {"endpoints = [{ address = \"a:1\", weight = 1.0 }]",
     "2:42: upstream.x.endpoints[0].weight: 1 to 1000, found 1.0 (a float)"},
    {"endpoints = [\":80\"]",
     R"(2:14: upstream.x.endpoints[0].address: "IP:PORT", "[IP6]:PORT" or "NAME:PORT" )"
     R"(with a port from 1 to 65535, "srv:NAME" or "unix:/path", found ":80")"},
    {"endpoints = [\"a:0\"]",
     R"(2:14: upstream.x.endpoints[0].address: "IP:PORT", "[IP6]:PORT" or "NAME:PORT" )"
     R"(with a port from 1 to 65535, "srv:NAME" or "unix:/path", found "a:0")"},
    {"endpoints = [{ weight = 2 }]",
     R"(2:14: upstream.x.endpoints[0].address: "IP:PORT", "[IP6]:PORT" or "NAME:PORT" )"
     "with a port from 1 to 65535, \"srv:NAME\" or \"unix:/path\", found nothing"},
    {"endpoints = [{ address = \"a:1\", weight = 1001 }]",
     "2:42: upstream.x.endpoints[0].weight: 1 to 1000, found 1001"},
    {"endpoints = [\"http://a:1\"]",
     R"(2:14: upstream.x.endpoints[0].address: "IP:PORT", "[IP6]:PORT" or "NAME:PORT" )"
     R"(with a port from 1 to 65535, "srv:NAME" or "unix:/path", found "http://a:1" )"
     R"((a scheme; `protocol` and a table )"
     "[upstream.NAME.tls] say what is spoken)"},
    {"endpoints = [\"a:1\", { address = \"A:1\" }]",
     "2:21: upstream.x.endpoints[1]: an endpoint of its own, found that of "
     "upstream.x.endpoints[0] (line 2)"},
    {"endpoints = [\"a:1\"]\nbalance = \"magic\"",
     R"(3:11: upstream.x.balance: "round_robin" or "least_requests" or "random_two" or )"
     R"("peak_ewma" or "ring_hash" or "maglev", found "magic")"},
    {"endpoints = [\"a:1\"]\nretries = 16", "3:11: upstream.x.retries: 0 to 15, found 16"},
    {"endpoints = [\"a:1\"]\nretries = 0\nretry_unseen = true",
     "4:16: upstream.x.retry_unseen: false while retries is 0, found true"},
    {"endpoints = [\"a:1\"]\npool.non_idempotent_max_idle = \"25h\"",
     R"(3:32: upstream.x.pool.non_idempotent_max_idle: "0s" to "24h", found "25h")"},
    {"endpoints = [\"a:1\"]\npool.reuse = \"yes\"",
     R"(3:14: upstream.x.pool.reuse: true or false, found "yes" (a string))"},
    {"endpoints = [\"a:1\"]\npool.reuse = \"true\"",
     R"(3:14: upstream.x.pool.reuse: true or false, found "true" (a string))"},
    {"endpoints = [\"a:1\"]\npool.reuse = \"${WORD}\"",
     R"(3:14: upstream.x.pool.reuse: true or false, found "many")"},
    {"endpoints = [\"a:1\"]\npool.max_idel = 1",
     "3:6: upstream.x.pool.max_idel: an unknown key; did you mean `max_idle`?"},
    {"endpoints = [\"a:1\"]\npool.idle_timeout = \"0s\"",
     R"(3:21: upstream.x.pool.idle_timeout: "1ms" to "24h", found "0s")"},
    {"endpoints = [\"${API_TOKEN}/\"]",
     R"(2:14: upstream.x.endpoints[0].address: "IP:PORT", "[IP6]:PORT" or "NAME:PORT" )"
     "with a port from 1 to 65535, \"srv:NAME\" or \"unix:/path\", found ***"},
    {"endpoints = [\"a:1\"]\nbalance = \"${DB_PASSWORD}\"",
     R"(3:11: upstream.x.balance: "round_robin" or "least_requests" or "random_two" or )"
     R"("peak_ewma" or "ring_hash" or "maglev", found ***)"},
};

constexpr std::string_view kListener = "\n[[listener]]\naddress = \"127.0.0.1:8080\"\n";
constexpr std::string_view kRoute = "\n[[route]]\nupstream = \"app\"\n";
constexpr std::string_view kUpstream = "\n[upstream.app]\nendpoints = [\"127.0.0.1:9001\"]\n";

void check_table(const std::vector<Case>& cases, std::string_view above,
                 std::initializer_list<std::string_view> below) {
  for (const Case& one : cases) {
    std::string text = std::string(above) + one.text;
    for (const std::string_view part : below) text += part;
    INFO(text);
    CHECK(problems_of(text) == Lines{"t.toml:" + one.problem});
  }
}

TEST_CASE("a value that is not allowed is answered with what is allowed and what was found") {
  check_table(kValues, "", {testing::kRest});
}

TEST_CASE("a file needs a listener and a route to an upstream that exists") {
  check_table(kStructures, "", {});
}

TEST_CASE("a listener needs an address of its own that can be bound without a resolver") {
  check_table(kListeners, "[[listener]]\n", {kRoute, kUpstream});
}

TEST_CASE("a route needs a valid host and path and an upstream that exists") {
  check_table(kRoutes, "[[route]]\n",
              {kListener, kUpstream, "[upstream.api]\nendpoints = [\"b:2\"]"});
}

TEST_CASE("an upstream needs endpoints that are addresses and are there once") {
  check_table(kUpstreams, "[upstream.x]\n", {kListener, kRoute, kUpstream});
}

TEST_CASE("an upstream is a table with a plain name") {
  const std::string below = std::string(kListener) + std::string(kRoute) + std::string(kUpstream);
  CHECK(problems_of("[upstream.\"my app\"]\nendpoints = [\"a:1\"]" + below) ==
        Lines{"t.toml:1:1: upstream.\"my app\": a name of letters, digits, \"_\", \".\" and \"-\", "
              "found \"my app\""});
  CHECK(problems_of("[upstream.\"\"]\nendpoints = [\"a:1\"]" + below) ==
        Lines{"t.toml:1:1: upstream.\"\": a name of letters, digits, \"_\", \".\" and \"-\", "
              "found an empty string"});
  CHECK(problems_of("[upstream]\nretries = 1" + below) ==
        Lines{"t.toml:2:11: upstream.retries: tables, each with a header such as [upstream.app], "
              "found 1 (an integer)"});
}

TEST_CASE("all problems of a file are reported at once, in the order of the file") {
  CHECK(problems_of("[upstream.app]\n"
                    "endpoints = [\"app\"]\n"
                    "[[route]]\n"
                    "upstream = \"shop\"\n"
                    "wieght = 3\n"
                    "[server]\n"
                    "drain = \"soon\"\n"
                    "workers = 2000\n") ==
        Lines{"t.toml:1:1: listener: at least one [[listener]], found none",
              ("t.toml:2:14: upstream.app.endpoints[0].address: \"IP:PORT\", \"[IP6]:PORT\" or "
               "\"NAME:PORT\" with a port from 1 to 65535, \"srv:NAME\" or \"unix:/path\", "
               "found \"app\""),
              "t.toml:4:12: route[0].upstream: the name of an upstream (app), found \"shop\"",
              "t.toml:5:1: route[0].wieght: an unknown key; known here: host, path, match, "
              "upstream, rate_limits",
              "t.toml:7:9: server.drain: \"0s\" to \"1h\", found \"soon\" (units: ms, s, m, h)",
              "t.toml:8:11: server.workers: \"auto\" or 0 to 1024, found 2000"});
}

TEST_CASE("a long value is cut in a message") {
  const std::string letters(200, 'x');
  CHECK(problems_above_rest("[log]\nlevel = \"" + letters + "\"") ==
        Lines{"t.toml:2:9: log.level: \"debug\" or \"info\" or \"warning\" or \"error\", found \"" +
              letters.substr(0, 80) + "\"..."});
}

TEST_CASE("a file that cannot be read is one problem without a place in it") {
  const auto lines_of = [](const std::string& path) {
    const auto config = load(path);
    return config ? Lines() : lines(config.error());
  };
  CHECK(lines_of("/nonexistent/onehop.toml") ==
        Lines{"cannot read /nonexistent/onehop.toml: No such file or directory"});
  CHECK(lines_of("/") == Lines{"cannot read /: Is a directory"});
  CHECK(lines_of("") == Lines{"cannot read \"\": No such file or directory"});
}

TEST_CASE("a configuration made by hand is checked by the same rules") {
  Config config = testing::reference();
  CHECK(check(config).empty());
  config.routes[0].upstream = "shop";
  config.upstreams[0].endpoints[1].address = "127.0.0.1";
  config.upstreams.push_back(config.upstreams[0]);
  config.upstreams[1].endpoints.pop_back();
  config.server.drain = milliseconds(-1);
  CHECK(lines(check(config)) ==
        Lines{"command line: server.drain: \"0s\" to \"1h\", found \"-1ms\"",
              "command line: route[0].upstream: the name of an upstream (app, app), "
              "found \"shop\"",
              "command line: upstream.app.endpoints[1].address: \"IP:PORT\", \"[IP6]:PORT\" "
              "or \"NAME:PORT\" with a port from 1 to 65535, \"srv:NAME\" or \"unix:/path\", "
              "found \"127.0.0.1\"",
              "command line: upstream.app: a name of its own, found that of upstream.app"});
}

}  // namespace
}  // namespace onehop::config
