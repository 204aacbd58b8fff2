#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Shows that the scenarios judge, count seconds and limit as they say, without any load.

The one idea: what a verdict depends on is written here as a record whose right answer is known
beforehand; no tool is needed, and nothing depends on how fast the machine is.
"""
import argparse
import contextlib
import io
import os
import socket
import sys
import unittest

# bench/ instead of bench/scenarios/, where a scenario's folder could hide a module.
sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
import scenarios  # noqa: E402
from lib import results, routes, scenario_runner  # noqa: E402
from lib.processes import BenchError, Supervisor, wait_until  # noqa: E402
from lib.proxies import Proxies  # noqa: E402
from lib.scenario_runner import bar, timeline  # noqa: E402

LIMITS = routes.Limits(concurrent=5, waiting=10, wait_ms=500)


def judged(measured, is_judged=True, always=False):
    """A bar of at most 350 after the verdict, and the sentences it led to."""
    one = bar("p95 ms", measured, "<=", 350, "too slow", always)
    return one, scenario_runner._judge([one], is_judged)


def record(proxy, measured, is_judged=True):
    one, sentences = judged(measured, is_judged)
    return {"proxy": proxy, "step": {"users": 20}, "bars": [one], "violations": sentences,
            "others_cores": 0.0}


def result(*records):
    return {"name": "gateway", "records": list(records), "violations": [
        {"run": one["proxy"], "proxy": one["proxy"], "sentence": text}
        for one in records for text in one["violations"]]}


class Judging(unittest.TestCase):
    def test_a_bar_that_is_just_met_is_reached_and_says_nothing(self):
        one, sentences = judged(350)
        self.assertEqual((one["measured"], one["wanted"], one["reached"]), (350, "<= 350", True))
        self.assertEqual(sentences, [])

    def test_a_missed_bar_gives_its_sentence(self):
        one, sentences = judged(351)
        self.assertFalse(one["reached"])
        self.assertEqual(sentences, ["too slow"])

    def test_a_proxy_that_is_not_judged_misses_a_bar_without_a_sentence(self):
        one, sentences = judged(351, is_judged=False)
        self.assertEqual((one["reached"], one["judged"], sentences), (False, False, []))

    def test_some_bars_are_asked_of_proxies_that_are_not_judged_otherwise(self):
        self.assertEqual(judged(351, is_judged=False, always=True)[1], ["too slow"])

    def test_the_table_of_thresholds_tells_missed_from_not_judged(self):
        section = scenarios.thresholds(
            result(record("onehop", 400), record("nginx", 500, is_judged=False),
                   record("haproxy", 100)), None, {"nginx": "nginx, unlimited"})
        self.assertEqual(section.tables[0].columns[2:], ["onehop", "nginx, unlimited", "haproxy"])
        self.assertEqual(section.tables[0].rows[0][2:], ["400, MISSED", "500, not judged", "100"])
        self.assertEqual(section.tables[1].rows, [["onehop", "too slow"]])

    def test_what_a_scenario_leaves_is_of_the_one_schema(self):
        document = scenarios.new_document(argparse.Namespace(
            name="x", onehop="/bin/true", names=[], proxies=""), "smoke", 1000)
        scenarios.take(result(record("onehop", 100)), document)
        document["report"] = []
        results.validate(document)
        self.assertEqual(document["bars"][0]["name"], "gateway, users 20, onehop: p95 ms")
        self.assertEqual(document["runs"][0]["scenario"], "gateway")
        self.assertNotIn("records", document["scenarios"][0])


class Seconds(unittest.TestCase):
    def test_totals_become_requests_in_each_second(self):
        rows = timeline([(10.0, 0), (11.0, 100), (12.0, 250)])
        self.assertEqual(rows, [{"second": 1, "completed": 100}, {"second": 2, "completed": 150}])

    def test_seconds_before_the_first_request_and_after_the_last_are_left_out(self):
        rows = timeline([(0, 0), (1, 0), (2, 7), (3, 7), (4, 9), (5, 9)])
        self.assertEqual([row["completed"] for row in rows], [7, 0, 2])

    def test_a_second_that_the_tool_missed_is_like_its_neighbour(self):
        rows = timeline([(0, 0), (1, 10), (3, 30)])
        self.assertEqual([row["completed"] for row in rows], [10, 10, 10])

    def test_no_answer_of_a_tool_is_an_empty_time_line(self):
        self.assertEqual(timeline([]), [])

    def test_artillerys_answers_are_counted_by_second_and_kind(self):
        saturation = scenario_runner.load("saturation")
        counters = {"second.70.let_in": 3, "second.70.shed": 2, "second.72.shed": 4,
                    "http.requests": 9}
        self.assertEqual([row["completed"] for row in saturation.answers_by_second(
            counters, ("let_in", "shed"))], [5, 0, 4])
        self.assertEqual([row["completed"] for row in saturation.answers_by_second(
            counters, ("let_in",))], [3, 0, 0])


class Limited(unittest.TestCase):
    def configuration(self, name, limits):
        routed = {"/pay": [("127.0.0.1", 9001)]}
        with Supervisor() as supervisor:
            return routes._prepare("onehop", name, supervisor.directory, ("127.0.0.1", 1),
                                   ("127.0.0.1", 2), routed, limits)[1]

    def test_haproxy_limited_has_the_limits_of_onehop(self):
        limited = self.configuration("haproxy-limited", LIMITS)
        for words in ("maxconn 5", "queue(pay) ge 10", "timeout queue 500ms", "Retry-After"):
            self.assertIn(words, limited)
        own = self.configuration("onehop", LIMITS)
        for words in ("max_connections = 5", "max_queue = 10", 'queue_timeout = "500ms"'):
            self.assertIn(words, own)

    def test_haproxy_without_limits_stays_as_it_is(self):
        self.assertNotIn("queue", self.configuration("haproxy", LIMITS))

    def test_a_proxy_that_a_scenario_has_no_configuration_for_is_named_at_once(self):
        proxies = Proxies(None, argparse.Namespace(onehop="/bin/true", against=None))
        reason = scenario_runner._cannot_be("envoy", scenario_runner.load("saturation"), proxies)
        self.assertIn("has a configuration for direct, onehop", reason)


class WhatCanGoWrong(unittest.TestCase):
    def test_a_port_that_another_process_listens_on_is_not_the_proxys(self):
        with Supervisor() as supervisor, socket.create_server(("127.0.0.1", 0)) as stranger:
            child = supervisor.start("sleeper", ["sleep", "60"])
            self.assertFalse(scenario_runner._holds(child, stranger.getsockname()[1]))

    def test_a_port_that_the_proxy_listens_on_is_its_own(self):
        program = "import socket, time; s = socket.create_server(('127.0.0.1', 0)); " \
                  "print(s.getsockname()[1], flush=True); time.sleep(60)"
        with Supervisor() as supervisor:
            child = supervisor.start("listener", [sys.executable, "-c", program])
            port = int(wait_until(child.log_tail, 10, "a port is told"))
            self.assertTrue(scenario_runner._holds(child, port))

    def test_a_proxy_that_does_not_start_says_why(self):
        with Supervisor() as supervisor, self.assertRaises(BenchError) as failure:
            routes.start(supervisor, "/bin/false", "onehop", {"/": [("127.0.0.1", 1)]})
        self.assertIn("onehop did not start: /bin/false run", str(failure.exception))

    def test_results_that_cannot_be_written_are_refused_before_any_run(self):
        for place in ("/proc/results.json", "/tmp"):
            with self.assertRaises(BenchError) as failure:
                scenarios.check_places(argparse.Namespace(json=place, markdown=None, name="x"))
            self.assertIn("cannot be written", str(failure.exception))

    def test_an_unknown_proxy_is_refused_and_the_known_ones_are_named(self):
        said, words = io.StringIO(), sys.argv
        sys.argv = ["scenarios.py", "--proxies", "squid"]
        try:
            with contextlib.redirect_stderr(said), self.assertRaises(SystemExit):
                scenarios.parse_arguments()
        finally:
            sys.argv = words
        self.assertIn("'squid' is none of", said.getvalue())
        self.assertIn("haproxy-limited", said.getvalue())


if __name__ == "__main__":
    unittest.main()
