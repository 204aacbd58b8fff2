#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Shows that the two-hop bench counts, judges and cleans up as it says, without a measurement.

The one idea: what a figure depends on is shown on sockets of this process or on records written
here, where the right answer is known beforehand; nothing depends on how fast the machine is.
"""
import argparse
import contextlib
import io
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import unittest
from unittest import mock

sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
from lib import agreement, arrival, bars, beside, configurations, kernel, layout  # noqa: E402
from lib import linter, netns, options, plan, report, results, timed, timeline  # noqa: E402
from lib.processes import BenchError, Supervisor, wait_until  # noqa: E402

NAMES = ["nginx-stock", "nginx", "onehop", "haproxy", "haproxy-tcp", "envoy", "caddy", "direct"]
LONG_S = 60  # more than the busiest machine needs
LATENCY = {"p50": 100, "p90": 150, "p95": 200, "p99": 300, "max": 400}


def parse(*words):
    return options.parse("build", "", words)


def refused(*words):
    """The sentence with which the arguments are refused."""
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.suppress(SystemExit):
        parse(*words)
    return said.getvalue()


def empty_document():
    return {"runs": [], "special": {}, "versions": {}, "configurations": {}, "problems": [],
            "order": {}}


def timed_run(proxy, number, cpu_us):
    record = {"load": "keepalive", "proxy": proxy, "round": number, "requests": 1000,
              "requests_per_s": 5000.0, "latency_us": LATENCY, "errors": {"timeout": number},
              "origin_accepts": 10, "client_connections": 64, "problems": [],
              "kernel": {"all": {"accepted": 74, "made": 74}},
              "time_wait": {"hop1": {"client": 3, "proxy": 0}}}
    if proxy != "direct":
        record.update(cpu_us=cpu_us, user_us=cpu_us / 4, system_us=cpu_us * 3 / 4, busy=0.5,
                      rss_bytes=8 << 20)
        record["time_wait"]["hop2"] = {"proxy": 0, "origin": 7}
    return record


class Kernel(unittest.TestCase):
    def test_a_connection_left_in_time_wait_is_counted_for_the_end_that_holds_it(self):
        # One that nobody used within the last minute: others' connections may still wait.
        listener = socket.create_server(("127.0.0.1", 0))
        while sum(kernel.time_wait(port := listener.getsockname()[1])) > 0:
            listener.close()
            listener = socket.create_server(("127.0.0.1", 0))
        for server_closes_first in (True, False, False):
            client = socket.create_connection(("127.0.0.1", port))
            server, _ = listener.accept()
            first, last = (server, client) if server_closes_first else (client, server)
            first.close()
            self.assertEqual(last.recv(1), b"")
            last.close()
        # The kernel's table is read in pieces, while others open and close connections: one look
        # may miss a line or see it twice.
        wait_until(lambda: kernel.time_wait(port) == (1, 2), LONG_S, "one and two wait")
        wait_until(lambda: kernel.time_wait(port, younger_than_s=0) == (0, 0), LONG_S,
                   "none of them has just come")
        listener.close()

    def test_connections_are_counted_when_they_are_accepted_and_made(self):
        before = kernel.tcp_counters()
        with socket.create_server(("127.0.0.1", 0)) as listener:
            with socket.create_connection(listener.getsockname()):
                after = kernel.tcp_counters()
        for key in ("accepted", "made"):  # others may be at work on this machine
            self.assertGreater(after[key], before[key])


class Linter(unittest.TestCase):
    def finding(self, name, configuration, version="", connections=4, http="HTTP/1.0"):
        seen = linter.Seen(connections, 4, http, "close" if http == "HTTP/1.0" else "")
        return linter.finding(name, seen, configuration, version)

    def test_one_connection_for_all_requests_is_reuse_and_needs_no_reason(self):
        found = self.finding("nginx", "", connections=1, http="HTTP/1.1")
        self.assertTrue(found["reuses"])
        self.assertEqual(found["why"], [])

    def test_nginx_without_an_upstream_block_is_told_so(self):
        text = configurations.NGINX_AS_INSTALLED
        why = " ".join(self.finding("nginx-stock", text, "nginx/1.22.1")["why"])
        self.assertIn("without an `upstream` block", why)
        self.assertIn("HTTP/1.0", why)
        self.assertIn("`Connection: close`", why)

    def test_an_upstream_block_without_keepalive_explains_old_versions_only(self):
        text = "http { upstream app { server 127.0.0.1:1; # keepalive 4;\n } }"
        old = " ".join(self.finding("nginx", text, "nginx version: nginx/1.29.6")["why"])
        new = " ".join(self.finding("nginx", text, "nginx version: nginx/1.29.7")["why"])
        self.assertIn("before 1.29.7", old)
        self.assertNotIn("before 1.29.7", new)

    def test_a_field_is_found_whatever_its_letter_case(self):
        self.assertEqual(linter.field("GET / HTTP/1.1\r\ncONNECTION: Close\r\n", "connection"),
                         "close")
        self.assertEqual(linter.field("GET / HTTP/1.1\r\nHost: a\r\n", "connection"), "")


class Arrival(unittest.TestCase):
    def test_a_target_is_reached_when_nearly_all_succeed_and_none_is_left_behind(self):
        def judged(seconds, ok):
            return arrival.reached({"offered": 8000, "ok": ok, "wall_s": seconds}, 4000)

        self.assertTrue(judged(2.1, 7992))
        self.assertFalse(judged(2.2, 8000))
        self.assertFalse(judged(2.0, 7991))


class OverTime(unittest.TestCase):
    def test_the_timeline_is_of_the_last_round_and_has_gaps_where_nothing_is_known(self):
        def record(proxy, *seconds):
            return {"proxy": proxy, "timeline": [
                {"second": second, "completed": 10 + round(second)} for second in seconds]}

        records = [record("a", 0), record("a", 0, 1.02), record("b", 0.98), {"proxy": "c"}]
        seconds, series = timeline.of_last_round(records, 1)
        self.assertEqual(seconds, [0, 1])
        self.assertEqual(series, {"a": [10, 11], "b": [None, 11]})
        self.assertEqual(timeline.of_last_round([], 1), ([], {}))

    def test_a_counter_is_told_as_requests_per_second_of_each_interval(self):
        class Origin:
            asked, enough = 0, threading.Event()

            def counts(self):
                self.asked += 1
                if self.asked == 4:
                    self.enough.set()
                return {"requests": 100 * self.asked}

        with timeline.Counting(Origin(), 0.01) as counting:
            self.assertTrue(counting.origin.enough.wait(LONG_S))
        rows = counting.rows()
        self.assertGreaterEqual(len(rows), 3)
        ends = [at - counting.samples[0][0] for at, _ in counting.samples]
        for row, begins, ends in zip(rows, ends, ends[1:]):
            self.assertEqual(row["second"], begins)
            self.assertAlmostEqual(row["completed"] * (ends - begins), 100)

    def test_an_origin_that_does_not_answer_ends_the_counting_and_not_the_run(self):
        class Origin:
            def counts(self):
                raise BenchError("it is gone")

        with timeline.Counting(Origin()) as counting:
            counting.join(LONG_S)
        self.assertEqual(counting.rows(), [])


class Options(unittest.TestCase):
    def test_the_word_two_hop_is_optional(self):
        self.assertEqual(vars(parse("two-hop", "--short")), vars(parse("--short")))

    def test_short_is_planned_to_stay_under_four_minutes(self):
        arguments = parse("two-hop", "--short")
        parts = [part for part in options.PARTS if part != "instructions"]
        steps = plan.make(arguments, parts, NAMES, empty_document(), None, 256)
        self.assertLess(sum(step.estimate_s for step in steps), 240)
        self.assertEqual({step.part for step in steps}, {"warm-up", *parts})

    def test_the_rounds_of_a_load_are_interleaved_and_each_begins_with_another_proxy(self):
        names = ["nginx", "onehop", "haproxy"]
        turned = [names, ["onehop", "haproxy", "nginx"], ["haproxy", "nginx", "onehop"], names]
        arguments = parse("--only", "keepalive", "--rounds", "4")
        steps = plan.make(arguments, ["keepalive"], names, empty_document(), None, 1)
        measured = [step.proxy for step in steps if step.into == "runs"]
        self.assertEqual(measured, sum(turned, []))
        self.assertEqual(plan.order(steps), {"warm-up": [names], "keepalive": turned})

    def test_each_proxy_has_a_warm_up_of_a_load_that_is_its_and_the_record_goes_nowhere(self):
        names = ["nginx-large", "onehop", "haproxy-large", "direct"]
        parts = ["keepalive", "upload"]
        steps = plan.make(parse("--rounds", "1"), parts, names, empty_document(), None, 1)
        self.assertEqual([(step.proxy, step.title) for step in steps if not step.into],
                         list(zip(names, ["upload", "keepalive", "upload", "keepalive"])))
        document = empty_document()
        plan.keep(document, steps[0], {"problems": ["slow"]})
        self.assertEqual(document, empty_document())
        plan.keep(document, steps[-1], {"problems": ["slow"]})
        self.assertEqual(len(document["runs"]), 1)
        self.assertEqual(document["problems"], ["upload, round 1 of 1, direct: slow"])
        self.assertEqual(plan.make(parse(), ["idle"], ["direct"], empty_document(), None, 1), [])

    def test_the_references_for_large_bodies_have_no_part_in_other_loads(self):
        names = ["nginx-large", "haproxy-large", "onehop"]
        parts = [part for part in options.PARTS if part not in ("linter", "instructions")]
        steps = plan.make(parse(), parts, names, empty_document(), None, 1)
        for name in names[:2]:
            loads = {step.title if step.part in ("syscalls", "warm-up") else step.part
                     for step in steps if step.proxy == name}
            self.assertEqual(loads, {"download", "upload"})

    def test_those_that_accept_with_data_have_a_part_in_new_connections_only(self):
        names = [*timed.DEFERRED, "onehop"]
        parts = [part for part in options.PARTS if part not in ("linter", "instructions")]
        steps = plan.make(parse(), parts, names, empty_document(), None, 1)
        for name in timed.DEFERRED:
            loads = {step.title if step.part in ("syscalls", "warm-up") else step.part
                     for step in steps if step.proxy == name}
            self.assertEqual(loads, {"newconn"})

    def test_what_makes_no_sense_is_refused_with_a_sentence(self):
        self.assertIn("'lunch' is none of", refused("--only", "lunch"))
        self.assertIn("--netns, which is not given", refused("--loss", "1%"))
        self.assertIn("--bandwidth, which is not given", refused("--netns", "--queue", "1kb"))
        self.assertIn("whole numbers", refused("--rates", "10,many"))
        self.assertIn("at least 1", refused("--seconds", "0"))


class Network(unittest.TestCase):
    def test_a_share_is_a_fraction_or_per_cent(self):
        self.assertAlmostEqual(netns.fraction("1%"), 0.01)
        self.assertAlmostEqual(netns.fraction("0.25"), 0.25)
        for wrong in ("", "often", "101%", "-1%"):
            with self.assertRaises(BenchError):
                netns.fraction(wrong)

    def test_every_two_places_share_a_link_of_their_own(self):
        network = netns.Namespaces(netns.Shape())
        ends = [(network.address_of(one, other), network.address_of(other, one))
                for one, other, _ in netns.PAIRS]
        self.assertEqual(len({address for pair in ends for address in pair}), 6)
        for one, other in ends:
            self.assertEqual(one.rpartition(".")[0], other.rpartition(".")[0])
        os.close(network.own)

    @unittest.skipIf(os.geteuid() != 0, "only root may make network namespaces")
    def test_namespaces_carry_packets_and_are_gone_at_the_end(self):
        with Supervisor() as supervisor:
            network = netns.make(supervisor, netns.Shape(), [])
            with network.inside("proxy"):
                listener = socket.create_server((network.listen_address("proxy"), 0))
            with socket.create_connection(listener.getsockname(), LONG_S) as client:
                self.assertEqual(client.getsockname()[0], network.address_of("client", "proxy"))
            listener.close()
            names = [network.name(place) for place in netns.PLACES]
            self.assertTrue(all(os.path.exists(f"/run/netns/{name}") for name in names))
        self.assertFalse(any(os.path.exists(f"/run/netns/{name}") for name in names))


class Processes(unittest.TestCase):
    def test_an_interrupted_run_leaves_no_process_and_no_file(self):
        code = ("import sys; sys.path.insert(0, sys.argv[1])\n"
                "from lib.processes import Supervisor\n"
                "with Supervisor() as supervisor:\n"
                "    child = supervisor.start('sleeper', ['sleep', '600'])\n"
                "    print(child.pid, supervisor.directory, flush=True)\n"
                "    child.process.wait()\n")
        for number in (signal.SIGINT, signal.SIGTERM):
            run = subprocess.Popen([sys.executable, "-c", code, sys.path[0]], text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            pid, directory = run.stdout.readline().split()
            run.send_signal(number)
            self.assertNotEqual(run.wait(LONG_S), 0)
            run.stdout.close()
            self.assertFalse(os.path.exists(f"/proc/{pid}"))
            self.assertFalse(os.path.exists(directory))

    def test_a_program_that_is_not_there_is_named(self):
        with Supervisor() as supervisor, self.assertRaisesRegex(BenchError, "ghost.*no-such"):
            supervisor.start("ghost", ["/no-such-program"])

    def test_a_place_where_nothing_can_be_written_is_named_before_the_load(self):
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "new", "results.json")
            self.assertIsNone(results.unwritable(path))
            self.assertIn("cannot be written", results.unwritable(os.path.dirname(path)))
            results.write_atomically(path, "a file")
            self.assertIn("cannot be written", results.unwritable(os.path.join(path, "r.json")))

    def test_a_file_that_cannot_be_completed_leaves_the_former_one(self):
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "results.json")
            results.write_atomically(path, "former")
            with self.assertRaises(TypeError):
                results.write_json(path, {"figure": object()})
            with self.assertRaises(TypeError):
                results.write_atomically(path, 7)
            with mock.patch("os.fsync", side_effect=KeyboardInterrupt):
                with self.assertRaises(KeyboardInterrupt):
                    results.write_atomically(path, "half of it")
            self.assertEqual(os.listdir(directory), ["results.json"])
            with open(path) as file:
                self.assertEqual(file.read(), "former")


class Configurations(unittest.TestCase):
    def test_every_proxy_is_told_of_every_replica_and_of_the_balance(self):
        settings = argparse.Namespace(descriptors=1000, proxy_connections=500)
        listen, to = ("127.0.0.1", 1), [("127.0.0.1", 9001), ("127.0.0.1", 9002)]
        balance = "least_requests"
        for text, word in (
                (configurations.nginx("nginx", "D", listen, to, balance, settings), "least_conn;"),
                (configurations.haproxy("haproxy", listen, to, balance, settings), "leastconn"),
                (configurations.envoy(listen, to, balance, settings), "policies.least_request"),
                (configurations.caddy(listen, to, balance), "lb_policy least_conn"),
                (configurations.onehop("onehop", listen, to, balance, None), '"least_requests"')):
            for expected in (word, "9001", "9002"):
                self.assertIn(expected, text)
        self.assertIn("FULL_SCAN", configurations.envoy(listen, to, balance, settings))
        self.assertIn("ROUND_ROBIN", configurations.envoy(listen, to, "round_robin", settings))

    def test_those_that_accept_with_data_differ_by_that_only(self):
        settings = argparse.Namespace(proxy_connections=500, descriptors=1000)
        place = (("127.0.0.1", 1), [("127.0.0.1", 2)], "round_robin")
        for words, usual, deferred in (
                (" deferred", *(configurations.nginx(name, "D", *place, settings)
                                for name in ("nginx", "nginx-deferred"))),
                (" defer-accept", *(configurations.haproxy(name, *place, settings)
                                    for name in ("haproxy", "haproxy-deferred"))),
                ("defer_accept = true\n", *(configurations.onehop(name, *place, None)
                                            for name in ("onehop", "onehop-deferred")))):
            self.assertEqual(deferred.replace(words, "", 1), usual)
            self.assertNotEqual(deferred, usual)

    def test_the_large_haproxy_differs_by_its_buffers_only(self):
        settings = argparse.Namespace(proxy_connections=500)
        usual, large = (configurations.haproxy(name, ("127.0.0.1", 1), [("127.0.0.1", 2)],
                                               "round_robin", settings)
                        for name in ("haproxy", "haproxy-large"))
        self.assertEqual(large.replace("  tune.bufsize 65536\n", "", 1), usual)
        self.assertNotEqual(large, usual)


class Report(unittest.TestCase):
    def document(self):
        document = {**empty_document(), "date": "today", "pinning": "none", "network": "loopback",
                    "commands": [], "notes": ["a note"], "options": {"partial": True},
                    "machine": {"system": "s", "kernel": "k", "cpu": "c", "cores": 2,
                                "memory_mib": 1}}
        for number, cpu in ((1, 20.0), (2, 30.0), (3, 28.0)):
            document["runs"] += [timed_run("nginx", number, 40.0),
                                 timed_run("onehop", number, cpu), timed_run("direct", number, 0)]
        document["special"]["syscalls"] = [{
            "kind": "syscalls", "proxy": "onehop", "load": "keepalive", "per_request": 4.01,
            "by_name": {"read": 2.0}}]
        document["bars"] = bars.bar_rows(document["runs"], document["special"])
        return document

    def test_a_bar_is_compared_with_the_median_of_the_ratios(self):
        row = self.document()["bars"][0]
        self.assertEqual((row["measured"], row["least"], row["largest"]), (0.7, 0.5, 0.75))
        self.assertTrue(row["verdict"].startswith("reached"))

    def test_the_tables_have_medians_sums_and_what_was_counted(self):
        text = layout.markdown("t", report.sections(self.document()))
        for expected in ("28.0 (7.0 + 21.0)", "4.01", "222 / 222", "21 origin", "9 client",
                         "timeout 6", "a note"):
            self.assertIn(expected, text)

    def test_the_report_survives_being_stored(self):
        sections = report.sections(self.document())
        self.assertEqual(layout.from_json(layout.to_json(sections)), sections)

    def test_the_status_says_more_than_its_count(self):
        rounds = [{"errors": {"status": 3, "reset": 1}, "status": {"200": 9, "503": 3}}]
        self.assertEqual(report.errors_text(rounds), "reset 1, status 503 3")

    def test_throughput_over_time_is_plotted_where_it_was_counted(self):
        document = self.document()
        document["runs"][1]["timeline"] = [{"second": 0.0, "completed": 5.0}]
        titles = [plot.title for section in report.sections(document) for plot in section.plots]
        self.assertIn("Throughput over time, keepalive", titles)

    def test_own_figures_are_medians_of_all_runs_and_the_difference_is_a_share_of_the_tools(self):
        document = self.document()
        for number, tool, own in ((1, 100, 10), (2, 400, 100), (3, 300, 60)):
            document["runs"].append({
                "load": "arrival", "proxy": "onehop", "rate": 1000, "round": number, "tool": "t",
                "latency_us": {"p50": tool}, "own": {"total": {"p50": own},
                                                     "proxy_overhead": {"p50": number}}})
        rows = beside.own_table(beside.comparisons(document)).rows
        self.assertEqual(rows, [["arrival 1,000/s, p50", "300 (t)", "60", "-240", "-80%", "2", 3]])
        self.assertEqual(beside.difference(200, 250), 0.25)

    def test_own_figures_want_exactly_one_endpoint(self):
        with self.assertRaisesRegex(BenchError, "2 endpoints"):
            agreement.own_figures({"upstreams": {"app": {"endpoints": {"a": {}, "b": {}}}}})


if __name__ == "__main__":
    unittest.main()
