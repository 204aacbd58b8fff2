# SPDX-License-Identifier: MIT
"""Runs a scenario: a folder with the load script of a published report and small replicas of its
system, through one proxy after the other.

The one idea: a scenario says what its system is, how the load is put on a target and what its
report measured (bench/scenarios/*/scenario.py); everything that is the same for all, from starting
proxies to sampling CPU, happens here. Each run gets a proxy and replicas of its own, so that what
onehop tells of itself at the end is of that run and no other, and that no proxy inherits failures,
queues or warm caches from the one before.
"""
import dataclasses
import http.client
import importlib.util
import json
import operator
import os
import subprocess
import time

from lib import kernel, netns, tools
from lib.processes import BenchError, Supervisor, wait_until
from lib.proxies import Proxies
from lib.sampler import Sampler
from lib.tables import number

SCENARIOS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "scenarios")
NAMES = ("two-hop", "booking", "gateway", "saturation", "polyglot", "rolling")
PROXIES = ("direct", "onehop", "nginx-stock", "nginx", "haproxy", "haproxy-limited", "haproxy-tcp",
           "envoy", "caddy")
SEVERAL_SERVICES = PROXIES[:6]  # those that can choose an upstream by its path here
UNLIMITED = tuple(name for name in PROXIES if name != "haproxy-limited")
RELATIONS = {"<": operator.lt, "<=": operator.le, "=": operator.eq, ">=": operator.ge,
             ">": operator.gt}
# What a run may fail with without ending the others: a tool or a replica that said what it should
# not is as good a reason as one that did not start.
FAILURES = (BenchError, OSError, KeyError, ValueError, subprocess.SubprocessError)


class Context:
    """What a scenario is given. `endpoints` is set by its start_replicas(): they answer GET
    /__counts with {"accepts": N, "requests": N} and perhaps more. It has what an Origin wants."""

    load_core = None
    network = netns.Loopback()

    def __init__(self, supervisor, planned, settings, origin_program):
        self.supervisor = supervisor
        self.folder = os.path.join(SCENARIOS, planned.name)
        self.scale = planned.scale
        self.origin_program = origin_program
        self.endpoints = []
        self.asking = {}          # connections to ask them on, which are none of the load's
        self.proxy = None         # name of the one that is now measured
        self.running = None       # and the proxy itself
        self.records = []         # of the runs so far; `direct` comes first
        self.proxies = Proxies(supervisor, settings)
        self.numbers = 0

    def tool(self, name):
        if tools.missing(name):
            raise BenchError(tools.missing(name))
        return tools.find(name)

    def next_number(self):
        """For names of files that must differ."""
        self.numbers += 1
        return self.numbers

    def counts(self):
        """Sums over the replicas, and with "each" what every one of them counted."""
        each = [self._counted(endpoint) for endpoint in self.endpoints]
        return {**{key: sum(one[key] for one in each) for key in each[0]}, "each": each}

    def _counted(self, address):
        connection = self.asking.setdefault(address, http.client.HTTPConnection(*address,
                                                                                timeout=5))
        try:
            connection.request("GET", "/__counts")
            return json.loads(connection.getresponse().read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            connection.close()
            raise BenchError(f"{address[0]}:{address[1]} does not say what it counted: {error}"
                             ) from None

    def start_replica(self, name, command):
        """A program that prints where it listens in its first line; returns that."""
        child = self.supervisor.start(name, command, stdout=subprocess.PIPE)
        return child.told_address(f"{name} of the scenario")

    def run_tool(self, name, command, patience_s, env=None):
        """Runs a load tool to its end and returns the child; its CPU is sampled like all others."""
        child = self.supervisor.start(name, command, env={**tools.environment(), **(env or {})})
        try:
            child.process.wait(patience_s)
        except subprocess.TimeoutExpired:
            raise BenchError(f"{name} did not end within {patience_s:.0f} s") from None
        finally:
            log = child.log_tail()
            child.log_tail = lambda: log  # the file may be another's by the time it is asked for
            self.supervisor.stop(child)
        return child


@dataclasses.dataclass
class Plan:
    """A scenario that is going to run."""
    name: str
    module: object
    scale: dict
    proxies: list

    @property
    def steps(self):
        return self.scale.get("steps", [{}])

    def seconds(self, step):
        """About how long one run takes."""
        return self.module.seconds({**self.scale, **step})


def load(name):
    """The module of a scenario."""
    path = os.path.join(SCENARIOS, name, "scenario.py")
    spec = importlib.util.spec_from_file_location("scenario_" + name.replace("-", "_"), path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def plan(name, scale_name, chosen, proxies, notes):
    """What is to be run of scenario `name`; None, with a note why, when it cannot be."""
    module = load(name)
    lacking = [tools.missing(tool) for tool in module.TOOLS if tools.missing(tool)]
    names = []
    for proxy in sorted(chosen or module.PROXIES, key=lambda one: one != "direct"):
        configured = getattr(module, "CONFIGURED", UNLIMITED)
        reason = proxies.missing(proxy) if proxy in configured else (
            f"this scenario has a configuration for {', '.join(configured)} only")
        if reason:
            notes.append(f"{name} leaves {proxy} out: {reason}")
        else:
            names.append(proxy)
    if not names:
        lacking.append("none of its proxies can be started")
    if lacking:
        notes.append(f"{name} is skipped: {'; '.join(lacking)}")
        return None
    return Plan(name, module, module.SCALE[scale_name], names)


def figure(value):
    return f"{value:,}" if isinstance(value, (int, float)) else str(value)


# --- running -------------------------------------------------------------------------------------


def run(planned, settings, origin_program, progress, document):
    """All runs of a scenario. A run that fails is a problem of the document and does not keep the
    others from being made. Returns the records; the sentences about what they missed are in each
    one's `violations`."""
    records = []
    try:
        if hasattr(planned.module, "prepare"):  # what may need the network, such as Go's modules
            planned.module.prepare()
        with netns.own_loopback() as shared, Supervisor() as supervisor:
            if shared:
                document["notes"].append(f"{planned.name}: connections of others on this machine "
                                         f"are counted, too: {shared}")
            context = Context(supervisor, planned, settings, origin_program)
            context.records = records
            if hasattr(planned.module, "start"):  # what serves all runs, such as stores
                planned.module.start(context)
            lasting = len(supervisor.children)
            for step in planned.steps:
                for name in planned.proxies:
                    try:
                        _one(context, planned, step, name, progress, document)
                    finally:  # replicas, and a proxy that did not come up
                        for child in reversed(supervisor.children[lasting:]):
                            supervisor.stop(child)
    except FAILURES as error:
        document["problems"].append(f"{planned.name} did not start: {said(error)}")
    return records


def said(error):
    return str(error) if isinstance(error, (BenchError, OSError)) else repr(error)


def _one(context, planned, step, name, progress, document):
    """One run through one proxy, into the context's records or the document's problems."""
    what = ", ".join([planned.name, *(f"{key} {figure(value)}" for key, value in step.items()),
                      name])
    context.proxy, context.asking = name, {}
    try:
        record = {"scenario": planned.name, "proxy": name, "step": step,
                  **_measured(context, planned.module, {**planned.scale, **step})}
        record["bars"] = planned.module.check(context, record)
    except FAILURES as error:  # one run lost, not all of them
        document["problems"].append(f"{what}: {said(error)}")
        progress.done(planned.seconds(step), f"{what}: FAILED, {said(error)}")
        return
    judged = getattr(planned.module, "JUDGED_PROXIES", planned.proxies)
    record["violations"] = judge(record["bars"], name in judged)
    context.records.append(record)
    progress.done(planned.seconds(step), f"{what}: {record['requests']:,} requests, "
                  f"{sum(record['errors'].values()):,} errors, "
                  f"{len(record['violations']) or 'no'} thresholds missed")


def judge(bars, is_judged):
    """Says of each bar whether it is asked of this proxy; the sentences of those that it missed."""
    sentences = []
    for one in bars:
        one["judged"] = one.pop("always") or is_judged
        if one["judged"] and not one["reached"]:
            sentences.append(f"{one['name']}: {number(one['measured'])}, wanted is "
                             f"{one['wanted']}")
    return sentences


def _measured(context, module, scale):
    """Starts the replicas and the proxy, puts the load on, reads everything that counted, and stops
    the proxy."""
    to = module.start_replicas(context)
    limits = module.limits(scale) if hasattr(module, "limits") else None
    if hasattr(module, "start_proxy"):  # which is none of configurations.py
        context.running = module.start_proxy(context)
    else:
        context.running = context.proxies.start(context.proxy, to, limits=limits)
    child, admin = context.running.child, context.running.admin
    try:
        if admin:  # it opens after the listener, and the client that found that counts
            wait_until(lambda: _clients(context) > 0, 5, f"{context.proxy} counts its clients",
                       child)
        before, clients = context.counts(), _clients(context)
        began = time.monotonic()
        with Sampler(lambda: context.supervisor.children, context.counts) as sampler:
            record = module.run(context, context.running.address, scale)
        if child and child.exited() and not getattr(module, "REPLACED", False):
            raise BenchError(f"{context.proxy} ended during the run: {child.log_tail()}")
        accepted, after = _clients(context) - clients, context.counts()
        usage = {"proxy" if child and name == child.name else name: figures
                 for name, figures in sampler.usage().items()}
        counts = {**grown(before, after), "each": [grown(old, new) for old, new in zip(
            before["each"], after["each"])]}
        return {**record, "seconds": time.monotonic() - began, "timeline": sampler.timeline(),
                "usage": usage, "others_cores": sampler.others(), "counts": counts,
                "stats": context.running.stats(),
                "clients": accepted if admin else max(accepted - counts["accepts"], 0)}
    finally:
        if child:
            context.supervisor.stop(child)


def _clients(context):
    """Connections to the proxy so far, as onehop counts them; for others what this namespace has
    accepted in all."""
    if not context.running.admin:
        return kernel.accepted_connections()
    try:
        return context.running.stats()["downstream"]["connections"]["accepted_total"]
    except BenchError:
        return 0  # its endpoint is not there yet


def grown(before, after):
    return {key: value - before[key] for key, value in after.items() if isinstance(value, int)}


def bar(name, measured, relation, limit, always=False):
    """One threshold, and how a run stands to it. `always`: it is also asked of proxies that the
    scenario does not judge otherwise."""
    reached = bool(RELATIONS[relation](measured, limit))
    return {"name": name, "measured": measured, "wanted": f"{relation} {figure(limit)}",
            "reached": reached, "always": always}
