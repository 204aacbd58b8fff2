# SPDX-License-Identifier: MIT
"""Requests as time passes, as the origin counts them: what a total over a run hides.

The one idea: the origin is asked for its counter four times a second over the connection that is
there for this anyway and that nobody counts, so neither the tool nor the proxy notices.
"""
import threading
import time

from lib.processes import BenchError

STEP_S = 0.25


class Counting(threading.Thread):
    """A context, in which the counter of `origin` is read every `step_s`; nobody else may ask this
    origin meanwhile, as its connection is for one at a time."""

    def __init__(self, origin, step_s=STEP_S):
        super().__init__(daemon=True)
        self.origin = origin
        self.step_s = step_s
        self.ended = threading.Event()
        self.samples = []  # of (when, requests so far)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.join()

    def run(self):
        due = time.monotonic()
        try:
            while not self.ended.wait(max(due - time.monotonic(), 0)):
                asked = time.monotonic()
                requests = self.origin.counts()["requests"]
                answered = time.monotonic()
                self.samples.append(((asked + answered) / 2, requests))
                due = max(due + self.step_s, answered + self.step_s / 2)
        except BenchError:
            pass  # who asks for the counts of the whole run meets the same and says so

    def rows(self):
        """For each interval when it began, in seconds, and the requests per second within it. What
        came after the last sample is in none."""
        return [{"second": at - self.samples[0][0], "completed": (late - early) / (until - at)}
                for (at, early), (until, late) in zip(self.samples, self.samples[1:])]


def of_last_round(records, step_s):
    """Moments, and by proxy the requests per second in the `step_s` that follow each of them, in
    its last round; None where nothing is known."""
    last = {record["proxy"]: record["timeline"] for record in records if record.get("timeline")}
    slots = {proxy: {round(row["second"] / step_s): row["completed"] for row in rows}
             for proxy, rows in last.items()}
    places = sorted(set().union(*slots.values()))
    return ([place * step_s for place in places],
            {proxy: [known.get(place) for place in places] for proxy, known in slots.items()})
