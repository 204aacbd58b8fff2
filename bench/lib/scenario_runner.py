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
import shlex
import subprocess
import threading
import time

from lib import beside, kernel, private_net, routes, tools
from lib.processes import BenchError, Supervisor, wait_until
from lib.proxies import Proxies
from lib.sampler import Sampler

SCENARIOS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "scenarios")
NAMES = ("two-hop", "booking", "gateway", "saturation", "polyglot")
ALLOWANCE_S = 4.0  # of a run, beside its load: starting the proxy, the tool and its summary
RELATIONS = {"<": operator.lt, "<=": operator.le, "=": operator.eq, ">=": operator.ge,
             ">": operator.gt}
# What a run may fail with without ending the others: a tool or a replica that said what it should
# not is as good a reason as one that did not start.
FAILURES = (BenchError, OSError, KeyError, ValueError, subprocess.SubprocessError)


class Context:
    """What a scenario is given. `endpoints` is set by its start_replicas(); `counted`, too, where
    they do not answer GET /__counts with {"accepts": N, "requests": N}."""

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
        self.polls = 0            # connections that the bench itself has made
        self._numbers = 0
        self._lock = threading.Lock()

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
        self.polled(len(self.endpoints))
        keys = {key for one in each for key, value in one.items() if isinstance(value, int)}
        return {**{key: sum(one.get(key, 0) for one in each) for key in keys}, "each": each}

    def polled(self, connections):
        """So many were made to ask how things stand: they are none of the load's."""
        with self._lock:
            self.polls += connections

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
        reason = _cannot_be(proxy, module, proxies)
        if reason:
            notes.append(f"{name} leaves {proxy} out: {reason}")
        else:
            names.append(proxy)
    if not names:
        notes.append(f"{name} is skipped: none of its proxies can be started")
        return None
    scale = module.SCALE.get(scale_name) or module.SCALE["short"]
    return Plan(name, module, scale, names, scale.get("steps", [{}]))


def _cannot_be(proxy, module, proxies):
    """Why a scenario cannot have `proxy` here; None when it can."""
    configured = getattr(module, "CONFIGURED", Proxies.ORDER)
    if proxy not in configured:
        return f"this scenario has a configuration for {', '.join(configured)} only"
    if proxy in routes.NAMES:
        return routes.missing(proxy, proxies.settings.onehop)
    return proxies.missing(proxy)


def figure(value):
    return f"{value:,}" if isinstance(value, (int, float)) else str(value)


# --- running -------------------------------------------------------------------------------------


def run(planned, short, settings, progress, portable):
    """All runs of a scenario. A run that fails is a problem and does not keep the others from being
    made; returns the records, problems, violated thresholds and commands."""
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
            def spell(text):
                return portable(text, supervisor)

            try:
                _run_all(planned, Context(supervisor, planned, short, settings), result, progress,
                         spell)
            finally:
                result["problems"] = [spell(problem) for problem in result["problems"]]
    except FAILURES as error:
        result["problems"].append(f"{planned.name} did not start: {_said(error)}")
        progress.done(planned.planned(), result["problems"][-1])
    return result


def _said(error):
    return str(error) if isinstance(error, (BenchError, OSError)) else repr(error)


def _run_all(planned, context, result, progress, portable):
    if hasattr(planned.module, "start"):  # what serves all runs, such as stores
        planned.module.start(context)
    result["records"] = context.records
    lasting = len(context.supervisor.children)
    for step in planned.steps:
        for name in planned.proxies:
            try:
                _one(context, planned, step, name, result, progress)
            finally:  # replicas, and a proxy that did not come up
                for child in reversed(context.supervisor.children[lasting:]):
                    context.supervisor.stop(child)
            _remember(context, name, result, portable)


def _remember(context, name, result, portable):
    if context.running and context.running.child:
        result["configurations"][name] = {
            "command": portable(shlex.join(context.running.child.command)),
            "file": portable(context.running.configuration)}


def _one(context, planned, step, name, result, progress):
    """One run through one proxy, into the context's records or the result's problems."""
    what = ", ".join([planned.name, *(f"{key} {figure(value)}" for key, value in step.items()),
                      name])
    context.step, context.proxy, context.running = step, name, None
    try:
        record = {"proxy": name, "step": step,
                  **_measured(context, planned.module, {**planned.scale, **step})}
        record["bars"] = planned.module.check(context, record)
    except FAILURES as error:  # one run lost, not all of them
        result["problems"].append(f"{what}: {_said(error)}")
        progress.done(planned.seconds(step), f"{what}: FAILED, {_said(error)}")
        return
    record["violations"] = _judge(record["bars"], name in getattr(
        planned.module, "JUDGED_PROXIES", planned.proxies))
    context.records.append(record)
    for violation in record["violations"]:
        result["violations"].append({"run": what, "proxy": name, "sentence": violation})
    verdict = f"{len(record['violations'])} thresholds missed" if record["violations"] else "good"
    progress.done(planned.seconds(step), f"{what}: {record.get('requests', 0):,} requests, "
                  f"{sum(record.get('errors', {}).values()):,} errors, {verdict}")


def _judge(bars, is_judged):
    """Says of each bar whether it is asked of this proxy; the sentences of those that it missed."""
    sentences = []
    for one in bars:
        always, sentence = one.pop("always"), one.pop("sentence")
        one["judged"] = is_judged or always
        if one["judged"] and not one["reached"]:
            sentences.append(sentence)
    return sentences


def _measured(context, module, scale):
    """Starts the replicas and the proxy, puts the load on, reads everything that counted, and stops
    the proxy."""
    module.start_replicas(context)
    start_proxy = getattr(module, "start_proxy", None)  # where a scenario needs its own settings
    context.running = (start_proxy(context, context.proxy) if start_proxy else
                       context.proxies.start(context.proxy, context.endpoints, None))
    child = context.running.child
    if child and not _holds(child, context.running.address[1]):
        raise BenchError(f"{context.proxy} cannot have port {context.running.address[1]}: another "
                         f"process listens there; it says: {child.log_tail() or 'nothing'}")
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
        record["replicas_timeline"] = sampler.timeline()
        if not record.get("timeline"):  # the tool keeps none, or was too soon at its end
            record["timeline"] = record["replicas_timeline"]
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


def _holds(child, port):
    """Whether the socket that listens on `port` is of `child` or of one of its processes. What can
    be connected to may be a stranger's."""
    pids = kernel.family(child.pid)
    inodes = set()
    with open("/proc/thread-self/net/tcp") as file:
        for words in map(str.split, file):
            if words[3] == "0A" and words[1].endswith(f":{port:04X}"):
                inodes.add(f"socket:[{words[9]}]")
    for pid in pids:
        place = f"/proc/{pid}/fd"
        try:
            if any(os.readlink(f"{place}/{one}") in inodes for one in os.listdir(place)):
                return True
        except OSError:
            continue  # ended, or of another user: its master is asked, too
    return False


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


# --- what scenarios say of a run -----------------------------------------------------------------


def bar(name, measured, relation, limit, sentence, always=False):
    """One threshold, and how a run stands to it. `sentence` says what is wrong where it is missed;
    `always`: it is also asked of proxies that the scenario does not judge otherwise."""
    reached = bool(RELATIONS[relation](measured, limit))
    return {"name": name, "measured": measured, "wanted": f"{relation} {figure(limit)}",
            "reached": reached, "sentence": sentence, "always": always}


def timeline(totals):
    """Requests in each second, of (when, how many until then) as a tool reported them about once a
    second. The seconds before the first request and after the last are left out."""
    rates = []
    for (began, before), (ended, after) in zip(totals, totals[1:]):
        if ended > began:
            seconds = max(round(ended - began), 1)  # one that was missed is like its neighbour
            rates += [(after - before) / (ended - began)] * seconds
    while rates and not rates[0]:
        rates.pop(0)
    while rates and not rates[-1]:
        rates.pop()
    return [{"second": second, "completed": rate} for second, rate in enumerate(rates, 1)]


def throughput_plot(title, records, counted_by, key="timeline"):
    plot = beside.throughput_plot(title, records, key)
    plot.note = f"in each second, as counted by {counted_by}"
    return plot
