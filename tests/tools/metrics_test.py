#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What /metrics says, read by other people's parsers: the text formats by prometheus_client,
protocol buffers by Google's library, gzip by zlib. All of them have to agree with each other."""

import gzip
import http.server
import sys
import threading
import time
import urllib.error
import urllib.request

from onehop_proxy import Proxy, arguments, config, skip

try:
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
    from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
    from prometheus_client.parser import text_string_to_metric_families as prometheus
except ImportError as error:
    skip(f"not installed: {error.name}")

PROTOBUF = ("application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;"
            "encoding=delimited")
REQUESTS = 40

# What of metrics.proto is written: message -> (name, number, type) of its fields.
MESSAGES = {
    "Timestamp": [("seconds", 1, "int64"), ("nanos", 2, "int32")],
    "LabelPair": [("name", 1, "string"), ("value", 2, "string")],
    "Gauge": [("value", 1, "double")],
    "Counter": [("value", 1, "double"), ("created_timestamp", 3, "Timestamp")],
    "Bucket": [("cumulative_count", 1, "uint64"), ("upper_bound", 2, "double")],
    "BucketSpan": [("offset", 1, "sint32"), ("length", 2, "uint32")],
    "Histogram": [("sample_count", 1, "uint64"), ("sample_sum", 2, "double"),
                  ("bucket", 3, "Bucket*"), ("schema", 5, "sint32"),
                  ("zero_threshold", 6, "double"), ("zero_count", 7, "uint64"),
                  ("positive_span", 12, "BucketSpan*"), ("positive_delta", 13, "sint64*"),
                  ("created_timestamp", 15, "Timestamp")],
    "Metric": [("label", 1, "LabelPair*"), ("gauge", 2, "Gauge"), ("counter", 3, "Counter"),
               ("histogram", 7, "Histogram")],
    "MetricFamily": [("name", 1, "string"), ("help", 2, "string"), ("type", 3, "int32"),
                     ("metric", 4, "Metric*"), ("unit", 5, "string")],
}
COUNTER, GAUGE, HISTOGRAM = 0, 1, 4


def message_class(name):
    file = descriptor_pb2.FileDescriptorProto(name="metrics.proto", package="p", syntax="proto2")
    for message, fields in MESSAGES.items():
        made = file.message_type.add(name=message)
        for field, number, kind in fields:
            added = made.field.add(name=field, number=number)
            many, kind = kind.endswith("*"), kind.rstrip("*")
            added.label = added.LABEL_REPEATED if many else added.LABEL_OPTIONAL
            if kind in MESSAGES:
                added.type, added.type_name = added.TYPE_MESSAGE, f".p.{kind}"
            else:
                added.type = getattr(added, f"TYPE_{kind.upper()}")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.MessageFactory(pool).GetPrototype(
        pool.FindMessageTypeByName(f"p.{name}"))


def delimited(data):
    """The messages, each behind its length as a varint."""
    family_class, at, families = message_class("MetricFamily"), 0, []
    while at < len(data):
        size = shift = 0
        while True:
            byte = data[at]
            at += 1
            size |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                break
        families.append(family_class.FromString(data[at:at + size]))
        at += size
    assert at == len(data)
    return families


class Origin(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        time.sleep(0.002 * (self.path == "/slow"))
        self.send_response(int(self.headers.get("X-Status", "200")))
        self.send_header("Content-Length", "4")
        self.end_headers()
        self.wfile.write(b"done")

    def log_message(self, *_):
        pass


def scrape(admin, accept="", coding=""):
    request = urllib.request.Request(f"http://{admin}/metrics")
    if accept:
        request.add_header("Accept", accept)
    if coding:
        request.add_header("Accept-Encoding", coding)
    with urllib.request.urlopen(request) as response:
        data = response.read()
        if response.headers.get("Content-Encoding") == "gzip":
            return response.headers["Content-Type"], gzip.decompress(data)
        assert not coding, "gzip was asked for"
        return response.headers["Content-Type"], data


def samples(families):
    """Every sample by its name and labels, an empty label being none."""
    found = {}
    for family in families:
        assert family.documentation, family.name
        for sample in family.samples:
            labels = frozenset((k, v) for k, v in sample.labels.items() if v)
            assert (sample.name, labels) not in found, sample
            found[sample.name, labels] = sample.value
    return found


def counters_of_clients(found):
    """Those that stand still between two scrapes: the admin endpoint does not count as traffic."""
    return {key: value for key, value in found.items()
            if key[0].startswith(("onehop_downstream", "onehop_exchange", "onehop_upstream"))}


def native_buckets(histogram):
    """Index of the bucket -> count."""
    counts, index, count, at = {}, 0, 0, 0
    for span in histogram.positive_span:
        index += span.offset
        for _ in range(span.length):
            count += histogram.positive_delta[at]
            counts[index] = count
            at += 1
            index += 1
    assert at == len(histogram.positive_delta)
    return counts


def check_histogram(histogram, started):
    assert histogram.schema == 4
    assert histogram.zero_threshold == 32e-9
    assert abs(histogram.created_timestamp.seconds - started) <= 1
    buckets = native_buckets(histogram)
    assert all(count > 0 for count in buckets.values())
    assert histogram.zero_count + sum(buckets.values()) == histogram.sample_count
    # An empty span says that it is a native histogram where nothing else does.
    assert histogram.positive_span
    base = 2 ** (1 / 16)
    # A record is where the middle of its log-linear bucket is: at most a 32nd off.
    low = sum(count * base ** (index - 1) for index, count in buckets.items()) * (1 - 1 / 32)
    high = sum(count * base ** index for index, count in buckets.items()) * (1 + 1 / 32)
    assert low - 1e-6 <= histogram.sample_sum <= high + 1e-6 + 32e-9 * histogram.zero_count
    # The few buckets say the same, seen from further off.
    for bucket in histogram.bucket:
        below = histogram.zero_count + sum(
            count for index, count in buckets.items()
            if base ** index <= bucket.upper_bound * (1 - 1 / 32))
        above = histogram.zero_count + sum(
            count for index, count in buckets.items()
            if base ** (index - 1) < bucket.upper_bound * (1 + 1 / 32))
        assert below <= bucket.cumulative_count <= above, (bucket, buckets)


def check_protobuf(families, text, started):
    """That protocol buffers hold the samples of the text, and native histograms beside them."""
    found, filled = {}, 0
    for family in families:
        assert family.help, family.name
        for metric in family.metric:
            labels = frozenset((pair.name, pair.value) for pair in metric.label if pair.value)
            if family.type == HISTOGRAM:
                histogram = metric.histogram
                check_histogram(histogram, started)
                filled += histogram.sample_count > 0
                found[family.name + "_count", labels] = float(histogram.sample_count)
                found[family.name + "_sum", labels] = histogram.sample_sum
                for bucket in histogram.bucket:
                    edge = str(float(bucket.upper_bound))
                    found[family.name + "_bucket", labels | {("le", edge)}] = float(
                        bucket.cumulative_count)
                found[family.name + "_bucket", labels | {("le", "+Inf")}] = float(
                    histogram.sample_count)
            elif family.type == COUNTER:
                assert family.name.endswith("_total")
                assert abs(metric.counter.created_timestamp.seconds - started) <= 1
                found[family.name, labels] = metric.counter.value
            else:
                assert family.type == GAUGE
                found[family.name, labels] = metric.gauge.value
    assert filled >= 10, filled
    assert counters_of_clients(found) == counters_of_clients(text)


def main():
    origin = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Origin)
    threading.Thread(target=origin.serve_forever, daemon=True).start()
    more = '[admin]\nlisten = "127.0.0.1:0"\n'
    with Proxy(arguments(), config(f"127.0.0.1:{origin.server_port}", more=more)) as proxy:
        for line in proxy.process.stdout:
            if line.startswith("admin on "):
                admin = line.split()[2]
                break
        for i in range(REQUESTS):
            request = urllib.request.Request(f"http://{proxy.address}/{'slow' if i % 4 else ''}",
                                             headers={"X-Status": "200" if i % 5 else "429"})
            try:
                urllib.request.urlopen(request).read()
            except urllib.error.HTTPError as error:
                assert error.code == 429
        # Clients close; wait until that is counted.
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            text = samples(prometheus(scrape(admin)[1].decode()))
            if text["onehop_downstream_connections_open", frozenset()] == 0:
                break
            time.sleep(1.1)
        kind, data = scrape(admin)
        assert kind.startswith("text/plain; version=0.0.4"), kind
        text = samples(prometheus(data.decode()))
        route = frozenset({("route", "/"), ("code", "429")})
        assert text["onehop_downstream_responses_total", route] == REQUESTS / 5
        started = text["process_start_time_seconds", frozenset()]
        assert abs(time.time() - started) < 120

        kind, coded = scrape(admin, coding="gzip")
        assert counters_of_clients(samples(prometheus(coded.decode()))) == counters_of_clients(text)

        kind, data = scrape(admin, "application/openmetrics-text;version=1.0.0")
        assert kind.startswith("application/openmetrics-text; version=1.0.0"), kind
        assert counters_of_clients(samples(openmetrics(data.decode()))) == counters_of_clients(text)

        kind, data = scrape(admin, f"{PROTOBUF};q=0.6,text/plain;q=0.5", coding="gzip")
        assert kind.startswith("application/vnd.google.protobuf"), kind
        check_protobuf(delimited(data), text, started)
    origin.shutdown()
    print(f"{len(text)} samples agree in four forms")


if __name__ == "__main__":
    main()
    sys.exit(0)
