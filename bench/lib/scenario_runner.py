# SPDX-License-Identifier: MIT
"""Runs a scenario: a folder with the load script of a published report and small replicas of its
system, through one proxy after the other.

The one idea: a scenario says what its system is, how the load is put on a target and what its
report measured (bench/scenarios/*/scenario.py); everything that is the same for all, from starting
proxies to sampling CPU, happens here. Each run gets a proxy of its own, so that what onehop tells
of itself at the end is of that run and no other.
"""
import dataclasses
import http.client
import importlib.util
import json
import os
import shlex
import subprocess
import time

from lib import kernel, private_net, tools
from lib.layout import Section, Table
from lib.processes import BenchError, Supervisor, wait_until
from lib.proxies import Proxies
from lib.sampler import Sampler

SCENARIOS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "scenarios")
NAMES = ("two-hop", "booking", "gateway", "saturation", "polyglot")
ALLOWANCE_S = 4.0  # of a run, beside its load: starting the proxy, the tool and its summary


class Context:
    """What a scenario is given. `endpoints` is set by its start(); `counted`, too, where the
    replicas do not answer GET /__counts with {"accepts": N, "requests": N}."""

    def __init__(self, supervisor, planned, short, settings):
        self.supervisor = supervisor
        self.folder = os.path.join(SCENARIOS, planned.name)
        self.scale = planned.scale
        self.short = short
        self.settings = settings  # programs and limits: onehop, origin, descriptors, ...
        self.cores = len(os.sched_getaffinity(0))
        self.endpoints = []
        self.counted = None
        self.proxy = None         # name of the one that is now measured
        self.running = None       # and the proxy itself
        self.step = {}
        self.records = []         # of the runs so far; `direct` comes first
        self.proxies = Proxies(supervisor, settings)
        self.polls = 0            # connections that counts() has made
        self._numbers = 0

    def tool(self, name):
        path = tools.find(name)
        if not path:
            raise BenchError(tools.missing(name))
        return path

    def next_number(self):
        """For names of files that must differ."""
        self._numbers += 1
        return self._numbers

    def stats(self, window="total"):
        """The /stats document of onehop, None for peers."""
        return self.running.stats(window) if self.running else None

    def counts(self):
        """Sums over the replicas, and with "each" what every one of them counted."""
        each = [self.counted(endpoint) if self.counted else get_json(endpoint, "/__counts")
                for endpoint in self.endpoints]
        self.polls += len(self.endpoints)
        keys = {key for one in each for key, value in one.items() if isinstance(value, int)}
        return {**{key: sum(one.get(key, 0) for one in each) for key in keys}, "each": each}

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
    steps: list

    def seconds(self, step):
        """About how long one run takes: what the scenario says, else all its durations."""
        scale = {**self.scale, **step}
        if hasattr(self.module, "seconds"):
            return self.module.seconds(scale)
        return ALLOWANCE_S + sum(value for key, value in scale.items() if key == "seconds" or (
            key.endswith("_s") and not key.endswith("per_s")))

    def planned(self):
        return sum(self.seconds(step) for step in self.steps) * len(self.proxies)


def get_json(address, path):
    connection = http.client.HTTPConnection(*address, timeout=5)
    try:
        connection.request("GET", path, headers={"Connection": "close"})
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise BenchError(f"{address[0]}:{address[1]} answers {path} with {answer.status}")
        return json.loads(body)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise BenchError(f"{address[0]}:{address[1]} does not answer {path}: {error}") from None
    finally:
        connection.close()


def load(name):
    """The module of a scenario; a BenchError when there is none."""
    path = os.path.join(SCENARIOS, name, "scenario.py")
    if not os.path.exists(path):
        raise BenchError(f"there is no bench/scenarios/{name}/scenario.py")
    spec = importlib.util.spec_from_file_location("scenario_" + name.replace("-", "_"), path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def plan(name, scale_name, chosen, proxies, notes):
    """What is to be run of scenario `name`; None, with a note why, when it cannot be."""
    module = load(name)
    lacking = [tools.missing(tool) for tool in module.TOOLS if tools.missing(tool)]
    if lacking:
        notes.append(f"{name} is skipped: {'; '.join(lacking)}")
        return None
    names = []
    for proxy in sorted(chosen or module.PROXIES, key=lambda one: one != "direct"):
        reason = proxies.missing(proxy)
        if reason:
            notes.append(f"{name} leaves {proxy} out: {reason}")
        else:
            names.append(proxy)
    if not names:
        notes.append(f"{name} is skipped: none of its proxies can be started")
        return None
    scale = module.SCALE.get(scale_name) or module.SCALE["short"]
    return Plan(name, module, scale, names, scale.get("steps", [{}]))


def scaled_down(module, scale_name):
    """How `scale_name` differs from the full load, as phrases."""
    full, ours = module.SCALE["full"], module.SCALE.get(scale_name) or module.SCALE["short"]
    phrases = []
    for key, value in full.items():
        if ours.get(key) == value:
            continue
        if key == "steps":
            for inner in value[0]:
                lists = [", ".join(_figure(step.get(inner)) for step in steps)
                         for steps in (value, ours.get("steps", []))]
                if lists[0] != lists[1]:
                    phrases.append(f"{inner} {lists[1]} instead of {lists[0]}")
        else:
            part = (f" (1/{value / ours[key]:.3g})" if isinstance(value, (int, float))
                    and isinstance(ours.get(key), (int, float)) and ours[key] else "")
            phrases.append(f"{key.replace('_', ' ')} {_figure(ours.get(key))} instead of "
                           f"{_figure(value)}{part}")
    return phrases


def _figure(value):
    return f"{value:,}" if isinstance(value, (int, float)) else str(value)


# --- running -------------------------------------------------------------------------------------


def run(planned, short, settings, progress, portable):
    """All runs of a scenario. A run that fails is a problem and does not keep the others from being
    made; returns the records, problems, violated thresholds, commands and sections."""
    result = {"name": planned.name, "title": planned.module.TITLE, "scale": planned.scale,
              "proxies": planned.proxies, "records": [], "violations": [], "problems": [],
              "configurations": {}, "notes": []}
    try:
        if hasattr(planned.module, "prepare"):  # what may need the network, such as Go's modules
            planned.module.prepare()
        with private_net.loopback() as shared, Supervisor() as supervisor:
            if shared:
                result["notes"].append(f"{planned.name}: connections of others on this machine are "
                                       f"counted, too: {shared}")
            _run_all(planned, Context(supervisor, planned, short, settings), result, progress,
                     lambda text: portable(text, supervisor))
    except BenchError as error:
        result["problems"].append(f"{planned.name} did not start: {error}")
        progress.done(planned.planned(), result["problems"][-1])
    return result


def _run_all(planned, context, result, progress, portable):
    planned.module.start(context)
    result["records"] = context.records
    for step in planned.steps:
        for name in planned.proxies:
            _one(context, planned, step, name, result, progress)
            _remember(context, name, result, portable)


def _remember(context, name, result, portable):
    if context.running and context.running.child:
        result["configurations"][name] = {
            "command": portable(shlex.join(context.running.child.command)),
            "file": portable(context.running.configuration)}


def _one(context, planned, step, name, result, progress):
    """One run through one proxy, into the context's records or the result's problems."""
    what = ", ".join([planned.name, *(f"{key} {_figure(value)}" for key, value in step.items()),
                      name])
    context.step, context.proxy, context.running = step, name, None
    try:
        record = _measured(context, planned.module, {**planned.scale, **step})
    except (BenchError, OSError, KeyError, ValueError) as error:  # one run lost, not all of them
        result["problems"].append(f"{what}: {error!r}" if not isinstance(error, BenchError)
                                  else f"{what}: {error}")
        progress.done(planned.seconds(step), f"{what}: FAILED, {error}")
        return
    record = {"proxy": name, "step": step, **record}
    record["violations"] = planned.module.check(context, record)
    context.records.append(record)
    for violation in record["violations"]:
        result["violations"].append({"run": what, "proxy": name, "sentence": violation})
    verdict = f"{len(record['violations'])} thresholds missed" if record["violations"] else "good"
    progress.done(planned.seconds(step), f"{what}: {record.get('requests', 0):,} requests, "
                  f"{sum(record.get('errors', {}).values()):,} errors, {verdict}")


def _measured(context, module, scale):
    """Starts the proxy, puts the load on, reads everything that counted, stops the proxy."""
    start_proxy = getattr(module, "start_proxy", None)  # where a scenario needs its own settings
    context.running = (start_proxy(context, context.proxy) if start_proxy else
                       context.proxies.start(context.proxy, context.endpoints, None))
    child = context.running.child
    try:
        if context.running.admin:  # it opens after the listener
            wait_until(lambda: _first_client_seen(context), 5,
                       f"{context.proxy} counts the connection that found it listening")
        before, clients = context.counts(), _clients(context)
        sampler = Sampler(lambda: context.supervisor.children, context.counts)
        began = time.monotonic()
        sampler.start()
        try:
            record = module.run(context, context.running.address, scale)
        finally:
            sampler.stop()
        if child and child.exited():
            raise BenchError(f"{context.proxy} ended during the run: {child.log_tail()}")
        record.setdefault("seconds", time.monotonic() - began)
        record.setdefault("timeline", sampler.timeline())
        record["usage"] = _renamed(sampler.usage(), child)
        record["others_cores"] = sampler.others()
        accepted = _clients(context) - clients
        record["counts"] = _grown(before, context.counts())
        record["stats"] = context.stats()
        record["clients"] = accepted if record["stats"] else max(
            accepted - record["counts"].get("accepts", 0), 0)
        return record
    finally:
        if child:
            context.supervisor.stop(child)


def _first_client_seen(context):
    """The connection that found onehop listening is counted: it is not one of the load's."""
    try:
        return context.stats()["downstream"]["connections"]["accepted_total"] > 0
    except BenchError:
        return False


def _clients(context):
    """Connections to the proxy so far, as onehop counts them; for others what this machine has
    accepted in all, without those that were made to ask the replicas."""
    stats = context.stats()
    if stats:
        return stats["downstream"]["connections"]["accepted_total"]
    return kernel.tcp_counters()["accepted"] - context.polls


def _renamed(usage, child):
    return {"proxy" if child and name == child.name else name: figures
            for name, figures in usage.items()}


def _grown(before, after):
    """What the counters gained, of the sums and of each replica."""
    return {**{key: value - before.get(key, 0) for key, value in after.items()
               if isinstance(value, int)},
            "each": [{key: value - old.get(key, 0) for key, value in new.items()
                      if isinstance(value, int)}
                     for old, new in zip(before["each"], after["each"])]}


# --- what every scenario shows -------------------------------------------------------------------


def summary(result, judged):
    """The thresholds that were missed, by run. `judged` says what the scenario judges, where that
    is not every proxy by every threshold."""
    text = [judged] if judged else []
    rows = [[one["run"], one["sentence"]] for one in result["violations"]]
    if not rows:
        return Section("Thresholds", text + ["No threshold of this scenario was missed."])
    return Section("Thresholds", text + ["These runs missed thresholds of this scenario; no other "
                                         "did."], [Table("", ["run", "what was missed"], rows)])
