#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Shows that the bench over TLS counts and judges as it says, without a measurement.

The one idea: handshakes are made with a TLS server of this process, where it is known which of them
can be resumed; the rest is judged on records and texts written here.
"""
import argparse
import contextlib
import io
import json
import os
import socket
import ssl
import subprocess
import sys
import threading
import unittest

sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
from lib import certificates, h2load, handshake_client, layout, plan, report  # noqa: E402
from lib import tls_configurations, tls_loads, tls_plan  # noqa: E402
from lib.certificates import SUITE  # noqa: E402
from lib.processes import BenchError, Supervisor  # noqa: E402

H2LOAD = """\
TLS Protocol: TLSv1.3
Cipher: TLS_AES_128_GCM_SHA256
Server Temp Key: X25519 253 bits
Application protocol: h2

finished in 2.00s, 2.00 req/s, 25.93MB/s
requests: 4 total, 104 started, 4 done, 3 succeeded, 1 failed, 1 errored, 0 timeout
"""
LOG = ["1 200 100", "2 200 300", "3 200 200", "4 -1 9000"]


def parse(*words):
    return tls_plan.parse("build", "", words)


def refused(*words):
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.suppress(SystemExit):
        parse(*words)
    return said.getvalue()


class Server(threading.Thread):
    """Answers each TLS connection: with a response when there is a request."""

    def __init__(self, certificate, tickets):
        super().__init__(daemon=True)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate.chain, certificate.key)
        self.context.num_tickets = 2 if tickets else 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = self.listener.getsockname()
        self.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.join()

    def run(self):
        with contextlib.suppress(OSError):
            while True:
                self.serve(self.listener.accept()[0])

    def serve(self, plain):
        with contextlib.suppress(OSError), self.context.wrap_socket(plain, True) as connection:
            if connection.recv(4096):
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                connection.unwrap()


def record(load, **changes):
    made = {"load": load.name, "errors": {}, "requests": 100, "resumed": 0, "suites": [SUITE],
            "first_connections": 0, "origin_requests": 0, "client_connections": 100}
    return {**made, **changes}


def run_of(load, proxy, number, cpu_us):
    return {"load": load, "proxy": proxy, "round": number, "cpu_us": cpu_us}


class Clients(unittest.TestCase):
    def test_they_offer_no_other_cipher_suite_of_tls_1_3(self):
        code = ("import ssl; print([one['name'] for one in "
                "ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).get_ciphers() "
                "if one['protocol'] == 'TLSv1.3'])")
        with Supervisor() as supervisor:
            told = {**os.environ, **certificates.client_environment(supervisor)}
            said = subprocess.run([sys.executable, "-c", code], env=told, text=True, check=True,
                                  stdout=subprocess.PIPE)
        self.assertEqual(said.stdout.strip(), str([SUITE]))


class Handshakes(unittest.TestCase):
    def made(self, kind, tickets=True):
        with Supervisor() as supervisor:
            made = certificates.make(supervisor, "ecdsa")
            with Server(made, tickets) as server:
                context = handshake_client.client_context()
                session = (handshake_client.first_session(context, server.address)
                           if kind == "resumed" else None)
                return [handshake_client.shake(context, server.address, session)[0]
                        for _ in range(3)]

    def test_a_full_handshake_is_full_every_time(self):
        self.assertEqual(self.made("full"), [False] * 3)

    def test_a_resumed_handshake_is_resumed_every_time(self):
        self.assertEqual(self.made("resumed"), [True] * 3)

    def test_without_tickets_no_handshake_is_taken_for_a_resumed_one(self):
        self.assertEqual(self.made("resumed", tickets=False), [False] * 3)

    def test_the_processes_are_summed_up(self):
        found = handshake_client.summary(
            [([0.001, 0.003], 1, {"OSError": 1}, {"A"}), ([0.002], 1, {"OSError": 2}, {"B"})], 2)
        self.assertEqual((found["requests"], found["resumed"], found["first_connections"]),
                         (3, 2, 2))
        self.assertEqual((found["errors"], found["suites"]), ({"OSError": 3}, ["A", "B"]))
        self.assertEqual((found["p50_us"], found["max_us"]), (2000, 3000))
        self.assertEqual(handshake_client.summary([([], 0, {}, set())], 0)["p99_us"], 0)

    def test_handshakes_that_are_not_what_they_are_named_are_a_problem(self):
        full, resumed = (tls_loads.BY_NAME[name] for name in ("full-rsa", "resumed-rsa"))
        self.assertEqual(tls_loads.problems(full, record(full)), [])
        self.assertEqual(tls_loads.problems(resumed, record(
            resumed, resumed=100, first_connections=8, origin_requests=8,
            counted={"full": 8, "resumed": 100, "failed": 0})), [])
        for load, change, said in (
                (full, {"resumed": 1}, "1 of 100 handshakes were resumed, wanted were 0"),
                (resumed, {"resumed": 99}, "99 of 100 handshakes were resumed"),
                (full, {"suites": ["OTHER"]}, "the cipher suite was OTHER"),
                (full, {"counted": {"full": 99, "resumed": 0, "failed": 1}}, "onehop counted"),
                (full, {"origin_requests": 1}, "the origin counted 1"),
                (full, {"client_connections": 99}, "99 connections"),
                (full, {"errors": {"SSLError": 2}}, "2 SSLError errors"),
                (full, {"requests": 0}, "no handshake completed")):
            self.assertIn(said, " ".join(tls_loads.problems(load, record(load, **change))))


class H2load(unittest.TestCase):
    def test_its_words_are_read(self):
        found = h2load.result(H2LOAD, LOG)
        self.assertEqual((found["requests"], found["duration_us"]), (4, 2e6))
        self.assertEqual(found["latency_us"]["p50"], 200)
        self.assertEqual(found["latency_us"]["max"], 300)
        self.assertEqual(found["errors"], {"failed": 1, "errored": 1, "timeout": 0, "status": 0,
                                           "not HTTP/2": 0, f"not {SUITE}": 0})

    def test_another_protocol_or_suite_is_an_error(self):
        found = h2load.result(H2LOAD.replace(": h2", ": http/1.1").replace(SUITE, "X"), LOG)
        self.assertEqual((found["errors"]["not HTTP/2"], found["errors"][f"not {SUITE}"]), (1, 1))

    def test_what_is_no_result_is_told(self):
        with self.assertRaisesRegex(BenchError, "could not connect"):
            h2load.result("could not connect", [])


class Plan(unittest.TestCase):
    def test_rounds_are_interleaved_and_only_the_warm_up_goes_nowhere(self):
        names = ["nginx", "onehop"]
        steps = tls_plan.steps(parse("--rounds", "2"), list(tls_loads.LOADS), names)
        order = plan.order(steps)
        self.assertEqual(order["h2"], [names, names[::-1]])
        self.assertEqual(set(order), {"warm-up", *tls_loads.BY_NAME})
        self.assertEqual(len([step for step in steps if not step.into]), 4)  # two certificates

    def test_a_full_run_takes_about_six_minutes(self):
        names = ["nginx", "onehop", "haproxy", "nghttpx", "envoy"]
        steps = tls_plan.steps(parse(), list(tls_loads.LOADS), names)
        self.assertTrue(300 < sum(step.estimate_s for step in steps) < 480)

    def test_what_makes_no_sense_is_refused_with_a_sentence(self):
        self.assertIn("'lunch' is none of", refused("--only", "lunch"))
        self.assertIn("'caddy' is none of", refused("--proxies", "caddy"))
        self.assertIn("at least 1", refused("--rounds", "0"))

    def test_a_load_without_its_tool_is_named_and_left_out(self):
        notes = []
        loads = tls_plan.chosen_loads(parse(), lambda tool: f"no {tool}", notes)
        self.assertEqual(notes, ["h2 is left out: no h2load"])
        self.assertEqual([load.name for load in loads], list(tls_loads.BY_NAME)[1:])


class Bars(unittest.TestCase):
    def test_the_best_peer_is_the_one_with_the_largest_median_ratio(self):
        runs = []
        for number, (own, nginx, envoy) in enumerate(((8, 10, 20), (8, 16, 9), (8, 10, 20)), 1):
            runs += [run_of("h2", "onehop", number, own), run_of("h2", "nginx", number, nginx),
                     run_of("h2", "envoy", number, envoy)]
        row = tls_plan.bar_rows(runs)[0]
        self.assertEqual((row["name"], row["measured"], row["wanted"], row["reached"]),
                         ("h2: CPU, onehop / best peer (nginx)", 0.8, 1.0, True))
        self.assertEqual((row["least"], row["largest"]), (0.5, 0.8))

    def test_a_load_without_a_peer_is_not_measured(self):
        rows = tls_plan.bar_rows([run_of("h2", "onehop", 1, 5)])
        self.assertEqual({row["measured"] for row in rows}, {None})
        self.assertEqual(len(rows), len(tls_loads.LOADS))

    def test_handshakes_are_told_for_each_cpu_second(self):
        runs = [run_of("full-rsa", "onehop", number, cpu) for number, cpu in ((1, 500), (2, 400))]
        text = layout.markdown("t", list(tls_plan.ratio_sections(runs)))
        self.assertIn("2,250", text)
        self.assertEqual(list(tls_plan.ratio_sections([])), [])


class Configurations(unittest.TestCase):
    def test_every_proxy_has_the_certificate_the_origin_and_the_group(self):
        settings = argparse.Namespace(descriptors=1000, proxy_connections=500)
        place = (("127.0.0.1", 1), ("127.0.0.1", 9001),
                 certificates.Certificate("ecdsa", "CHAIN", "KEY", "BOTH"))
        texts = [tls_configurations.nginx("D", *place, settings),
                 tls_configurations.haproxy(*place, settings),
                 tls_configurations.nghttpx("D", *place, settings),
                 tls_configurations.envoy(*place, settings)]
        for text in texts:
            self.assertIn(certificates.GROUP, text)
        for text in texts[:3] + [tls_configurations.onehop(*place, None)]:
            self.assertIn(SUITE, text)
        for text in [*texts, tls_configurations.onehop(*place, None)]:
            self.assertIn("9001", text)
            self.assertTrue("CHAIN" in text and "KEY" in text or "BOTH" in text)
        self.assertIn("DownstreamTlsContext", json.dumps(json.loads(texts[3])))

    def test_loads_of_this_bench_have_names_that_no_other_has(self):
        self.assertFalse(set(tls_loads.BY_NAME) & {load.name for load in report.LOADS})


if __name__ == "__main__":
    unittest.main()
