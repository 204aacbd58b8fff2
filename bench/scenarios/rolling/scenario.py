# SPDX-License-Identifier: MIT
"""rolling: everything that changes in the life of a proxy, while people use what is behind it.

The one idea: nothing of it is timed. The people's rate is a target; the next change comes when so
many requests have been answered since the last one, and what is asked for is the same on every
machine: no error, no order taken twice or lost, no counter that falls, and no stream that ends.
"""
import collections
import json
import subprocess
import threading

from lib import rolling, tools
from lib.processes import BenchError, wait_until
from lib.rolling import FRONTS, PATIENCE_S, Dns, Replicas, Scrapes
from lib.scenario_runner import bar
from lib.tables import Section, Table

TITLE = "rolling: scaling, reloads, weights, upgrades and redeployments under load"
TOOLS = ("node", "dnsmasq", "python3-grpcio", "python3-websockets")
PROXIES = CONFIGURED = ("onehop", "nginx", "haproxy")
JUDGED = "The bars are asked of onehop alone."
JUDGED_PROXIES = ("onehop",)
REPLACED = True  # the process that was started may have given way to another one
REPORT = Table("What is done meanwhile", ["", "how"], [
    ["scale 2, 5, 3", "onehop and HAProxy by DNS (dnsmasq, a TTL of 1 s), nginx by its file"],
    ["weights", "onehop and HAProxy by their sockets, nginx by its file"],
    ["redeploy all five", "one after the other: drain it, end it, start it, let it be asked again"],
    ["reload", "another file each time; one in five is wrong and has to be refused"],
    ["upgrade, twice", "onehop and nginx by SIGUSR2; HAProxy's master executes itself anew"]])
SCALE = {
    "full": {"rate": 1000, "reloads": 50, "between": 500},
    "short": {"rate": 500, "reloads": 20, "between": 100},
    "smoke": {"rate": 100, "reloads": 10, "between": 10},
}
WRONG_EVERY = 5
MOST = 5       # replicas
ROUNDS = (1, 3, 2, 5, 4)
OTHERS = 16    # changes that are no reload, about
LARGE = 10     # sentences of each kind that a report quotes


def seconds(scale):
    """About how long one run takes."""
    return 12 + (scale["reloads"] + OTHERS) * (scale["between"] / scale["rate"] + 0.1)


# --- what stands around the proxy ----------------------------------------------------------------


class Told(threading.Thread):
    """What a child tells in lines of JSON, the last of them."""

    def __init__(self, child):
        super().__init__(daemon=True)
        self.child, self.last = child, None
        self.start()

    def run(self):
        for line in self.child.process.stdout:
            self.last = json.loads(line)

    def first(self):
        return wait_until(lambda: self.last, PATIENCE_S, f"{self.child.name} tells", self.child)

    def end(self):
        """Its last word."""
        self.child.process.terminate()
        try:
            self.child.process.wait(2 * PATIENCE_S)
        except subprocess.TimeoutExpired:
            raise BenchError(f"{self.child.name} does not end") from None
        self.join()
        return self.last


def tell(context, name, command):
    return Told(context.supervisor.start(name, command, stdout=subprocess.PIPE))


def streams(context, *words):
    return [tools.find("python3-grpcio"), f"{context.folder}/streams.py", *words]


def start_replicas(context):
    context.replicas = Replicas(context)
    context.counts = context.replicas.counts
    context.at_first = [context.replicas.address(number) for number in range(2)]
    for address in context.at_first:
        context.replicas.start(address)
    served = tell(context, "streams", streams(context, "serve")).first()
    context.sockets, context.clock = (("127.0.0.1", port) for port in served)


def start_proxy(context):
    context.front = FRONTS[context.proxy](context, Dns(context), context.replicas, context.sockets,
                                          context.clock)
    return context.front.start(context.at_first)


# --- the changes ---------------------------------------------------------------------------------


class Changes:
    """What is done, in order, by name; `done` counts it."""

    def __init__(self, context):
        self.front, self.replicas = context.front, context.replicas
        self.done = collections.Counter()

    def plan(self, reloads):
        """(name, what to call), the reloads evenly between all others."""
        app = [self.replicas.address(number) for number in range(MOST)]
        others = [("scale", lambda: self.scale(app)), ("weights", lambda: self.weigh(0)),
                  *(("redeploy", lambda one=one: self.redeploy(one)) for one in app),
                  ("weights", lambda: self.weigh(1)), ("upgrade", self.front.upgrade),
                  ("scale", lambda: self.scale(app[1:4])), ("weights", lambda: self.weigh(2)),
                  ("upgrade", self.front.upgrade)]
        again = [("refuse", self.front.refuse) if number % WRONG_EVERY == 0 else
                 ("reload", self.front.reload) for number in range(1, reloads + 1)]
        placed = [((at + 0.5) / len(group), one) for group in (others, again)
                  for at, one in enumerate(group)]
        return [one for _, one in sorted(placed, key=lambda pair: pair[0])]

    def make(self, name, change):
        if change() is not False:
            self.done[name] += 1

    def scale(self, addresses):
        for address in set(addresses) - set(self.replicas.alive):
            self.replicas.start(address)
        self.front.scale(addresses)
        for address in set(self.replicas.alive) - set(addresses):
            self.replicas.end(address)

    def weigh(self, turn):
        addresses = self.front.addresses
        self.front.weigh({address: ROUNDS[(turn + at) % len(ROUNDS)]
                          for at, address in enumerate(addresses)})

    def redeploy(self, address):
        self.front.drain(address)
        self.replicas.end(address)
        self.replicas.start(address)
        self.front.ready(address)


def run(context, target, scale):
    taken = context.supervisor.path(f"taken-{context.next_number()}")
    host, h1 = target
    h2 = context.front.site.h2
    load = tell(context, "load", [tools.find("node"), f"{context.folder}/load.js", json.dumps(
        {"host": host, "h1": h1, "h2": h2[1], "rate": scale["rate"], "orders": taken})])
    held = tell(context, "held", streams(context, "hold", rolling.text(target), rolling.text(h2)))
    wait_until(lambda: held.last and (held.last[1] or all(held.last[0].values())), PATIENCE_S,
               "streams are open", held.child)

    changes = Changes(context)
    with Scrapes(context.running) as scrapes:
        for name, change in changes.plan(scale["reloads"]):
            until = load.first()["answered"] + scale["between"]
            wait_until(lambda: load.last["answered"] >= until, 2 * PATIENCE_S,
                       "requests are answered", load.child)
            changes.make(name, change)
        counted, (messages, ended) = load.end(), held.end()
    return {**seen(taken, context.replicas.orders), "requests": counted["answered"],
            "opened": counted["opened"], "messages": messages,
            "errors": {**counted["errors"], **{f"{name}: {why}": 1 for name, why in ended.items()}},
            "streams_ended": len(ended), "changes": changes.done, "scrapes": scrapes.count,
            "fell": scrapes.fell[:LARGE], "fallen": len(scrapes.fell)}


def seen(taken, orders):
    """What became of the orders, by the people's list of those that were taken and the replicas'
    of all that they saw."""
    with open(taken) as file:
        answered = set(file.read().split())
    with open(orders) as file:
        known = collections.Counter(file.read().split())
    return {"orders": len(answered), "lost": len(answered - set(known)),
            "twice": sum(1 for times in known.values() if times > 1)}


# --- the verdict ---------------------------------------------------------------------------------


def check(context, record):
    wanted = collections.Counter(name for name, _ in Changes(context).plan(
        context.scale["reloads"]))
    if not getattr(context.front, "takes_over", True):
        del wanted["upgrade"]
    return [bar("failed requests", failed(record), "=", 0),
            bar("orders taken twice", record["twice"], "=", 0),
            bar("orders lost", record["lost"], "=", 0),
            bar("streams that ended", record["streams_ended"], "=", 0),
            bar("counters that fell", record["fallen"], "=", 0),
            bar("changes made", sum(record["changes"][name] for name in wanted), "=",
                sum(wanted.values()))]


def failed(record):
    return sum(record["errors"].values()) - record["streams_ended"]


def sections(records):
    rows = [("requests", lambda one: one["requests"]), ("failed requests", failed),
            ("orders taken", lambda one: one["orders"]),
            ("orders taken twice", lambda one: one["twice"]),
            ("orders lost", lambda one: one["lost"]),
            ("streams that ended, of 3", lambda one: one["streams_ended"]),
            ("kept connections that clients opened", lambda one: one["opened"]),
            ("connections to the replicas", lambda one: one["counts"]["accepts"]),
            *((f"changes: {name}", lambda one, name=name: one["changes"].get(name, 0)) for name in
              ("scale", "weights", "redeploy", "reload", "refuse", "upgrade"))]
    table = Table("", ["", *(one["proxy"] for one in records)],
                  [[name, *(of(one) for one in records)] for name, of in rows])
    said = [f"- {one['proxy']}: {count} x {why}" for one in records
            for why, count in sorted(one["errors"].items())]
    fell = [f"- {one['proxy']}: {sentence}" for one in records for sentence in one["fell"]]
    return [Section("errors and connections side by side", [
        "Half of the requests are on kept connections, a fifth on new ones, the others over "
        "HTTP/2; one in three is a POST. A kept connection that was closed while it was idle is "
        "replaced, a stream that was not looked at is asked again, and neither is a failure. "
        "nginx's processes are nobody's children, so what they used is not known below.",
        "\n".join(said + fell)], [table])]
