# SPDX-License-Identifier: MIT
"""Minutes of every abuse at once against one onehop: what is left of it in memory and in counts.

The one idea: an attack that is over must leave nothing. Afterwards every gauge is at 0, the origins
have counted what onehop has, and resident memory has stopped growing: it is sampled all the time,
so that a level that is reached can be told from a creep that is not.
"""
import concurrent.futures
import functools
import random
import re
import time

from lib import mix_clients
from lib.attack_stage import MIB, host, memory
from lib.processes import BenchError, wait_until

ATTACKERS = 2
HONEST_RATE = 50
SETTLE_S = 30  # more than the longest that a pooled connection may be idle
SAMPLE = re.compile(r'^(onehop_\w+)(?:\{(.*)\})? (\S+)$', re.MULTILINE)
# What is neither of a client nor of an endpoint, or remembers.
NOT_OF_TRAFFIC = ("onehop_workers", "onehop_buffered_peak_bytes", "onehop_build_info",
                  "onehop_certificate_expiry_timestamp_seconds",
                  "onehop_config_last_reload_success_timestamp_seconds",
                  "onehop_admin_connections_open", "onehop_admin_documents_held_bytes",
                  "onehop_buffered_bytes", "onehop_upstream_endpoint_up",
                  "onehop_upstream_endpoints", "onehop_upstream_learned_idle_timeout_seconds",
                  "onehop_rate_limit_room")


class Exposition:
    """What /metrics says: `gauges` and `counters` are {(name, labels): value}."""

    def __init__(self, text):
        gauges = set(re.findall(r"^# TYPE (\w+) gauge$", text, re.MULTILINE))
        found = {(name, labels): float(value) for name, labels, value in SAMPLE.findall(text)}
        self.gauges = {key: value for key, value in found.items() if key[0] in gauges}
        self.counters = {key: value for key, value in found.items() if key[0] not in gauges}

    def left(self):
        """Gauges of clients and endpoints that are not at 0."""
        return {f"{name}{{{labels}}}": value for (name, labels), value in self.gauges.items()
                if value and name not in NOT_OF_TRAFFIC}

    def total(self, name, label, but=""):
        """Of the samples with one label and without another."""
        return sum(value for (one, labels), value in self.counters.items()
                   if one == name and label in labels and not (but and but in labels))


def read(running):
    return Exposition(running.document("/metrics"))


def mix(stage, minutes, every_s, seed):
    """Returns the figures and the samples [(second, resident MiB, buffered MiB)]; what is wrong is
    in `problems`."""
    seconds = minutes * 60
    with stage.proxy("onehop") as running:
        stage.honest(running, 1)
        large = stage.large
        origins = {"app": stage.context.origin, "size": large}  # by the name of their upstream
        before = {name: origin.counts() for name, origin in origins.items()}
        base = read(running)
        place = mix_clients.Place(running.address, running.site.tls, running.admin, host(running))
        attackers = [stage.attacker(seconds, functools.partial(act, seed + number), place)
                     for number in range(ATTACKERS)]
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            honest = pool.submit(stage.honest, running, seconds, HONEST_RATE)
            samples = sampled(running, seconds, every_s)
            figures = honest.result()
        acts = [attacker.result() for attacker in attackers]
        figures["acts"] = sum(sum(one.values()) for one in acts)
        problems = judged(running, origins, before, base, figures)
        samples.append(sample(running, seconds))
    figures["resident at the beginning, MiB"] = samples[0][1]
    figures["resident after half of it, MiB"] = samples[len(samples) // 2][1]
    figures["resident at the end, MiB"] = samples[-1][1]
    return {"figures": figures, "samples": samples, "problems": problems,
            "acts": {name: sum(one[name] for one in acts) for name in mix_clients.ACTS}}


def act(seed, deadline, place):
    return mix_clients.mixed(deadline, place, random.Random(seed))


def sampled(running, seconds, every_s):
    began, samples = time.monotonic(), []
    while time.monotonic() - began < seconds:
        samples.append(sample(running, time.monotonic() - began))
        time.sleep(every_s)
    return samples


def sample(running, second):
    try:
        exposition = read(running)
        buffered = sum(value for (name, _), value in exposition.gauges.items()
                       if name == "onehop_buffered_bytes")
    except BenchError:
        buffered = float("nan")  # its endpoint is attacked, too
    return round(second), memory(running) / MIB, buffered / MIB


def judged(running, origins, before, base, figures):
    """What is wrong once all clients have left."""
    problems = []
    try:
        wait_until(lambda: not read(running).left(), SETTLE_S, "every gauge at 0")
    except BenchError:
        problems += [f"{name} is {value:g}" for name, value in read(running).left().items()]
    now = read(running)
    for name, origin in origins.items():
        counts, label = origin.counts(), f'upstream="{name}"'
        grew = {key: counts[key] - before[name][key] for key in ("accepts", "requests")}

        def counted(metric, but=""):
            return sum(exposition.total(metric, label, but) * sign
                       for exposition, sign in ((now, 1), (base, -1)))

        opened = counted("onehop_upstream_connections_opened_total")
        given_up = counted("onehop_upstream_dials_given_up_total")
        answered = counted("onehop_upstream_requests_total", 'class="none"')
        attempts = counted("onehop_upstream_requests_total")
        figures[f"connections to {name}"], figures[f"requests to {name}"] = grew.values()
        problems += wrong_counts(name, grew, opened, given_up, answered, attempts)
    return problems


def wrong_counts(name, grew, opened, given_up, answered, attempts):
    """An origin has accepted what was opened, and perhaps dials that were given up meanwhile; it
    has read every request that it answered, and of the others those that left before their client
    did."""
    problems = []
    if not opened <= grew["accepts"] <= opened + given_up:
        problems.append(f"{name} accepted {grew['accepts']} connections, onehop opened {opened:g} "
                        f"and gave {given_up:g} dials up")
    if not answered <= grew["requests"] <= attempts:
        problems.append(f"{name} read {grew['requests']} requests, onehop counts {attempts:g} "
                        f"attempts, {answered:g} of them answered")
    return problems
