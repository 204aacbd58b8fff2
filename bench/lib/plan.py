# SPDX-License-Identifier: MIT
"""Everything a run does, as a list of steps in their order.

The one idea: a step is one measurement of one proxy that gives one record. So the interleaving, the
estimate of the time left and what happens when a measurement fails are each written once.
"""
import dataclasses
import os
from typing import Callable

from lib import agreement, arrival, h2c, linter, machine, memory, options, slow, syscalls, timed
from lib.configurations import BALANCES
from lib.netns import Loopback
from lib.origin import Origin
from lib.processes import BenchError, Supervisor
from lib.progress import Progress
from lib.proxies import Proxies

MEMORY_PROXIES = ("onehop", "onehop-against", "nginx", "haproxy", "envoy", "caddy")
COUNTED_PROXIES = MEMORY_PROXIES[:4]           # instructions; valgrind cannot run the others
CALLS_SECONDS = {True: (1, 2), False: (1, 3)}  # of the two runs under strace; short or not
ATTACH_S = 0.8                                 # strace, each time
LARGE_S_PER_GIB = 9.0
OVERLOAD_RATE = 8000                           # from which most runs end with their timeout
WARM_UP_S = 1                                  # each, before the first round
OWN_LOADS = ("keepalive", "newconn", "post")   # whose percentiles are compared with onehop's own


@dataclasses.dataclass
class Context:
    """What every measurement needs."""
    supervisor: Supervisor
    proxies: Proxies
    network: Loopback
    origin: Origin
    origin_program: str
    load_program: str
    proxy_core: object
    load_core: object
    client_environment: dict = dataclasses.field(default_factory=dict)  # of the load generators


@dataclasses.dataclass(frozen=True)
class Step:
    part: str
    proxy: str
    title: str
    estimate_s: float
    measure: Callable  # of (context, running proxies by name) -> record
    into: str = "special"  # the part of the document that gets the record; "": none does
    load: str = ""         # of what this is a round, and
    round: int = 0         # which one, from 1


def turns(names, rounds):
    """(round, name) of all rounds. Each has the names in the same cyclic order and begins with the
    next one, so that none always follows the same pause or the same neighbour's leavings."""
    for number in range(1, rounds + 1):
        first = (number - 1) % max(len(names), 1)
        for name in names[first:] + names[:first]:
            yield number, name


def warm_up_steps(parts, names):
    """A run of each that counts nowhere: whoever comes first would meet a cold machine."""
    loads = [load for load in timed.LOADS if load.name in parts]
    if not loads and not {"arrival", "slow-replica"}.intersection(parts):
        return
    for name in names:
        load = next((load for load in loads if name in load.proxies), timed.LOADS[0])
        yield Step("warm-up", name, load.name, WARM_UP_S + 0.15,
                   lambda context, running, load=load, name=name:
                   timed.measure(context, load, running[name], 0, WARM_UP_S),
                   "", "warm-up", 1)


def timed_steps(arguments, parts, names):
    for load in timed.LOADS:
        if load.name not in parts:
            continue
        rounds = options.rounds_of(arguments, load.name)
        who = [name for name in measured(arguments, load.name, names) if name in load.proxies]
        for number, name in turns(who, rounds):
            yield Step(load.name, name, f"round {number} of {rounds}", arguments.seconds + 0.15,
                       lambda context, running, load=load, name=name, number=number:
                       timed.measure(context, load, running[name], number, arguments.seconds),
                       "runs", load.name, number)


def arrival_steps(arguments, names):
    seconds, timeout_ms = arguments.arrival_seconds, arguments.timeout_ms
    who = [name for name in measured(arguments, "arrival", names) if name not in timed.REFERENCES]
    for rate in arguments.rates:
        late_s = 0.5 if rate < OVERLOAD_RATE else timeout_ms / 1000
        for number, name in turns(who, arguments.arrival_rounds):
            yield Step("arrival", name, f"{rate:,}/s", seconds + late_s,
                       lambda context, _, name=name, rate=rate, number=number:
                       arrival.measure(context, name, rate, number, seconds, timeout_ms),
                       "runs", f"arrival {rate:,}/s", number)


def slow_steps(arguments, names, replicas):
    load = {"rate": arguments.slow_rate, "seconds": arguments.arrival_seconds,
            "timeout_ms": arguments.timeout_ms}
    who = [name for name in measured(arguments, "slow-replica", names) if name in slow.PROXIES]
    for number, name in turns(who, arguments.slow_rounds):
        for balance in BALANCES:
            yield Step("slow-replica", name, balance, arguments.arrival_seconds + 0.5,
                       lambda context, _, name=name, balance=balance, number=number:
                       slow.measure(context, replicas, name, balance, number, load),
                       "special", "slow-replica", number)


def own_steps(arguments, body_bytes):
    for load in OWN_LOADS:
        yield Step("own", "onehop", load, arguments.seconds + 0.3, lambda context, _, load=load:
                   agreement.measure(context, load, arguments.seconds, body_bytes))
    if os.access(arguments.load, os.X_OK):
        yield Step("own", "onehop", "kept connections", arguments.arrival_seconds + 0.3,
                   lambda context, _: arrival.measure_kept(context, arguments.arrival_seconds,
                                                           arguments.timeout_ms))


def calls_steps(arguments, names):
    brief = arguments.short or arguments.smoke
    seconds = CALLS_SECONDS[brief]
    for load in timed.LOADS[:2] if brief else timed.LOADS:
        estimate = sum(ATTACH_S + one for one in (seconds[:1] if load.close else seconds))
        for name in measured(arguments, "syscalls", names):
            if name != "direct" and name in load.proxies:
                yield Step("syscalls", name, load.name, estimate,
                           lambda context, running, load=load, name=name:
                           syscalls.system_calls(context, load, running[name], seconds))


def h2c_steps(arguments, stage):
    rounds = arguments.body_rounds
    who = [(name, protocol) for name in h2c.chosen(arguments) for protocol in h2c.PROTOCOLS]
    for number, (name, protocol) in turns(who, rounds):
        yield Step("h2c", name, f"{protocol}, round {number} of {rounds}", arguments.seconds + 0.3,
                   lambda context, _, name=name, protocol=protocol, number=number:
                   h2c.measure(context, stage, name, protocol, number, arguments.seconds),
                   "special", f"h2c, {protocol}", number)
    traced = not arguments.short and machine.tracing_missing() is None
    for name, protocol in who if traced else ():
        yield Step("h2c", name, f"{protocol}, system calls",
                   sum(ATTACH_S + one for one in h2c.CALLS_SECONDS),
                   lambda context, _, name=name, protocol=protocol:
                   h2c.calls(context, stage, name, protocol))


def memory_steps(arguments, parts, names):
    if "idle" in parts:
        for name in measured(arguments, "idle", names):
            for variant in ("answered", "silent") if name in MEMORY_PROXIES else ():
                yield Step("idle", name, variant, 3.0, lambda context, _, name=name, v=variant:
                           memory.idle_connections(context, name, arguments.idle_connections, v))
    if "large" in parts:
        size = arguments.large_mib << 20
        for name in measured(arguments, "large", names):
            for way in ("download", "upload") if name in MEMORY_PROXIES else ():
                measure = getattr(memory, f"large_{way}")
                yield Step("large", name, way, LARGE_S_PER_GIB * arguments.large_mib / 1024 + 1,
                           lambda context, _, name=name, measure=measure:
                           measure(context, name, size))


def measured(arguments, part, names):
    """Of `names`, without those that --short leaves out of this part. Who names the proxies gets
    them."""
    if not arguments.short or arguments.proxies:
        return names
    return [name for name in names if name not in options.SHORT_LEAVES_OUT.get(part, ())]


def make(arguments, parts, names, document, replicas, body_bytes):
    """All steps, in order."""
    steps = [*warm_up_steps(parts, names), *timed_steps(arguments, parts, names)]
    if "arrival" in parts:
        steps += arrival_steps(arguments, names)
    if "slow-replica" in parts:
        steps += slow_steps(arguments, names, replicas)
    if "linter" in parts:
        for name in names:
            if name != "direct":
                version = document["versions"].get(name.partition("-")[0])
                configuration = document["configurations"].get(name, "")
                steps.append(Step("linter", name, "connections to the origin", 0.3,
                                  lambda context, _, name=name, text=configuration, at=version:
                                  linter.measure(context, name, text, at)))
    if "own" in parts and "onehop" in names:
        steps += own_steps(arguments, body_bytes)
    if "syscalls" in parts:
        steps += calls_steps(arguments, names)
    if "h2c" in parts:
        steps += h2c_steps(arguments, h2c.Stage(arguments, body_bytes))
    if "instructions" in parts:
        for name in (name for name in names if name in COUNTED_PROXIES):
            steps.append(Step("instructions", name, "keepalive", 10.0, lambda context, _, name=name:
                              syscalls.instructions(context, name)))
    return steps + list(memory_steps(arguments, parts, names))


def order(steps):
    """By load, for each of its rounds, the proxies in the order in which they are measured."""
    found = {}
    for step in steps:
        if step.round:
            rounds = found.setdefault(step.load, {}).setdefault(step.round, [])
            if step.proxy not in rounds:  # slow-replica has two runs of each, one after another
                rounds.append(step.proxy)
    return {load: list(rounds.values()) for load, rounds in found.items()}


def keep(document, step, record):
    """Puts a record and its problems where they belong; those of a warm-up belong nowhere."""
    if step.into == "runs":
        document["runs"].append(record)
    elif step.into == "special":
        document["special"].setdefault(record["kind"], []).append(record)
    else:
        return
    document["problems"] += [f"{step.part}, {step.title}, {step.proxy}: {text}"
                             for text in record.get("problems", [])]


def run(context, steps, running, document, brief):
    """Takes every step and puts the records into `document`; `brief(record)` is for the line of
    progress. A step that fails is a problem of the document, and the others go on."""
    progress = Progress()
    for step in steps:
        progress.plan(1, step.estimate_s)
    for step in steps:
        where = f"{step.part}, {step.title}, {step.proxy}"
        try:
            record = step.measure(context, running)
            keep(document, step, record)
            text = brief(record)
        except (BenchError, OSError) as error:
            if context.origin.child.exited():
                raise BenchError(f"{where}: the origin has ended: "
                                 f"{context.origin.child.log_tail() or 'silently'}") from None
            document["problems"].append(f"{where}: {error}")
            text = f"FAILED, {error}"
        progress.done(step.estimate_s, f"{where}: {text}")
