// SPDX-License-Identifier: MIT
// Messages of io.prometheus.client.MetricFamily, each behind its length. The few fields that are
// needed are written by hand: no library to find, no code to generate. The numbers are those of
// metrics.proto.
#include <bit>
#include <cmath>
#include <cstring>
#include <utility>

#include "writers.h"

namespace onehop::telemetry {

namespace {

// The wire format of protocol buffers.
class Wire {
 public:
  explicit Wire(std::string& bytes) : bytes_(bytes) {}

  void varint(uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes_ += static_cast<char>(value | 0x80);
    bytes_ += static_cast<char>(value);
  }
  void zigzag(int64_t value) {
    varint((static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63));
  }

  void number(uint32_t field, uint64_t value) {
    tag(field, 0);
    varint(value);
  }
  void signed_number(uint32_t field, int64_t value) {
    tag(field, 0);
    zigzag(value);
  }
  void real(uint32_t field, double value) {
    tag(field, 1);
    uint64_t bits = std::bit_cast<uint64_t>(value);
    for (int i = 0; i < 8; ++i, bits >>= 8) bytes_ += static_cast<char>(bits);
  }
  void bytes(uint32_t field, std::string_view value) {
    tag(field, 2);
    varint(value.size());
    bytes_ += value;
  }

 private:
  void tag(uint32_t field, uint32_t type) { varint(uint64_t{field} << 3 | type); }

  std::string& bytes_;
};

// The finest schema whose buckets are all wider than ours, so that none of them stays empty for
// want of resolution: each is 2^(1/16) times the one before, 4.4 %, and ours are 1.6 to 3.1 %. A
// bucket of ours belongs to the one that its middle is in.
constexpr int kSchema = 4;

// The native bucket of each of ours: the i-th ends at 2^(i / 2^kSchema) seconds, inclusive. The
// first of ours, which is what took no time at all, is the zero bucket.
const std::array<int, kHistogramBuckets>& native_buckets() {
  static const auto made = [] {
    std::array<int, kHistogramBuckets> buckets{};
    for (size_t i = 1; i < kHistogramBuckets; ++i) {
      const double middle =
          (static_cast<double>(bucket_floor(i)) + static_cast<double>(bucket_floor(i + 1))) / 2e9;
      buckets[i] = static_cast<int>(std::ceil(std::log2(middle) * (1 << kSchema)));
    }
    return buckets;
  }();
  return made;
}

// The spans of used buckets, and the growth of the counts from bucket to bucket.
struct NativeBuckets {
  std::string spans;   // fields of a Histogram
  std::string deltas;  // packed
};

NativeBuckets native(const HistogramValues& values) {
  constexpr uint32_t kPositiveSpan = 12;
  NativeBuckets result;
  Wire spans(result.spans);
  Wire deltas(result.deltas);
  int offset = 0;
  uint32_t length = 0;
  const auto end_span = [&] {
    std::string span;
    Wire wire(span);
    wire.signed_number(1, offset);
    wire.number(2, length);
    spans.bytes(kPositiveSpan, span);
  };
  int next = 0;  // the bucket behind the last one written
  uint64_t before = 0;
  const auto& places = native_buckets();
  for (size_t i = 1; i < kHistogramBuckets;) {
    const int place = places[i];
    uint64_t count = 0;
    for (; i < kHistogramBuckets && places[i] == place; ++i) count += values.bucket(i);
    if (count == 0) continue;
    if (length == 0 || place != next) {
      if (length != 0) end_span();
      offset = place - next;
      length = 0;
    }
    ++length;
    next = place + 1;
    deltas.zigzag(static_cast<int64_t>(count - before));
    before = count;
  }
  end_span();  // an empty one, where there is nothing, says that it is a native histogram
  return result;
}

class ProtobufWriter final : public ExpositionWriter {
 public:
  explicit ProtobufWriter(int64_t created_unix_s) {
    Wire(created_).number(1, static_cast<uint64_t>(created_unix_s));
  }

  void begin(const Family& family) override {
    end_family();
    kind_ = family.kind;
    Wire wire(family_);
    wire.bytes(1, family.name + std::string(suffix_of(kind_)));
    wire.bytes(2, family.help);
    wire.number(3, kind_ == FamilyKind::counter ? 0 : kind_ == FamilyKind::histogram ? 4 : 1);
    if (!family.unit.empty()) unit_ = family.unit;
  }

  void sample(const Labels& labels, uint64_t value) override {
    sample(labels, static_cast<double>(value));
  }
  void sample(const Labels& labels, int64_t value) override {
    sample(labels, static_cast<double>(value));
  }
  void sample(const Labels& labels, double value) override {
    std::string body;
    Wire wire(body);
    wire.real(1, value);
    if (kind_ == FamilyKind::counter) wire.bytes(3, created_);
    metric(labels, kind_ == FamilyKind::counter ? 3 : 2, body);
  }

  void histogram(const Labels& labels, const HistogramValues& values) override {
    std::string body;
    Wire wire(body);
    wire.number(1, values.count());
    wire.real(2, seconds(values.sum_ns()));
    const auto counts = cumulative(values);
    for (size_t i = 0; i < kEdges.size(); ++i) {
      std::string bucket;
      Wire of_bucket(bucket);
      of_bucket.number(1, counts[i]);
      of_bucket.real(2, seconds(kEdges[i].ns));
      wire.bytes(3, bucket);
    }
    wire.signed_number(5, kSchema);
    wire.real(6, seconds(bucket_floor(1)));
    wire.number(7, values.bucket(0));
    const NativeBuckets buckets = native(values);
    body += buckets.spans;
    if (!buckets.deltas.empty()) wire.bytes(13, buckets.deltas);
    wire.bytes(15, created_);
    metric(labels, 7, body);
  }

  std::string finish() override {
    end_family();
    return std::move(bytes_);
  }

 private:
  void metric(const Labels& labels, uint32_t kind, std::string_view body) {
    std::string message = labels.wire();
    Wire(message).bytes(kind, body);
    Wire(family_).bytes(4, message);
  }

  void end_family() {
    if (family_.empty()) return;
    if (!unit_.empty()) Wire(family_).bytes(5, unit_);
    Wire(bytes_).varint(family_.size());
    bytes_ += family_;
    family_.clear();
    unit_.clear();
  }

  FamilyKind kind_ = FamilyKind::gauge;
  std::string created_;  // a Timestamp
  std::string family_;   // the message that is being written
  std::string unit_;
  std::string bytes_;
};

}  // namespace

void add_wire(std::string_view name, std::string_view value, std::string& into) {
  std::string pair;
  Wire wire(pair);
  wire.bytes(1, name);
  wire.bytes(2, value);
  Wire(into).bytes(1, pair);
}

std::unique_ptr<ExpositionWriter> make_protobuf_writer(int64_t created_unix_s) {
  return std::make_unique<ProtobufWriter>(created_unix_s);
}

}  // namespace onehop::telemetry
