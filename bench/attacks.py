#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Attacks on onehop and its peers, one after the other, with honest clients beside each.

Reads like a table of contents: what is there, the attacks in their order, the table. What each one
sends and what is measured stands with its function in lib/attacks.py.
"""
import argparse
import inspect
import os
import sys

from lib import attack_mix, certificates, machine, netns, options, plan, results, tables
from lib.attack_stage import PROXIES, Stage
from lib.attacks import ATTACKS
from lib.origin import Origin
from lib.processes import BenchError, Supervisor
from lib.proxies import Proxies, Settings
from lib.tables import Section, Table

DOCUMENT = os.path.join(results.ROOT, "docs", "resilience.md")
BEGIN, END = "<!-- recorded by ./dev bench attacks -->", "<!-- end -->"
BODY_BYTES = 256
BUSY = 0.2  # of the machine, by others, before the first attack: worth a sentence


def parse(words=None):
    made = argparse.ArgumentParser(prog="./dev bench attacks",
                                   description=__doc__.partition("\n")[0])
    add = made.add_argument
    add("--short", action="store_true", help="fewer connections and seconds")
    add("--smoke", action="store_true", help="does every attack still work? onehop, a moment each")
    add("--mix", type=float, metavar="MINUTES", help="all kinds of abuse at once on onehop for so "
        "long: what is left in memory and in counts; with --smoke, a moment of each")
    add("--seed", type=int, default=1, help="of --mix: which abuse follows which")
    add("--only", default="", metavar="ATTACK,...", help="of: " + ", ".join(ATTACKS))
    add("--proxies", default="", metavar="NAME,...", help="of: " + ", ".join(PROXIES))
    options.common(made, "attacks")
    add("--record", metavar="FILE", help="the document whose table is written anew, by default "
        "docs/resilience.md after a full run of everything")
    arguments = made.parse_args(words)
    whole = not (arguments.only or arguments.proxies or arguments.short or arguments.smoke)
    arguments.only = options.choice(made, arguments.only, ATTACKS) or list(ATTACKS)
    arguments.proxies = options.choice(made, arguments.proxies, PROXIES) or (
        ["onehop"] if arguments.smoke else list(PROXIES))
    if arguments.mix is not None:
        if not arguments.mix > 0:
            made.error("--mix wants a number of minutes above 0")
        arguments.proxies, arguments.name, whole = ["onehop"], "mix", False
    arguments.record = arguments.record or (DOCUMENT if whole else None)
    arguments.load = os.path.join(os.path.dirname(arguments.origin), "bench_load")
    return arguments


def attack_all(arguments, stage, names, document):
    for attack in arguments.only:
        function, useless = ATTACKS[attack]
        for name in names:
            if name in useless:
                continue
            try:
                figures = function(stage, name)
            except (BenchError, OSError) as error:
                document["problems"].append(f"{attack} on {name}: {error}")
                print(f"bench: PROBLEM: {document['problems'][-1]}", flush=True)
                continue
            document["runs"].append({"load": attack, "proxy": name, "figures": figures})
            said = ", ".join(f"{key} {tables.number(value)}" for key, value in figures.items())
            print(f"bench: {attack}, {name}: {said}", flush=True)


def mix(arguments, stage, document):
    found = attack_mix.mix(stage, arguments.mix, stage.of(10, 5, 1), arguments.seed)
    document["runs"].append({"load": "mix", "proxy": "onehop", "figures": found["figures"],
                             "acts": found["acts"]})
    document["special"]["memory"] = found["samples"]
    document["problems"] += [f"after the mix: {problem}" for problem in found["problems"]]


def bench(arguments):
    notes, cores = [], machine.choose_cores()
    descriptors, proxy_connections = machine.limits()
    load = os.getloadavg()[0] / os.cpu_count()
    if load > BUSY:
        notes.append(f"the machine was busy with other work: a load of {load:.1f} per core before "
                     "the first attack")
    settings = Settings(arguments.onehop, descriptors, proxy_connections)
    with Supervisor() as supervisor:
        network = netns.Loopback()
        context = plan.Context(supervisor, Proxies(supervisor, settings), network,
                               arguments.origin, arguments.load, *cores)
        names = [name for name in arguments.proxies if not context.proxies.missing(name)]
        notes += [f"{name} is left out: {context.proxies.missing(name)}"
                  for name in arguments.proxies if name not in names]
        document = results.new_document(
            "attacks", arguments, results.pinning(cores).replace("origin", "attacker, origin"),
            {"short": arguments.short, "proxies": names}, notes, ("nginx", "haproxy"))
        for note in notes:
            print(f"bench: {note}", flush=True)
        if cores[1] is not None:
            os.sched_setaffinity(0, {cores[1]})
        context.origin = Origin(context, ["--body", str(BODY_BYTES)])
        stage = Stage(context, certificates.make(supervisor, "ecdsa"),
                      2 if arguments.smoke else 1 if arguments.short else 0)
        if arguments.mix is not None:
            mix(arguments, stage, document)
        else:
            attack_all(arguments, stage, names, document)
    return document


def table(document):
    """A row for each figure of each attack, a column for each proxy."""
    names = document["options"]["proxies"]
    found = {}
    for one in document["runs"]:
        for figure, value in one["figures"].items():
            found.setdefault((one["load"], figure), {})[one["proxy"]] = value
    rows, before = [], None
    for (attack, figure), values in found.items():
        cells = [tables.number(values[name]) if name in values else "" for name in names]
        rows.append(["" if attack == before else attack, figure, *cells])
        before = attack
    return Table("", ["attack", "measured", *names], rows)


def sections(document):
    hardware = document["machine"]
    versions = "; ".join(f"{name} {text}" for name, text in document["versions"].items())
    how = ", with `--short`," if document["options"]["short"] else ""
    text = [f"Recorded {document['date'][:10]}{how} on {hardware['cpu']}, {hardware['cores']} "
            f"cores, Linux {hardware['kernel']}. {versions}. {document['pinning'].capitalize()}."]
    text += [note[0].upper() + note[1:] + "." for note in document["notes"]]
    text += [f"PROBLEM: {problem}." for problem in document["problems"]]
    found = [Section("Results", text, [table(document)])]
    if "memory" in document["special"]:
        return found + [Section("Memory meanwhile", [], [
            Table("", ["second", "resident, MiB", "buffered, MiB"],
                  [[str(second), f"{resident:.1f}", f"{buffered:.1f}"] for second, resident,
                   buffered in document["special"]["memory"]])])]
    meanings = [f"- `{name}`: " + " ".join(inspect.getdoc(ATTACKS[name][0]).split())
                for name in dict.fromkeys(one["load"] for one in document["runs"])]
    return found + [Section("What each attack is", ["\n".join(meanings)])]


def recorded(document_text, part):
    """The document with what stands between its marks replaced."""
    before, begin, rest = document_text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise BenchError(f"the document has no place for the table: {BEGIN} ... {END}")
    return f"{before}{begin}\n\n{part}\n{end}{after}"


def asked():
    arguments = parse()
    for program in (arguments.onehop, arguments.origin, arguments.load):
        if not os.access(program, os.X_OK):
            raise BenchError(f"there is no {program}; build it first")
    document = bench(arguments)
    report = results.hand_over(arguments, document, sections(document))
    if arguments.smoke:
        print("\n".join(f"PROBLEM: {problem}" for problem in document["problems"]))
        print(f"smoke: {len(document['runs'])} attacks, {len(document['problems'])} problems")
    elif arguments.record:
        with open(arguments.record, encoding="utf-8") as file:
            now = file.read()
        part = "\n\n".join(report.split("\n\n")[1:]).replace("## ", "### ")
        results.write_atomically(arguments.record, recorded(now, part))
        print(f"recorded in: {arguments.record}")
    return 1 if document["problems"] else 0


if __name__ == "__main__":
    sys.exit(results.main(asked))
