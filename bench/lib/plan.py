# SPDX-License-Identifier: MIT
"""Everything a run does, as a list of steps in their order.

The one idea: a step is one measurement of one proxy that gives one record. So the interleaving, the
estimate of the time left and what happens when a measurement fails are each written once.
"""
import contextlib
import dataclasses
from typing import Callable

from lib import arrival, h2c, linter, living, loads, machine, memory, options, syscalls
from lib.configurations import BALANCES
from lib.netns import Loopback
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
    origin_program: str
    load_program: str
    proxy_core: object = None
    load_core: object = None
    client_environment: dict = dataclasses.field(default_factory=dict)  # of the load generators
    origin: object = None

    @contextlib.contextmanager
    def proxy(self, name, to=None, **more):
        """A fresh one, by default in front of the origin; it is stopped at the end."""
        running = self.proxies.start(name, to or self.origin.address, self.proxy_core, **more)
        try:
            yield running
        finally:
            if running.child:
                self.supervisor.stop(running.child)


@dataclasses.dataclass(frozen=True)
class Step:
    part: str
    proxy: str
    title: str
    estimate_s: float
    measure: Callable  # of (context, running proxies by name and certificate) -> record
    into: str = "special"  # the part of the document that gets the record; "": none does


def turns(names, rounds):
    """(round, name) of all rounds. Each has the names in the same cyclic order and begins with the
    next one, so that none always follows the same pause or the same neighbour's leavings."""
    for number in range(1, rounds + 1):
        first = (number - 1) % max(len(names), 1)
        for name in names[first:] + names[:first]:
            yield number, name


def warm_up_steps(arguments, parts, names):
    """A run of each that counts nowhere: whoever comes first would meet a cold machine. Over TLS
    there is a process for each certificate."""
    tls = arguments.bench == "tls"
    chosen = [load for load in (loads.TLS if tls else loads.PLAIN) if load.name in parts]
    if not chosen and {"arrival", "slow-replica"}.intersection(parts):
        chosen = loads.PLAIN[:1]
    for certificate in dict.fromkeys(load.certificate for load in chosen):
        ours = [load for load in chosen if load.certificate == certificate]
        for name in names:
            load = next((load for load in ours if name in load.proxies), None)
            load = load or (loads.PLAIN[0] if not tls else None)
            if load:
                yield timed_step(load, name, 0, WARM_UP_S, "warm-up", load.name, "")


def timed_step(load, name, number, seconds, part, title, into="runs"):
    return Step(part, name, title, seconds + 0.15, lambda context, running: loads.measure(
        context, load, running[name, load.certificate], number, seconds), into)


def timed_steps(arguments, parts, names):
    for load in loads.TLS if arguments.bench == "tls" else loads.PLAIN:
        if load.name not in parts:
            continue
        rounds = options.rounds_of(arguments, load)
        who = [name for name in measured(arguments, load.name, names) if name in load.proxies]
        for number, name in turns(who, rounds):
            yield timed_step(load, name, number, arguments.seconds, load.name,
                             f"round {number} of {rounds}")


def arrival_steps(arguments, names):
    seconds, timeout_ms = arguments.arrival_seconds, arguments.timeout_ms
    who = [name for name in measured(arguments, "arrival", names) if name not in loads.REFERENCES]
    for rate in arguments.rates:
        late_s = 0.5 if rate < OVERLOAD_RATE else timeout_ms / 1000
        for number, name in turns(who, arguments.arrival_rounds):
            yield Step("arrival", name, f"{rate:,}/s", seconds + late_s,
                       lambda context, _, name=name, rate=rate, number=number:
                       arrival.measure(context, name, rate, number, seconds, timeout_ms), "runs")


def slow_steps(arguments, names, replicas):
    load = {"rate": arguments.slow_rate, "seconds": arguments.arrival_seconds,
            "timeout_ms": arguments.timeout_ms}
    who = [name for name in measured(arguments, "slow-replica", names)
           if name in arrival.SLOW_PROXIES]
    for number, name in turns(who, arguments.slow_rounds):
        for balance in BALANCES:
            yield Step("slow-replica", name, balance, arguments.arrival_seconds + 0.5,
                       lambda context, _, name=name, balance=balance, number=number:
                       arrival.measure_slow(context, replicas, name, balance, number, load))


def own_steps(arguments, body_bytes):
    for load_name in (*OWN_LOADS, ""):
        seconds = arguments.seconds if load_name else arguments.arrival_seconds
        yield Step("own", "onehop", load_name or "kept connections", seconds + 0.3,
                   lambda context, _, load_name=load_name, seconds=seconds:
                   arrival.measure_own(context, load_name, seconds, body_bytes,
                                       arguments.timeout_ms))


def calls_steps(arguments, names):
    brief = arguments.short or arguments.smoke
    seconds = CALLS_SECONDS[brief]
    for load in loads.PLAIN[:2] if brief else loads.PLAIN:
        estimate = sum(ATTACH_S + one for one in (seconds[:1] if load.close else seconds))
        for name in measured(arguments, "syscalls", names):
            if name != "direct" and name in load.proxies:
                yield Step("syscalls", name, load.name, estimate,
                           lambda context, running, load=load, name=name:
                           syscalls.system_calls(context, load, running[name, ""], seconds))


def h2c_steps(arguments, stage):
    rounds = arguments.body_rounds
    who = [(name, protocol) for name in h2c.chosen(arguments) for protocol in h2c.PROTOCOLS]
    for number, (name, protocol) in turns(who, rounds):
        yield Step("h2c", name, f"{protocol}, round {number} of {rounds}", arguments.seconds + 0.3,
                   lambda context, _, name=name, protocol=protocol, number=number:
                   h2c.measure(context, stage, name, protocol, number, arguments.seconds))
    traced = not arguments.short and machine.tracing_missing() is None
    for name, protocol in who if traced else ():
        yield Step("h2c", name, f"{protocol}, system calls",
                   sum(ATTACH_S + one for one in h2c.CALLS_SECONDS),
                   lambda context, _, name=name, protocol=protocol:
                   h2c.calls(context, stage, name, protocol))


def living_steps(arguments, parts, body_bytes):
    if "churn" in parts:
        load = {"rate": arguments.slow_rate, "seconds": arguments.arrival_seconds,
                "timeout_ms": arguments.timeout_ms}
        for number, variant in turns(list(living.VARIANTS), arguments.churn_rounds):
            yield Step("churn", "onehop", variant, arguments.arrival_seconds + 0.7,
                       lambda context, _, variant=variant, number=number:
                       living.churn(context, "onehop", variant, number, body_bytes, load))
    if "scale" in parts:
        yield Step("scale", "onehop", f"{arguments.upstreams:,} upstreams", 5.0,
                   lambda context, _: living.scale(context, "onehop", arguments.upstreams))


def memory_steps(arguments, parts, names):
    for part, variants in (("idle", ("answered", "silent")), ("large", ("download", "upload"))):
        who = [name for name in measured(arguments, part, names) if name in MEMORY_PROXIES]
        for name, variant in ((name, variant) for name in who for variant in variants):
            if part not in parts:
                continue
            if part == "idle":
                yield Step("idle", name, variant, 3.0, lambda context, _, name=name, v=variant:
                           memory.idle_connections(context, name, arguments.idle_connections, v))
            else:
                yield Step("large", name, variant, 1 + LARGE_S_PER_GIB * arguments.large_mib / 1024,
                           lambda context, _, name=name, v=variant:
                           getattr(memory, f"large_{v}")(context, name, arguments.large_mib << 20))


def measured(arguments, part, names):
    """Of `names`, without those that --short leaves out of this part. Who names the proxies gets
    them."""
    if not arguments.short or arguments.proxies:
        return names
    return [name for name in names if name not in options.SHORT_LEAVES_OUT.get(part, ())]


def make(arguments, parts, names, versions, replicas, body_bytes):
    """All steps, in order. `versions` explain what the linter sees."""
    steps = [*warm_up_steps(arguments, parts, names), *timed_steps(arguments, parts, names)]
    if "arrival" in parts:
        steps += arrival_steps(arguments, names)
    if "slow-replica" in parts:
        steps += slow_steps(arguments, names, replicas)
    for name in names if "linter" in parts else ():
        if name != "direct":
            steps.append(Step("linter", name, "connections to the origin", 0.3,
                              lambda context, _, name=name, at=versions.get(
                                  name.partition("-")[0]): linter.measure(context, name, at)))
    if "own" in parts and "onehop" in names:
        steps += own_steps(arguments, body_bytes)
    if "syscalls" in parts:
        steps += calls_steps(arguments, names)
    if "h2c" in parts:
        steps += h2c_steps(arguments, h2c.Stage(body_bytes))
    for name in names if "instructions" in parts else ():
        if name in COUNTED_PROXIES:
            steps.append(Step("instructions", name, "keepalive", 10.0, lambda context, _, name=name:
                              syscalls.instructions(context, name)))
    steps += memory_steps(arguments, parts, names)
    ours = [part for part in parts if "onehop" in measured(arguments, part, names)]
    return steps + list(living_steps(arguments, ours, body_bytes))


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
