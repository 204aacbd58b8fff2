# SPDX-License-Identifier: MIT
"""One line for each step, with an estimate of the time left."""
import time


class Progress:
    def __init__(self):
        self.planned_s = 0.0
        self.done_s = 0.0
        self.steps = self.step = 0
        self.began = time.monotonic()

    def plan(self, count, seconds):
        """`count` more steps of about `seconds` each."""
        self.steps += count
        self.planned_s += count * seconds

    def done(self, seconds, text):
        """One step, planned as `seconds`, is done. Estimates are scaled by how true they were."""
        self.step += 1
        self.done_s += seconds
        elapsed = time.monotonic() - self.began
        left = max(self.planned_s - self.done_s, 0) * elapsed / max(self.done_s, 0.1)
        print(f"[{self.step:3}/{self.steps}] {text}; {duration(left)} left", flush=True)


def duration(seconds):
    minutes, rest = divmod(int(seconds + 0.5), 60)
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"
