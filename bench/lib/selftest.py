#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Shows that the benches count, judge, record and clean up as they say, without a measurement.

The one idea: what a figure depends on is shown on sockets of this process or on records written
here, where the right answer is known beforehand; nothing depends on how fast the machine is.
"""
import argparse
import contextlib
import io
import os
import random
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from unittest import mock

sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
import attacks as attack_program  # noqa: E402
import scenarios  # noqa: E402
from lib import (arrival, attack_clients, attack_mix, attacks, bars, beside,  # noqa: E402
                 certificates, configurations, generators, h2_frames, handshake_client, linter,
                  loads, mix_clients, netns, observe, options, plan, report, results,
                 scenario_runner, tables)
from lib.attack_stage import Attacker  # noqa: E402
from lib.certificates import SUITE, Certificate  # noqa: E402
from lib.configurations import Limits, Site  # noqa: E402
from lib.processes import BenchError, Supervisor  # noqa: E402
from lib.proxies import Proxies, Settings  # noqa: E402
from lib.tables import Section, Table  # noqa: E402
from lib.witness import H2Origin, Witness  # noqa: E402

NAMES = ["nginx-stock", "nginx", "onehop", "haproxy", "haproxy-tcp", "envoy", "caddy", "direct"]
LONG_S = 60  # more than the busiest machine needs
LATENCY = {"p50": 100, "p90": 150, "p95": 200, "p99": 300, "max": 400}
CERTIFICATE = Certificate("ecdsa", "CHAIN", "KEY", "BOTH")


def parse(*words, bench="two-hop"):
    return options.parse(bench, "", words)


def refused(*words):
    """The sentence with which the arguments are refused."""
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.suppress(SystemExit):
        parse(*words)
    return said.getvalue()


def steps_of(arguments, parts, names):
    return plan.make(arguments, parts, names, {}, None, 256)


def timed_run(proxy, number, cpu_us, load="keepalive"):
    record = {"load": load, "proxy": proxy, "round": number, "requests": 1000,
              "requests_per_s": 5000.0, "latency_us": LATENCY, "errors": {"timeout": number},
              "origin_accepts": 10, "client_connections": 64, "timeline": [[0, 5]]}
    if proxy != "direct":
        record.update(cpu_us=cpu_us, user_us=cpu_us / 4, system_us=cpu_us * 3 / 4, busy=0.5,
                      rss_bytes=8 << 20)
    return record


def a_document(bench="two-hop"):
    arguments = argparse.Namespace(name="x", onehop="/bin/true")
    made = results.new_document(bench, arguments, "none", {"partial": True}, ["a note"], ())
    return {**made, "commands": []}


def site(name, **more):
    to = {"/": [("127.0.0.1", 9001), ("127.0.0.1", 9002)]}
    return Site(name, "D", **{"routes": to, "descriptors": 1000, "connections": 500,
                              "plain": ("127.0.0.1", 1), **more})


def configuration(name, **more):
    return configurations.FILES[name.partition("-")[0]](site(name, **more))


class Counting(unittest.TestCase):
    def test_a_counter_is_told_as_requests_per_second_of_each_interval(self):
        class Origin:
            asked, enough = 0, threading.Event()

            def counts(self):
                self.asked += 1
                if self.asked == 4:
                    self.enough.set()
                return {"requests": 100 * self.asked}

        with observe.Counting(Origin(), 0.01) as counting:
            self.assertTrue(counting.origin.enough.wait(LONG_S))
        ends = [at - counting.samples[0][0] for at, _ in counting.samples]
        self.assertGreaterEqual(len(counting.rows()), 3)
        for (began, rate), begins, ends in zip(counting.rows(), ends, ends[1:]):
            self.assertEqual(began, begins)
            self.assertAlmostEqual(rate * (ends - begins), 100)

    def test_a_target_is_reached_when_nearly_all_succeed_and_none_is_left_behind(self):
        for seconds, ok, wanted in ((2.1, 7992, True), (2.2, 8000, False), (2.0, 7991, False)):
            found = {"offered": 8000, "ok": ok, "wall_s": seconds}
            self.assertEqual(arrival.reached(found, 4000), wanted)

    def test_own_figures_want_exactly_one_endpoint(self):
        with self.assertRaisesRegex(BenchError, "2 endpoints"):
            arrival.own_figures({"upstreams": {"app": {"endpoints": {"a": {}, "b": {}}}}})

    def test_h2load_is_read_to_the_status(self):
        text = ("Cipher: TLS_AES_128_GCM_SHA256\nApplication protocol: h2\n"
                "finished in 2.00s, 2.00 req/s, 25.93MB/s\nrequests: 4 total, 104 started, 4 done, "
                "3 succeeded, 1 failed, 1 errored, 0 timeout\n")
        found = generators.h2load_result(text, ["1 200 100", "2 200 300", "3 200 200", "4 -1 9"])
        self.assertEqual((found["requests"], found["latency_us"]["max"]), (4, 300))
        self.assertEqual({kind for kind, count in found["errors"].items() if count},
                         {"failed", "errored"})

    def test_counts_that_disagree_are_problems(self):
        load = loads.BY_NAME["newconn"]
        good = {"errors": {}, "requests": 10, "origin_requests": 12, "client_connections": 10,
                "origin_bytes_received": 0}
        self.assertEqual(loads.problems(load, good), [])
        for change in ({"origin_requests": 9}, {"client_connections": 9}, {"errors": {"x": 1}}):
            self.assertEqual(len(loads.problems(load, {**good, **change})), 1)


class Handshakes(unittest.TestCase):
    def test_full_ones_are_full_and_resumed_ones_resumed_every_time(self):
        with Supervisor() as supervisor:
            made = certificates.make(supervisor, "ecdsa")
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(made.chain, made.key)
        listener = socket.create_server(("127.0.0.1", 0))

        def serve():
            with contextlib.suppress(OSError):
                while True:
                    plain = listener.accept()[0]
                    with contextlib.suppress(OSError), context.wrap_socket(plain, True) as tls:
                        if tls.recv(4096):
                            tls.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                            tls.unwrap()

        threading.Thread(target=serve, daemon=True).start()
        client, address = certificates.client_context(), listener.getsockname()
        session = handshake_client.first_session(client, address)
        for given in (None, session):
            found = [handshake_client.shake(client, address, given)[0] for _ in range(3)]
            self.assertEqual(found, [given is not None] * 3)
        listener.close()

    def test_others_than_the_load_is_named_after_are_problems(self):
        load = loads.BY_NAME["full-ecdsa"]
        good = {"errors": {}, "requests": 100, "resumed": 0, "suites": [SUITE],
                "first_connections": 0, "origin_requests": 0, "client_connections": 100}
        self.assertEqual(loads.handshake_problems(load, good), [])
        for change in ({"resumed": 1}, {"suites": ["other"]}, {"origin_requests": 1},
                       {"counted": {"full": 99, "resumed": 0, "failed": 1}}):
            self.assertEqual(len(loads.handshake_problems(load, {**good, **change})), 1, change)


class Linter(unittest.TestCase):
    def test_nginx_is_told_why_it_opens_a_connection_for_each_request(self):
        text = configuration("nginx-stock", routes={"/": [("127.0.0.1", 1)]})
        why = " ".join(linter.reasons("nginx-stock", "HTTP/1.0", "close", text, "nginx/1.22.1"))
        for words in ("without an `upstream` block", "HTTP/1.0", "`Connection: close`"):
            self.assertIn(words, why)
        text = "http { upstream app { server 127.0.0.1:1; # keepalive 4;\n } }"
        for version, old in (("nginx/1.29.6", True), ("nginx/1.29.7", False)):
            why = " ".join(linter.reasons("nginx", "HTTP/1.1", "", text, version))
            self.assertEqual("before 1.29.7" in why, old)


class Plan(unittest.TestCase):
    def test_short_is_planned_to_stay_under_four_minutes(self):
        parts = [part for part in options.PARTS["two-hop"]
                 if part not in ("access-log", "instructions")]
        steps = steps_of(parse("two-hop", "--short"), parts, NAMES)
        self.assertLess(sum(step.estimate_s for step in steps), 240)
        left_out = {part for part, proxies in options.SHORT_LEAVES_OUT.items()
                    if "onehop" in proxies}
        self.assertEqual({step.part for step in steps}, {"warm-up", *parts} - left_out)

    def test_the_rounds_of_a_load_are_interleaved_and_each_begins_with_another_proxy(self):
        names = ["nginx", "onehop", "haproxy"]
        turned = [names, ["onehop", "haproxy", "nginx"], ["haproxy", "nginx", "onehop"], names]
        steps = steps_of(parse("--rounds", "4"), ["keepalive"], names)
        self.assertEqual([step.proxy for step in steps if step.into == "runs"], sum(turned, []))

    def test_each_has_a_warm_up_of_a_load_that_is_its_and_the_record_goes_nowhere(self):
        names = ["nginx-large", "onehop", "direct"]
        steps = steps_of(parse("--rounds", "1"), ["keepalive", "upload"], names)
        self.assertEqual([(step.proxy, step.title) for step in steps if not step.into],
                         list(zip(names, ["upload", "keepalive", "keepalive"])))
        document = {"runs": [], "problems": []}
        plan.keep(document, steps[0], {"problems": ["slow"]})
        self.assertEqual(document, {"runs": [], "problems": []})
        plan.keep(document, steps[-1], {"problems": ["slow"]})
        self.assertEqual(document["problems"], ["upload, round 1 of 1, direct: slow"])

    def test_over_tls_each_certificate_has_a_warm_up_of_its_own(self):
        steps = steps_of(parse("--smoke", bench="tls"), ["h2", "full-rsa"], ["onehop", "floor"])
        self.assertEqual([(step.part, step.proxy) for step in steps], [
            ("warm-up", "onehop"), ("warm-up", "onehop"), ("warm-up", "floor"), ("h2", "onehop"),
            ("full-rsa", "onehop"), ("full-rsa", "floor")])

    def test_references_have_a_part_only_where_they_are_of_use(self):
        parts = [part for part in options.PARTS["two-hop"] if part not in ("linter", "h2c")]
        steps = steps_of(parse(), parts, [*loads.LARGE_ONLY, *loads.DEFERRED, "onehop"])
        for names, wanted in ((loads.LARGE_ONLY, {"download", "upload"}),
                              (loads.DEFERRED, {"newconn"})):
            self.assertEqual({step.title if step.part in ("syscalls", "warm-up") else step.part
                              for step in steps if step.proxy in names}, wanted)

    def test_what_makes_no_sense_is_refused_with_a_sentence(self):
        self.assertIn("'lunch' is none of", refused("--only", "lunch"))
        self.assertIn("--netns, which is not given", refused("--loss", "1%"))
        self.assertIn("whole numbers", refused("--rates", "10,many"))
        self.assertIn("at least 1", refused("--seconds", "0"))
        for wrong in ("", "often", "101%", "-1%"):
            with self.assertRaises(BenchError):
                netns.fraction(wrong)


class Processes(unittest.TestCase):
    @unittest.skipIf(os.geteuid() != 0, "only root may make network namespaces")
    def test_namespaces_carry_packets_and_are_gone_at_the_end(self):
        with Supervisor() as supervisor:
            shape = argparse.Namespace(bandwidth="", queue="", loss="", delay="")
            network = netns.make(supervisor, shape, [])
            with network.inside("proxy"):
                listener = socket.create_server((network.listen_address("proxy"), 0))
            with socket.create_connection(listener.getsockname(), LONG_S) as client:
                self.assertEqual(client.getsockname()[0], network.address_of("client", "proxy"))
            listener.close()
            names = [network.name(place) for place in netns.PLACES]
            self.assertTrue(all(os.path.exists(f"/run/netns/{name}") for name in names))
        self.assertFalse(any(os.path.exists(f"/run/netns/{name}") for name in names))

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

    def test_a_proxy_that_does_not_start_says_why(self):
        with Supervisor() as supervisor:
            proxies = Proxies(supervisor, Settings("/bin/false", 1000, 500))
            with self.assertRaisesRegex(BenchError, "onehop did not start: /bin/false run"):
                proxies.start("onehop", ("127.0.0.1", 1))


class Configurations(unittest.TestCase):
    def test_every_proxy_is_told_of_every_replica_and_of_the_balance(self):
        for name, word in (("nginx", "least_conn;"), ("haproxy", "leastconn"),
                           ("envoy", "FULL_SCAN"), ("caddy", "lb_policy least_conn"),
                           ("onehop", '"least_requests"')):
            text = configuration(name, balance="least_requests")
            for expected in (word, "9001", "9002"):
                self.assertIn(expected, text)

    def test_special_ones_differ_by_what_makes_them_special_only(self):
        for name, special, words in (
                ("nginx", "deferred", " deferred"), ("haproxy", "deferred", " defer-accept"),
                ("onehop", "deferred", "defer_accept = true\n"),
                ("haproxy", "large", "  tune.bufsize 65536\n"),
                ("nginx", "large", configurations.NGINX_LARGE_BUFFERS + "\n")):
            self.assertIn(words, configuration(f"{name}-{special}"))
            self.assertEqual(configuration(f"{name}-{special}").replace(words, "", 1),
                             configuration(name))

    def test_the_logging_ones_have_a_line_of_json_for_each_request_in_a_file_of_their_own(self):
        self.assertIn("/access.log lines buffer=64k;", configuration("nginx-logging"))
        self.assertNotIn("access_log off", configuration("nginx-logging"))
        self.assertIn('[log.access]\nfile = "', configuration("onehop-logging"))
        self.assertNotIn("log.access", configuration("onehop"))

    def test_over_tls_all_have_the_certificate_and_the_one_suite(self):
        for name in ("nginx", "haproxy", "nghttpx", "onehop"):
            text = configuration(name, plain=None, tls=("127.0.0.1", 2), certificate=CERTIFICATE)
            self.assertIn(SUITE, text)
            self.assertTrue("CHAIN" in text or "BOTH" in text)

    def test_limits_are_those_of_onehop_and_of_the_limited_haproxy(self):
        limits, to = Limits(5, 10, 500), {"/pay": [("127.0.0.1", 9001)]}
        for name, words in (
                ("haproxy-limited", ("maxconn 5", "queue(pay) ge 10", "timeout queue 500ms")),
                ("onehop", ("max_connections = 5", "max_queue = 10", 'queue_timeout = "500ms"'))):
            for expected in words:
                self.assertIn(expected, configuration(name, routes=to, limits=limits))
        self.assertNotIn("queue", configuration("haproxy", routes=to, limits=limits))


class Recording(unittest.TestCase):
    def document(self):
        document = a_document()
        for number, cpu in ((1, 20.0), (2, 30.0), (3, 28.0)):
            document["runs"] += [timed_run("nginx", number, 40.0),
                                 timed_run("onehop", number, cpu), timed_run("direct", number, 0)]
        document["special"]["syscalls"] = [{
            "kind": "syscalls", "proxy": "onehop", "load": "keepalive", "per_request": 4.01,
            "by_name": {"read": 2.0}}]
        document["bars"] = bars.rows(document)
        return document

    def test_a_bar_is_compared_with_the_median_of_the_ratios(self):
        row = self.document()["bars"][0]
        self.assertEqual((row["measured"], row["least"], row["largest"]), (0.7, 0.5, 0.75))
        self.assertEqual(row["verdict"], "reached, 30% below")
        self.assertEqual(bars.verdict(1.0502, 1.05), "MISSED by 0.02%")

    def test_over_tls_a_bar_is_on_the_peer_that_onehop_is_furthest_behind(self):
        document = a_document("tls")
        document["runs"] = [timed_run(name, 1, cpu, "h2") for name, cpu in (
            ("onehop", 12), ("nginx", 24), ("haproxy", 10), ("floor", 1))]
        row = bars.rows(document)[0]
        self.assertEqual((row["name"], row["measured"], row["reached"]),
                         ("h2: CPU, onehop / best peer (haproxy)", 1.2, False))

    def test_the_tables_have_medians_sums_and_what_was_counted(self):
        text = tables.markdown("t", report.sections(self.document()))
        for expected in ("28.0 (7.0 + 21.0)", "4.01", "3,000", "192", "timeout 6", "a note"):
            self.assertIn(expected, text)
        rounds = [{"errors": {"status": 3, "reset": 1}, "status": {"200": 9, "503": 3}}]
        self.assertEqual(report.errors_text(rounds), "reset 1, status 503 3")

    def test_a_row_stands_on_a_line_and_only_the_last_round_has_its_seconds(self):
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "results.json")
            text = results.text(results.rounded(results.small(self.document())))
            results.write_atomically(path, text)
            document = results.load(path)
        self.assertEqual(sum('["keepalive",' in line for line in text.splitlines()), 9)
        self.assertEqual(["timeline" in run for run in document["runs"]], [False] * 6 + [True] * 3)
        self.assertEqual(document["runs"][0]["p99_us"], 300)
        with self.assertRaisesRegex(BenchError, "`bars` is missing"):
            results.validate({key: document[key] for key in document if key != "bars"})

    def test_own_figures_are_medians_and_the_difference_is_a_share_of_the_tools(self):
        document = a_document()
        for tool, own in ((100, 10), (400, 100), (300, 60)):
            document["runs"].append({
                "load": "arrival", "proxy": "onehop", "rate": 1000, "tool": "t",
                "latency_us": {"p50": tool}, "own": {"total": {"p50": own},
                                                     "proxy_overhead": {"p50": 2}}})
        self.assertEqual(beside.own_table(document).rows, [
            ["arrival 1,000/s, p50", "300 (t)", "60", "-240", "-80%", "2", 3]])

    def test_columns_are_padded_figures_aligned_right_and_pipes_are_text(self):
        text = tables.markdown("T", [Section("S", [], [Table("", ["proxy", "calls"], [
            ["onehop", 4.02], ["a | b", None], ["haproxy", 1234.5]])])])
        self.assertEqual([line for line in text.split("\n") if line.startswith("|")][1:], [
            "|---------|---------:|", "| onehop  |     4.02 |", "| a \\| b  |        – |",
            "| haproxy | 1,234.50 |"])
        expected = {0: "0", 5: "5", 12.345: "12.3", 0.0123: "0.0123", 1234.4: "1,234", None: "–"}
        self.assertEqual({value: tables.number(value) for value in expected}, expected)

    def test_a_file_that_cannot_be_completed_leaves_the_former_one(self):
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "new", "results.json")
            self.assertIsNone(results.unwritable(path))
            self.assertIn("cannot be written", results.unwritable(os.path.dirname(path)))
            results.write_atomically(path, "former")
            with mock.patch("os.fsync", side_effect=KeyboardInterrupt):
                with self.assertRaises(KeyboardInterrupt):
                    results.write_atomically(path, "half of it")
            with open(path) as file:
                self.assertEqual((file.read(), os.listdir(os.path.dirname(path))),
                                 ("former", ["results.json"]))


class Attacks(unittest.TestCase):
    def test_an_origin_refuses_streams_unseen_or_answers_them(self):
        for refuses, wanted in ((True, h2_frames.RST_STREAM), (False, h2_frames.HEADERS)):
            with H2Origin(refuses) as origin, attack_clients.connect(origin.address) as client:
                client.sendall(h2_frames.PREFACE + h2_frames.settings() + h2_frames.get(1, "a"))
                received, kinds = bytearray(), []
                while wanted not in kinds:
                    received += client.recv(65536)
                    kinds += [kind for kind, *_ in h2_frames.frames_of(received)]
                self.assertEqual(origin.streams, 1)

    def test_an_attacker_ends_by_itself_and_says_what_it_counted(self):
        with Witness() as witness:
            counted = Attacker(None, 0.2, attack_clients.one_after_the_other, witness.address,
                               attack_clients.request("/", "a")).result()["requests"]
        self.assertGreater(counted, 0)
        self.assertLessEqual(abs(len(witness.seen) - counted), 1)

    def test_a_lenient_application_reads_all_spellings_as_admin(self):
        for spelling in attacks.SPELLINGS:
            self.assertTrue(attacks.reads_as_admin(spelling), spelling)
        for other in ("/", "/static/admin", "/administration", "/x?/admin"):
            self.assertFalse(attacks.reads_as_admin(other), other)

    def test_every_attack_says_what_it_sends_and_what_is_measured(self):
        for name, (function, _) in attacks.ATTACKS.items():
            self.assertIn("Measured:", function.__doc__, name)

    def test_a_gauge_of_clients_that_is_not_at_0_is_named(self):
        found = attack_mix.Exposition(
            "# TYPE onehop_downstream_connections_open gauge\n"
            "onehop_downstream_connections_open 2\n"
            'onehop_upstream_requests_total{upstream="app",class="2xx"} 5\n'
            'onehop_upstream_requests_total{upstream="app",class="none"} 3\n')
        self.assertEqual(found.left(), {"onehop_downstream_connections_open{}": 2})
        for but, wanted in (("", 8), ('class="none"', 5)):
            self.assertEqual(found.total("onehop_upstream_requests_total", 'upstream="app"', but),
                             wanted)

    def test_counts_have_to_be_those_of_the_origin(self):
        found = [len(attack_mix.wrong_counts("app", {"accepts": accepts, "requests": requests},
                                             5, 2, 10, 12))
                 for accepts, requests in ((5, 10), (7, 12), (4, 9), (8, 11))]
        self.assertEqual(found, [0, 0, 2, 1])

    def test_every_act_ends_in_time_and_survives_whatever_it_meets(self):
        with Witness() as witness:
            place = mix_clients.Place(witness.address, witness.address, witness.address, "a")
            for name, act in mix_clients.ACTS.items():
                began = time.monotonic()
                with contextlib.suppress(OSError):
                    act(began + 0.05, place, random.Random(1))
                self.assertLess(time.monotonic() - began, 10, name)

    def test_only_what_stands_between_the_marks_is_written_anew_and_by_a_whole_run(self):
        text = f"before\n{attack_program.BEGIN}\nold\n{attack_program.END}\nafter\n"
        found = attack_program.recorded(text, "new\n")
        self.assertEqual(found, text.replace("\nold\n", "\n\nnew\n\n"))
        with self.assertRaises(BenchError):
            attack_program.recorded("no marks", "new")
        self.assertEqual(attack_program.parse([]).record, attack_program.DOCUMENT)
        for words in (["--only", "paths"], ["--short"], ["--proxies", "onehop"], ["--smoke"]):
            self.assertIsNone(attack_program.parse(words).record)


class Scenarios(unittest.TestCase):
    def record(self, proxy, measured, is_judged=True, always=False):
        one = scenario_runner.bar("p95 ms", measured, "<=", 350, always)
        return {"scenario": "gateway", "proxy": proxy, "step": {"users": 20}, "bars": [one],
                "violations": scenario_runner.judge([one], is_judged)}

    def test_a_missed_bar_gives_its_sentence_where_it_is_asked(self):
        for measured, is_judged, always, wanted in (
                (350, True, False, 0), (351, True, False, 1), (351, False, False, 0),
                (351, False, True, 1)):
            found = self.record("x", measured, is_judged, always)["violations"]
            self.assertEqual(len(found), wanted)

    def test_the_table_of_thresholds_tells_missed_from_not_judged(self):
        records = [self.record("onehop", 400), self.record("nginx", 500, is_judged=False),
                   self.record("haproxy", 100)]
        section = scenarios.thresholds(records, None)
        self.assertEqual(section.tables[0].rows[0][2:], ["400, MISSED", "500, not judged", "100"])
        self.assertEqual(section.text[1], "- onehop, 20: p95 ms: 400, wanted is <= 350")
        document = a_document("scenarios")
        scenarios.take(records, document)
        results.validate(document)
        self.assertEqual(document["bars"][0]["name"], "gateway, users 20, onehop: p95 ms")

    def test_a_proxy_that_a_scenario_has_no_configuration_for_is_named_at_once(self):
        notes = []
        scenario_runner.plan("saturation", "smoke", ["envoy"],
                             Proxies(None, Settings("/bin/true", 1000, 500)), notes)
        self.assertIn("has a configuration for direct, onehop", notes[0])


if __name__ == "__main__":
    unittest.main()
