#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Attacks on onehop and its peers, one after the other, with honest clients beside each.

Reads like a table of contents: what is there, the attacks in their order, the table. What each one
sends and what is measured stands with its function in lib/attacks.py.
"""
import argparse
import datetime
import inspect
import os
import sys
import types

import run
from lib import attack_mix, certificates, html, layout, machine, netns, results
from lib.attack_stage import AttackProxies, Stage
from lib.attacks import ATTACKS
from lib.layout import Section, Table
from lib.origin import Origin
from lib.processes import BenchError, Supervisor

DOCUMENT = os.path.join(run.ROOT, "docs", "resilience.md")
BEGIN, END = "<!-- recorded by ./dev bench attacks -->", "<!-- end -->"
USED = ("onehop", "nginx", "haproxy", "source")
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
    add("--proxies", default="", metavar="NAME,...", help="of: " + ", ".join(AttackProxies.ORDER))
    add("--onehop", default=os.path.join(run.BUILD, "onehop"), metavar="BINARY")
    add("--origin", default=os.path.join(run.BUILD, "bench", "bench_origin"), metavar="BINARY")
    add("--json", metavar="FILE", help="instead of bench/results/DATE-attacks.json")
    add("--record", metavar="FILE", help="the document whose table is written anew, by default "
        "docs/resilience.md after a full run of everything")
    arguments = made.parse_args(words)
    for text, known in ((arguments.only, ATTACKS), (arguments.proxies, AttackProxies.ORDER)):
        for name in filter(None, text.split(",")):
            if name not in known:
                made.error(f"'{name}' is none of {', '.join(known)}")
    if arguments.smoke:
        arguments.proxies = arguments.proxies or "onehop"
    if arguments.mix is not None:
        if not arguments.mix > 0:
            made.error("--mix wants a number of minutes above 0")
        arguments.proxies = "onehop"
    whole = not (arguments.only or arguments.proxies or arguments.short)
    arguments.record = arguments.record or (DOCUMENT if whole else None)
    arguments.load = os.path.join(os.path.dirname(arguments.origin), "bench_load")
    return arguments


def chosen(text, known):
    return [name for name in known if name in text.split(",") or not text]


def new_document(arguments, names, cores, descriptors, notes):
    known = machine.versions(arguments.onehop, None)
    pinning = (f"proxy on core {cores[0]}, honest clients, origin and attacker on core {cores[1]}"
               if cores[0] is not None else "one core for all, nothing pinned")
    return {"schema": results.SCHEMA, "bench": "attacks", "name": "attacks",
            "date": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
            "machine": machine.describe(), "pinning": pinning, "descriptors": descriptors,
            "network": netns.Loopback().describe(),
            "versions": {name: known[name] for name in USED if name in known},
            "options": {"short": arguments.short, "proxies": names,
                        "partial": bool(arguments.only or arguments.proxies)},
            "configurations": {}, "runs": [], "special": {}, "bars": [], "report": [],
            "notes": notes, "problems": []}


def attack_all(arguments, stage, names, document):
    for attack in chosen(arguments.only, ATTACKS):
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
            said = ", ".join(f"{key} {layout.number(value)}" for key, value in figures.items())
            print(f"bench: {attack}, {name}: {said}", flush=True)


def mix(arguments, stage, document):
    found = attack_mix.mix(stage, arguments.mix, stage.of(10, 5, 1), arguments.seed)
    document["runs"].append({"load": "mix", "proxy": "onehop", "figures": found["figures"]})
    document["special"]["mix"] = {key: found[key] for key in ("samples", "acts")}
    document["problems"] += [f"after the mix: {problem}" for problem in found["problems"]]


def bench(arguments):
    notes = []
    cores = machine.choose_cores()
    descriptors = machine.raise_descriptor_limit()
    load = os.getloadavg()[0] / os.cpu_count()
    if load > BUSY:
        notes.append(f"the machine was busy with other work: a load of {load:.1f} per core before "
                     "the first attack")
    settings = types.SimpleNamespace(
        onehop=arguments.onehop, against=None, floor=None, admin=True, descriptors=descriptors,
        proxy_connections=min(20000, descriptors - run.RESERVED))
    with Supervisor() as supervisor:
        certificate = certificates.make(supervisor, "ecdsa")
        proxies = AttackProxies(supervisor, settings, certificate)
        names = chosen(arguments.proxies, AttackProxies.ORDER)
        for name in list(names):
            reason = proxies.missing(name)
            if reason:
                names.remove(name)
                notes.append(f"{name} is left out: {reason.replace(run.ROOT + os.sep, '')}")
        if not names:
            raise BenchError("no proxy is left: " + "; ".join(notes))
        document = new_document(arguments, names, cores, descriptors, notes)
        for note in notes:
            print(f"bench: {note}", flush=True)
        if cores[1] is not None:
            os.sched_setaffinity(0, {cores[1]})
        origin = Origin(supervisor, arguments.origin, cores[1], ["--body", str(run.BODY_BYTES)])
        context = types.SimpleNamespace(
            supervisor=supervisor, origin=origin, origin_program=arguments.origin,
            load_program=arguments.load, proxy_core=cores[0], load_core=cores[1])
        stage = Stage(context, settings, certificate,
                      2 if arguments.smoke else 1 if arguments.short else 0)
        if arguments.mix is not None:
            mix(arguments, stage, document)
        else:
            attack_all(arguments, stage, names, document)
        document["configurations"] = {name: run.portable(text, supervisor)
                                      for name, text in stage.configurations.items()}
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
        cells = [layout.number(values[name]) if name in values else "" for name in names]
        rows.append(["" if attack == before else attack, figure, *cells])
        before = attack
    return Table("", ["attack", "measured", *names], rows)


def sections(document):
    machine_text = document["machine"]
    versions = "; ".join(f"{name} {text}" for name, text in document["versions"].items())
    how = ", with `--short`," if document["options"]["short"] else ""
    text = [f"Recorded {document['date'][:10]}{how} on {machine_text['cpu']}, "
            f"{machine_text['cores']} cores, Linux {machine_text['kernel']}. {versions}. "
            f"{document['pinning'].capitalize()}."]
    text += [note[0].upper() + note[1:] + "." for note in document["notes"]]
    text += [f"PROBLEM: {problem}." for problem in document["problems"]]
    found = [Section("Results", text, [table(document)])]
    if "mix" in document["special"]:
        rows = [[str(second), f"{resident:.1f}", f"{buffered:.1f}"]
                for second, resident, buffered in document["special"]["mix"]["samples"]]
        return found + [Section("Memory meanwhile", [], [
            Table("", ["second", "resident, MiB", "buffered, MiB"], rows)])]
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


def hand_over(arguments, document):
    found = sections(document)
    document["report"] = layout.to_json(found)
    text = layout.markdown("onehop bench: attacks", found)
    if arguments.smoke:
        results.validate(document)
        for problem in document["problems"]:
            print(f"PROBLEM: {problem}")
        print(f"smoke: {len(document['runs'])} attacks, {len(document['problems'])} problems")
        return
    print("\n" + text)
    path = arguments.json or run.default_json("mix" if arguments.mix else "attacks",
                                              document["date"])
    results.save(path, document, html.render("onehop bench: attacks", [], found))
    print(f"raw results: {path}")
    if arguments.record:
        with open(arguments.record, encoding="utf-8") as file:
            now = file.read()
        part = "\n\n".join(text.split("\n\n")[1:]).replace("## ", "### ")
        results.write_atomically(arguments.record, recorded(now, part))
        print(f"recorded in: {arguments.record}")


def main():
    arguments = parse()
    for program in (arguments.onehop, arguments.origin, arguments.load):
        if not os.access(program, os.X_OK):
            print(f"bench: there is no {program}; build it first", file=sys.stderr)
            return 1
    try:
        document = bench(arguments)
        hand_over(arguments, document)
    except (BenchError, OSError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nbench: interrupted; everything that was started is stopped", file=sys.stderr)
        return run.INTERRUPTED
    return 1 if document["problems"] else 0


if __name__ == "__main__":
    sys.exit(main())
