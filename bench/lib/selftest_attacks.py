#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Shows that the bench of attacks sends, judges and records as it says, without a measurement."""
import contextlib
import os
import random
import sys
import time
import unittest

sys.path[:0] = [os.path.dirname(os.path.dirname(os.path.abspath(__file__)))]
import attacks as program  # noqa: E402
from lib import attack_clients, attack_mix, attacks, h2_frames, mix_clients  # noqa: E402
from lib.attack_origins import H2Origin, Witness  # noqa: E402
from lib.attack_stage import Attacker  # noqa: E402
from lib.processes import BenchError  # noqa: E402


class Frames(unittest.TestCase):
    def test_frames_come_apart_as_they_were_put_together(self):
        sent = bytearray(h2_frames.settings(window=0) + h2_frames.get(1, "a", "/b") +
                         h2_frames.reset(1) + b"\0\0")
        found = h2_frames.frames_of(sent)
        self.assertEqual([kind for kind, *_ in found],
                         [h2_frames.SETTINGS, h2_frames.HEADERS, h2_frames.RST_STREAM])
        self.assertEqual(found[0][3], b"\x00\x04\x00\x00\x00\x00")
        self.assertEqual(found[1][3], b"\x82\x86\x01\x01a\x04\x02/b")
        self.assertEqual(bytes(sent), b"\0\0")  # the beginning of the next one


class Origins(unittest.TestCase):
    def test_the_witness_keeps_what_it_was_asked(self):
        with Witness() as witness:
            status = attack_clients.status_of(witness.address, attack_clients.request(
                "/x/../y", "a", "X.Y: z", "Connection: close"))
        self.assertEqual(status, 200)
        self.assertEqual(witness.seen[0][0], "/x/../y")
        self.assertIn(("X.Y", "z"), witness.seen[0][1])

    def test_an_origin_refuses_streams_unseen_or_answers_them(self):
        for refuses, wanted in ((True, h2_frames.RST_STREAM), (False, h2_frames.HEADERS)):
            with H2Origin(refuses) as origin:
                with attack_clients.connect(origin.address) as client:
                    client.sendall(h2_frames.PREFACE + h2_frames.settings() +
                                   h2_frames.get(1, "a"))
                    received, kinds = bytearray(), []
                    while wanted not in kinds:
                        received += client.recv(65536)
                        kinds += [kind for kind, *_ in h2_frames.frames_of(received)]
                self.assertEqual(origin.streams, 1)


class Attackers(unittest.TestCase):
    def test_an_attacker_ends_by_itself_and_says_what_it_counted(self):
        with Witness() as witness:
            began = time.monotonic()
            attacker = Attacker(None, 0.2, attack_clients.one_after_the_other, witness.address,
                                attack_clients.request("/", "a"))
            counted = attacker.result()["requests"]
            self.assertLess(time.monotonic() - began, 10)
        self.assertGreater(counted, 0)
        self.assertLessEqual(abs(len(witness.seen) - counted), 1)

    def test_a_client_hello_is_a_handshake_record(self):
        hello = attack_clients.client_hello()
        self.assertEqual((hello[0], hello[5]), (22, 1))


class Judgement(unittest.TestCase):
    def test_a_lenient_application_reads_all_spellings_as_admin(self):
        for spelling in attacks.SPELLINGS:
            self.assertTrue(attacks.reads_as_admin(spelling), spelling)
        for other in ("/", "/static/admin", "/administration", "/x?/admin"):
            self.assertFalse(attacks.reads_as_admin(other), other)

    def test_every_attack_says_what_it_sends_and_what_is_measured(self):
        for name, (function, _) in attacks.ATTACKS.items():
            self.assertIn("Measured:", function.__doc__, name)


class Mix(unittest.TestCase):
    TEXT = ("# TYPE onehop_downstream_connections_open gauge\n"
            "onehop_downstream_connections_open 2\n"
            "# TYPE onehop_upstream_requests_total counter\n"
            'onehop_upstream_requests_total{upstream="app",class="2xx"} 5\n'
            'onehop_upstream_requests_total{upstream="app",class="none"} 3\n'
            'onehop_upstream_requests_total{upstream="large",class="2xx"} 9\n'
            "# TYPE onehop_workers gauge\nonehop_workers 1\n")

    def test_a_gauge_of_clients_that_is_not_at_0_is_named(self):
        found = attack_mix.Exposition(self.TEXT)
        self.assertEqual(found.left(), {"onehop_downstream_connections_open{}": 2})
        self.assertEqual(found.total("onehop_upstream_requests_total", 'upstream="app"'), 8)
        self.assertEqual(found.total("onehop_upstream_requests_total", 'upstream="app"',
                                     'class="none"'), 5)

    def test_counts_have_to_be_those_of_the_origin(self):
        def wrong(accepts, requests):
            return len(attack_mix.wrong_counts("app", {"accepts": accepts, "requests": requests},
                                               5, 2, 10, 12))
        self.assertEqual([wrong(5, 10), wrong(7, 12), wrong(4, 9), wrong(8, 11)], [0, 0, 2, 1])

    def test_every_act_ends_in_time_and_survives_whatever_it_meets(self):
        with Witness() as witness:
            place = mix_clients.Place(witness.address, witness.address, witness.address, "a")
            for name, act in mix_clients.ACTS.items():
                began = time.monotonic()
                with contextlib.suppress(OSError):
                    act(began + 0.05, place, random.Random(1))
                self.assertLess(time.monotonic() - began, 10, name)


class Record(unittest.TestCase):
    RUNS = [{"load": "paths", "proxy": "onehop", "figures": {"spellings": 0}},
            {"load": "paths", "proxy": "nginx", "figures": {"spellings": 3}},
            {"load": "admin-host", "proxy": "onehop", "figures": {"status": 421}}]

    def test_the_table_has_a_row_for_each_figure_and_a_column_for_each_proxy(self):
        table = program.table({"options": {"proxies": ["onehop", "nginx"]}, "runs": self.RUNS})
        self.assertEqual(table.columns, ["attack", "measured", "onehop", "nginx"])
        self.assertEqual(table.rows, [["paths", "spellings", "0", "3"],
                                      ["admin-host", "status", "421", ""]])

    def test_only_what_stands_between_the_marks_is_written_anew(self):
        text = f"before\n{program.BEGIN}\nold\n{program.END}\nafter\n"
        found = program.recorded(text, "new\n")
        self.assertEqual(found, f"before\n{program.BEGIN}\n\nnew\n\n{program.END}\nafter\n")
        self.assertEqual(program.recorded(found, "new\n"), found)
        with self.assertRaises(BenchError):
            program.recorded("no marks", "new")

    def test_a_partial_run_does_not_touch_the_document(self):
        self.assertEqual(program.parse([]).record, program.DOCUMENT)
        for words in (["--only", "paths"], ["--short"], ["--proxies", "onehop"], ["--smoke"]):
            self.assertIsNone(program.parse(words).record)


if __name__ == "__main__":
    unittest.main()
