# SPDX-License-Identifier: MIT
"""booking: as many bookings as a crowd can send, of a stock that is soon sold.

The one idea: nearly every answer is 409, and every one of them is right. Redis, PostgreSQL, the app
and k6 each count for themselves, so a request that a proxy repeated, an answer that it made up or
an endpoint that it gave up because of its 409s shows as figures that do not agree.
"""
import os

from lib import beside, k6, tools
from lib.scenario_runner import bar
from lib.stores import Postgres, Redis
from lib.tables import Section, Table

TITLE = "booking: a crowd, a stock in Redis, orders in PostgreSQL, 409 when sold out (k6)"
TOOLS = ("k6", "go", "redis-server", "postgres", "initdb", "psql")
PROXIES = ("direct", "onehop", "nginx-stock", "nginx", "haproxy")
REPORT = Table("What the report says", ["", "report"], [
    ["requests", 661310], ["requests/s", 10990], ["average ms", 78.8], ["median ms", 64.9],
    ["p90 ms", 137.7], ["p95 ms", 175.1], ["max ms", 876], ["answers 409 %", 97.5],
    ["business errors %", "under 1"]],
    "1,000 virtual users for 60 s; thresholds: business errors under 1 %, p95 under 200 ms.")
SCALE = {
    "full": {"users": 1000, "seconds": 60, "stock": 16500},
    "short": {"users": 150, "seconds": 12, "stock": 600},
    "smoke": {"users": 5, "seconds": 2, "stock": 20},
}
APP = "booking-app"
REPLICAS = 2
BUSINESS_ERRORS_PERCENT = 1
P95_MS = 200
FAIR_SHARE = 0.9  # of its half, at least, for each replica: none was given up for its 409s
NOT_BALANCED = ("direct", "haproxy-tcp")  # one replica; connections are balanced, not requests
SCHEMA = ("CREATE TABLE orders (id bigserial PRIMARY KEY, customer text NOT NULL, "
          "at timestamptz NOT NULL DEFAULT now())")


def prepare():
    tools.build_go(os.path.join(os.path.dirname(os.path.abspath(__file__)), "app"), APP)


def start(context):
    context.redis = Redis(context)
    context.postgres = Postgres(context, SCHEMA)


def start_replicas(context):
    """And the stores are as on the first day: whoever booked in the run before, and did not wait
    for an answer, books nothing in this one."""
    program = tools.built(APP)
    context.redis.command("FLUSHALL")
    context.redis.command("SET", "stock", context.scale["stock"])
    context.postgres.query("TRUNCATE orders RESTART IDENTITY")
    context.postgres.query("CHECKPOINT")
    redis = f"{context.redis.address[0]}:{context.redis.address[1]}"
    context.endpoints = [
        context.start_replica(f"app-{number}", [program, "--redis", redis, "--postgres",
                                                context.postgres.url])
        for number in range(1, REPLICAS + 1)]
    return context.endpoints


def run(context, target, scale):
    metrics = k6.run(context, os.path.join(context.folder, "booking.js"),
                     {"TARGET": f"http://{target[0]}:{target[1]}/bookings",
                      "USERS": scale["users"], "SECONDS": scale["seconds"]},
                     scale["seconds"])
    percentiles = k6.percentiles_us(metrics)
    requests = k6.count(metrics, "http_reqs")
    refused = k6.count(metrics, "refused")
    return {
        "requests": requests, "errors": k6.errors(metrics), "percentiles_us": percentiles,
        "sold": k6.count(metrics, "sold"), "refused": refused,
        "left": int(context.redis.command("GET", "stock")),
        "orders": int(context.postgres.query("SELECT count(*) FROM orders")),
        "customers": int(context.postgres.query("SELECT count(DISTINCT customer) FROM orders")),
        "rows": {"requests": requests, "requests/s": metrics["http_reqs"]["rate"],
                 **{title: percentiles[key] / 1000 for title, key in (
                     ("average ms", "mean"), ("median ms", "p50"), ("p90 ms", "p90"),
                     ("p95 ms", "p95"), ("max ms", "max"))},
                 "answers 409 %": 100 * refused / max(requests, 1),
                 "business errors %": 100 * metrics["business_errors"]["rate"]}}


def check(context, record):
    """Redis, PostgreSQL and the app must tell the same story, and a proxy must send each request
    once and hold no 409 against anybody."""
    rows, stock, counts = record["rows"], context.scale["stock"], record["counts"]
    told = (stock - record["left"], record["orders"], counts["sold"])
    errors, surplus = sum(record["errors"].values()), counts["requests"] - record["requests"]
    bars = [
        bar("business errors, %", rows["business errors %"], "<", BUSINESS_ERRORS_PERCENT),
        bar("p95 ms", rows["p95 ms"], "<", P95_MS),
        bar("sold beyond the stock", max(record["orders"] - stock, -record["left"], 0), "=", 0),
        bar("sales that Redis, PostgreSQL and the app do not agree on", max(told) - min(told), "=",
            0),
        bar("stock left although 409 was answered", record["left"] if record["refused"] else 0,
            "=", 0),
        bar("requests that the app got too often or never", max(surplus, -surplus - errors, 0),
            "=", 0),
        bar("bookings made twice", record["orders"] - record["customers"], "=", 0)]
    if record["proxy"] not in NOT_BALANCED:
        least = min(one["requests"] for one in counts["each"])
        bars.append(bar("a replica's requests, % of its fair share",
                        100 * least * REPLICAS / max(counts["requests"], 1), ">=",
                        100 * FAIR_SHARE))
    if record["stats"]:
        bars.append(bar("tried again, says onehop", retries(record), "=", 0))
    return bars


def retries(record):
    stats = record.get("stats")
    return sum(endpoint["requests"]["retries_total"] for endpoint in
               beside.endpoints(stats)) if stats else None


def seconds(scale):
    return scale["seconds"] + 4


def sections(records):
    agreement = Table(
        "Who counted what", ["", *(record["proxy"] for record in records)],
        [[title, *(value(record) for record in records)] for title, value in (
            ("requests of k6", lambda one: one["requests"]),
            ("requests that reached the app", lambda one: one["counts"]["requests"]),
            ("fewest of them on a replica", lambda one: min(
                each["requests"] for each in one["counts"]["each"])),
            ("answers 201 of k6", lambda one: one["sold"]),
            ("answers 409 of k6", lambda one: one["refused"]),
            ("sold, says the app", lambda one: one["counts"]["sold"]),
            ("orders in PostgreSQL", lambda one: one["orders"]),
            ("stock left in Redis", lambda one: one["left"]),
            ("connections to the app", lambda one: one["counts"]["accepts"]),
            ("tried again, says onehop", retries))],
        "`direct` goes to one of the two replicas. All of them use the same Redis and PostgreSQL.")
    return [Section("the rows of the report beside ours", [
        "Users send one booking after the other without a pause, so throughput and duration are "
        "two sides of one figure: with all cores busy, what the proxy and the tool use is taken "
        "from the app. The share of 409s depends on how many requests there were in all."],
        [beside.rows_table("", REPORT, records), agreement]), *beside.own_section(records, "k6")]
