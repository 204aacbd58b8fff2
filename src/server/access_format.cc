// SPDX-License-Identifier: MIT
// The idea: every field has one value (a text, a number, a flag, ...), and two notations write each
// kind of value. `combined` is the one line that is put together by hand.
#include "access_format.h"

#include <algorithm>
#include <optional>

#include "onehop/base/ascii.h"
#include "onehop/base/assert.h"

namespace onehop::server {
namespace {

using config::AccessField;
using proxy::ExchangeRecord;
using proxy::RecordText;

// How values are written: "text", null and true for machines that read JSON; text, - and true in
// templates.
class JsonNotation {
 public:
  explicit JsonNotation(std::string& out) : out_(out) {}
  void nothing() { out_ += "null"; }
  void number(uint64_t value) { append_number(out_, value); }
  void flag(bool value) { out_ += value ? "true" : "false"; }
  void text(std::string_view value, bool) { value.empty() ? nothing() : append_json(out_, value); }
  void time(TimeText& time, int64_t unix_ns) {
    out_ += '"';
    time.append_rfc3339(out_, unix_ns);
    out_ += '"';
  }
  void attempts(const ExchangeRecord& record) {
    out_ += '[';
    for (size_t i = 0; i < record.numbers.attempts; ++i) {
      const proxy::AttemptRecord& one = record.attempts[i];
      out_ += i == 0 ? R"({"endpoint":)" : R"(,{"endpoint":)";
      append_json(out_, one.endpoint);
      out_ += R"(,"outcome":")";
      out_ += row_of(one.outcome).name;
      out_ += R"(","us":)";
      append_number(out_, one.took_ns / 1000);
      out_ += '}';
    }
    out_ += ']';
  }
  void begin_list() { out_ += '['; }
  void list_entry(std::string_view name, size_t index) {
    if (index > 0) out_ += ',';
    append_json(out_, name);
  }
  void end_list(size_t) { out_ += ']'; }

 private:
  std::string& out_;
};

class PlainNotation {
 public:
  explicit PlainNotation(std::string& out, char end = '"') : out_(out), end_(end) {}
  void nothing() { out_ += '-'; }
  void number(uint64_t value) { append_number(out_, value); }
  void flag(bool value) { out_ += value ? "true" : "false"; }
  void text(std::string_view value, bool cut) {
    if (value.empty()) return nothing();
    append_escaped(out_, value, end_);
    if (cut) out_ += "...";
  }
  void time(TimeText& time, int64_t unix_ns) { time.append_rfc3339(out_, unix_ns); }
  void attempts(const ExchangeRecord& record) {
    if (record.numbers.attempts == 0) return nothing();
    for (size_t i = 0; i < record.numbers.attempts; ++i) {
      const proxy::AttemptRecord& one = record.attempts[i];
      if (i > 0) out_ += ',';
      append_escaped(out_, one.endpoint);
      out_ += '=';
      out_ += row_of(one.outcome).name;
      out_ += '/';
      append_number(out_, one.took_ns / 1000);
    }
  }
  void begin_list() {}
  void list_entry(std::string_view name, size_t index) {
    if (index > 0) out_ += ',';
    out_ += name;
  }
  void end_list(size_t count) {
    if (count == 0) nothing();
  }

 private:
  std::string& out_;
  char end_;
};

// The field that is a text of the record, by its name.
constexpr std::optional<RecordText> text_of(AccessField field) {
  const std::string_view name = config::kAccessFieldNames[static_cast<size_t>(field)];
  for (size_t i = 0; i < proxy::kRecordTextCount; ++i) {
    if (proxy::kRecordTextNames[i] == name) return static_cast<RecordText>(i);
  }
  return std::nullopt;
}

constexpr auto kTextOf = [] {
  std::array<std::optional<RecordText>, config::kAccessFieldCount> texts;
  for (size_t i = 0; i < texts.size(); ++i) texts[i] = text_of(static_cast<AccessField>(i));
  return texts;
}();

// The phases' fields stand side by side, in the order of the phases.
constexpr auto kFirstPhase = static_cast<size_t>(AccessField::request_head_read_us);
static_assert(static_cast<size_t>(AccessField::downstream_write_stall_us) - kFirstPhase + 1 ==
              telemetry::kPhaseCount);

std::optional<uint64_t> number_of(AccessField field, const ExchangeRecord::Numbers& numbers) {
  const size_t index = static_cast<size_t>(field);
  if (index >= kFirstPhase && index < kFirstPhase + telemetry::kPhaseCount)
    return numbers.phases_ns[index - kFirstPhase] / 1000;
  if (field == AccessField::status) return numbers.status;
  if (field == AccessField::request_bytes) return numbers.request_bytes;
  if (field == AccessField::response_bytes) return numbers.response_bytes;
  if (field == AccessField::total_us) return numbers.total_ns / 1000;
  if (field == AccessField::overhead_us) return numbers.overhead_ns / 1000;
  if (field == AccessField::connection_age_ms && numbers.connected)
    return numbers.connection_age_ms;
  return std::nullopt;
}

template <class Notation>
void write_cut(const ExchangeRecord& record, Notation& out) {
  size_t count = 0;
  out.begin_list();
  for (size_t i = 0; i < proxy::kRecordTextCount; ++i) {
    if (record.is_cut(static_cast<RecordText>(i)))
      out.list_entry(proxy::kRecordTextNames[i], count++);
  }
  out.end_list(count);
}

template <class Notation>
void write(AccessField field, const ExchangeRecord& record, int64_t began_ns, TimeText& time,
           Notation out) {
  const ExchangeRecord::Numbers& numbers = record.numbers;
  if (const auto text = kTextOf[static_cast<size_t>(field)])
    return out.text(record.text(*text), record.is_cut(*text));
  if (field == AccessField::time) return out.time(time, began_ns);
  if (field == AccessField::attempts) return out.attempts(record);
  if (field == AccessField::outcome) return out.text(row_of(numbers.outcome).name, false);
  if (field == AccessField::cut) return write_cut(record, out);
  if (field == AccessField::endpoint && numbers.attempts > 0)
    return out.text(record.attempts[numbers.attempts - 1u].endpoint, false);
  if (field == AccessField::reused && numbers.connected) return out.flag(numbers.reused);
  if (field == AccessField::tls_resumed && numbers.secure) return out.flag(numbers.tls_resumed);
  const auto number = number_of(field, numbers);
  number.has_value() ? out.number(*number) : out.nothing();
}

// What tells the field of a piece from what follows it. A quote where nothing does: that is in no
// text anyway.
char end_of_field(const std::vector<config::AccessPiece>& pieces, size_t index) {
  if (index + 1 == pieces.size() || pieces[index + 1].text.empty()) return '"';
  const char next = pieces[index + 1].text.front();
  return is_digit(next) || (to_lower(next) >= 'a' && to_lower(next) <= 'z') ? '"' : next;
}

void append_part(std::string& out, const ExchangeRecord& record, RecordText which) {
  PlainNotation(out).text(record.text(which), record.is_cut(which));
}

}  // namespace

AccessFormat::AccessFormat(std::string_view format) {
  if (format == "json") {
    kind_ = Kind::json;
  } else if (format == "combined") {
    kind_ = Kind::combined;
  } else {
    auto pieces = config::parse_access_template(format);
    ONEHOP_ASSERT(pieces.has_value());
    for (size_t i = 0; i < pieces->size(); ++i)
      pieces_.push_back({(*pieces)[i], end_of_field(*pieces, i)});
  }
}

void AccessFormat::append(std::string& out, const ExchangeRecord& record, int64_t clock_began_ns) {
  const int64_t began_ns = clock_began_ns + static_cast<int64_t>(record.numbers.began_ns);
  switch (kind_) {
    case Kind::json:
      append_json_line(out, record, began_ns);
      break;
    case Kind::combined:
      append_combined_line(out, record, began_ns);
      break;
    case Kind::pieces:
      for (const auto& [piece, end] : pieces_) {
        out += piece.text;
        if (piece.field) write(*piece.field, record, began_ns, time_, PlainNotation(out, end));
      }
      break;
  }
  out += '\n';
}

void AccessFormat::append_json_line(std::string& out, const ExchangeRecord& record,
                                    int64_t began_ns) {
  out += '{';
  for (size_t i = 0; i < config::kAccessFieldCount; ++i) {
    const auto field = static_cast<AccessField>(i);
    if (i > 0) out += ',';
    out += '"';
    out += config::kAccessFieldNames[i];
    out += "\":";
    write(field, record, began_ns, time_, JsonNotation(out));
  }
  out += '}';
}

// remote - - [time] "request" status bytes "referer" "agent"
void AccessFormat::append_combined_line(std::string& out, const ExchangeRecord& record,
                                        int64_t began_ns) {
  append_part(out, record, RecordText::client);
  out += " - - [";
  time_.append_combined(out, began_ns);
  out += "] \"";
  if (!record.text(RecordText::method).empty()) {
    append_part(out, record, RecordText::method);
    out += ' ';
    append_part(out, record, RecordText::path);
    if (!record.text(RecordText::query).empty()) {
      out += '?';
      append_part(out, record, RecordText::query);
    }
    out += ' ';
    append_part(out, record, RecordText::protocol);
  }
  out += "\" ";
  append_number(out, record.numbers.status);
  out += ' ';
  append_number(out, record.numbers.response_bytes);
  out += " \"";
  append_part(out, record, RecordText::referer);
  out += "\" \"";
  append_part(out, record, RecordText::user_agent);
  out += '"';
}

}  // namespace onehop::server
