// SPDX-License-Identifier: MIT
// The part of the schema that is about running the program: its admin endpoint and its logs.
#pragma once

#include "onehop/config/schema_terms.h"

namespace onehop::config {

template <class Visitor>
void describe(Visitor& visit, Some<Admin> auto& admin) {
  visit.value(
      "listen", admin.listen, Text::admin_address,
      "Where statistics are served; \"\" is nowhere. Reading has no password: keep it local.");
  visit.value(
      "control", admin.control, Text::optional_socket,
      "A unix socket where it is served too, and commands are taken: mode 0660, no network.");
  visit.value("token_file", admin.token_file, Text::optional_file,
              "The token with which commands are taken at `listen` as well: the file's one line.");
  visit.value("token", admin.token, Text::token,
              "The same from a variable, as in \"${ONEHOP_TOKEN}\". It is never shown.");
  visit.value("hosts", admin.hosts, Text::host,
              "Names it may be asked by, beside addresses and localhost: against DNS rebinding.");
  visit.value("connections", admin.connections, Count{1, 65535},
              "Open connections to it. A newer one takes the place of the oldest.");
  visit.value("metrics_per_endpoint", admin.metrics_per_endpoint, Flag{},
              "/metrics with all of each endpoint: some 90 to 290 series each, in place of 14.");
}

template <class Visitor>
void describe(Visitor& visit, Some<LogRooms> auto& rooms) {
  for (size_t i = 0; i < log::kRooms.size(); ++i)
    visit.value(log::kRooms[i].name, rooms.levels[i], Choice<RoomLevel>{}, log::kRooms[i].says);
}

// [log.access] without a key in it.
inline AccessLog to_standard_output() {
  AccessLog access;
  access.file = "-";
  return access;
}

template <class Visitor>
void describe(Visitor& visit, Some<AccessLog> auto& access) {
  visit.value("file", access.file, Text::log_file,
              "Opened again on SIGUSR1, and when it is gone; - is standard output, \"\" is none.");
  visit.value("format", access.format, Text::access_format,
              "JSON lines, what nginx writes, or a text with the names of fields in braces.");
  visit.value("query", access.query, Flag{},
              "false leaves out what is behind ? in targets and in Referer: it may be secret.");
  visit.value("status", access.status, Text::status_class,
              "Every request whose status is of one of these classes is logged.");
  visit.value("slower_than", access.slower_than, Time{milliseconds(0), kDay},
              "And every one that took longer than this; 0s: none for that.");
  visit.value("sample", access.sample, Share{Share::Auto::allowed},
              "And this share of the others. \"auto\": all, or none beside status or slower_than.");
}

template <class Visitor>
void describe(Visitor& visit, Some<Log> auto& log) {
  visit.value("format", log.format, Choice<LogFormat>{},
              "text: for people. json: an object on each line, for what gathers logs.");
  visit.value("level", log.level, Choice<LogLevel>{}, "The least severe message that is logged.");
  visit.table("rooms", log.rooms, "The level of one part of the program; same: that of level.");
  visit.optional_table("access", log.access, to_standard_output(),
                       "The access log: a line for each request. Without this table: none.");
}

}  // namespace onehop::config
