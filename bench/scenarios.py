#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Five published load tests, replayed through onehop and its peers with the tools they were made
with. bench/README.md says what each is and how to read the figures.

The one idea: each scenario is a folder below scenarios/; lib/scenario_runner.py runs them, and here
is only what is asked for, in which order, and where the results go.
"""
import argparse
import os
import sys

from lib import machine, options, results, scenario_runner, tools
from lib.processes import BenchError
from lib.progress import Progress, duration
from lib.proxies import Proxies, Settings
from lib.scenario_runner import PROXIES, figure
from lib.tables import Section, Table, number

OTHERS_CORES = 0.3  # from so many on, the report says that the machine was not ours alone


def parse_arguments(words=None):
    defaults = "\n".join(f"  {name:<12}{', '.join(scenario_runner.load(name).PROXIES)}"
                         for name in scenario_runner.NAMES)
    parser = argparse.ArgumentParser(
        prog="./dev bench scenarios",
        description="Published load tests, replayed through onehop and its peers.",
        epilog="proxies, unless --proxies names others:\n" + defaults,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("names", nargs="*", metavar="NAME", help="of: " + ", ".join(scenario_runner.NAMES))
    add("--short", action="store_true", help="scaled down for two cores, all under 15 minutes")
    add("--smoke", action="store_true", help="does it still work? direct and onehop, tiny loads")
    add("--proxies", default="", metavar="NAME,...", help="of: " + ", ".join(PROXIES))
    add("--list", action="store_true",
        help="what there is, with which proxies, and which tools it lacks")
    add("--strict", action="store_true", help="exit 1 when onehop misses a threshold")
    options.common(parser, "scenarios")
    arguments = parser.parse_args(words)
    arguments.names = options.choice(parser, ",".join(arguments.names), scenario_runner.NAMES)
    arguments.proxies = options.choice(parser, arguments.proxies, PROXIES)
    if arguments.smoke and not arguments.proxies:
        arguments.proxies = ["direct", "onehop"]
    arguments.scale = "smoke" if arguments.smoke else "short" if arguments.short else "full"
    return arguments


def show_list():
    for name in scenario_runner.NAMES:
        module = scenario_runner.load(name)
        print(f"{name:<12}{module.TITLE}\n{'':<14}proxies: {', '.join(module.PROXIES)}")
        for tool in module.TOOLS:
            print(f"{'':<14}{tools.missing(tool) or tool + ': ' + (tools.version(tool) or '?')}")
    return 0


def scaled_down(plan):
    """How this run differs from the full load, as phrases."""
    phrases = []
    for key, value in plan.module.SCALE["full"].items():
        ours = plan.scale[key]
        if key == "steps":
            for inner in value[0]:
                full, here = (", ".join(figure(step[inner]) for step in steps)
                              for steps in (value, ours))
                if full != here:
                    phrases.append(f"{inner} {here} instead of {full}")
        elif ours != value:
            phrases.append(f"{key.replace('_', ' ')} {figure(ours)} instead of {figure(value)} "
                           f"(1/{value / ours:.3g})")
    return "; ".join(phrases)


# --- the report ----------------------------------------------------------------------------------


def sections_of(plan, records):
    """The report of one scenario: its own sections between how it was run and how it did."""
    text, phrases = [plan.module.TITLE + "."], scaled_down(plan)
    if phrases:
        text.append(f"Scaled down: {phrases}.")
    sections = plan.module.sections(records) if records else []
    sections.append(Section("what each process used", [], usage(records)))
    sections.append(thresholds(records, getattr(plan.module, "JUDGED", None)))
    for section in sections:
        section.title = f"{plan.name}: {section.title}"
    return [Section(plan.name, text, [plan.module.REPORT]), *sections]


def usage(records):
    names = list(dict.fromkeys(name for record in records for name in record["usage"]))
    return [Table(title, ["", *names], [
        [", ".join([record["proxy"], *map(figure, record["step"].values())]),
         *(record["usage"].get(name, {}).get(key) for name in names)] for record in records])
            for title, key in (("Average CPU, cores", "average"), ("Peak CPU, cores", "peak"),
                               ("Peak memory, MiB", "memory_mib"))]


def thresholds(records, judged):
    """How every run stands to every bar, and what was missed. `judged` says what the scenario
    judges, where that is not every proxy by every threshold."""
    tables, steps = [], []
    for record in records:
        if record["step"] not in steps:
            steps.append(record["step"])
    for step in steps:
        ours = [record for record in records if record["step"] == step]
        cells = {(record["proxy"], one["name"]): one for record in ours for one in record["bars"]}
        wanted = {one["name"]: one["wanted"] for one in cells.values()}
        names = [record["proxy"] for record in ours]
        title = ", ".join(f"{key} {figure(value)}" for key, value in step.items())
        tables.append(Table(title, ["bar", "wanted", *names], [
            [bar, limit, *(_stands(cells.get((name, bar))) for name in names)]
            for bar, limit in wanted.items()]))
    missed = [f"- {record['proxy']}, {', '.join(map(figure, record['step'].values()))}: {sentence}"
              for record in records for sentence in record["violations"]]
    return Section("Thresholds", [judged or "", "\n".join(missed) or
                                  "No threshold of this scenario was missed."], tables)


def _stands(bar):
    if bar is None:
        return None
    verdict = "" if bar["reached"] else ", MISSED" if bar["judged"] else ", not judged"
    return number(bar["measured"]) + verdict


def take(records, document):
    """Puts the runs of a scenario into the document, and their bars among those of all."""
    for record in records:
        words = [record["scenario"], *(f"{key} {figure(value)}" for key, value in
                                       record["step"].items()), record["proxy"]]
        document["bars"] += [{**one, "name": f"{', '.join(words)}: {one['name']}"}
                             for one in record["bars"]]
        document["runs"].append({key: value for key, value in record.items() if key != "bars"})


# --- running -------------------------------------------------------------------------------------


def bench(arguments):
    settings = Settings(arguments.onehop, *machine.limits())
    document = results.new_document(
        "scenarios", arguments, "nothing is pinned: load tool, proxy and replicas share the cores",
        {"scale": arguments.scale, "names": arguments.names, "proxies": arguments.proxies}, [],
        ("nginx", "haproxy", "k6", "locust", "artillery", "ab", "redis-server", "postgres", "node",
         "go"))
    plans = [scenario_runner.plan(name, arguments.scale, arguments.proxies,
                                  Proxies(None, settings), document["notes"])
             for name in arguments.names or scenario_runner.NAMES]
    left_out, plans = plans.count(None), [plan for plan in plans if plan]
    for note in document["notes"]:
        print(f"bench: {note}", flush=True)
    if not plans:
        raise BenchError("nothing can be run here")
    progress, sections = Progress(), []
    for plan in plans:
        for step in plan.steps:
            progress.plan(len(plan.proxies), plan.seconds(step))
        print(f"{plan.name} is scaled down: {scaled_down(plan) or 'not at all'}", flush=True)
    print(f"{progress.steps} runs, about {duration(progress.planned_s)}", flush=True)
    for plan in plans:
        records = scenario_runner.run(plan, settings, arguments.origin, progress, document)
        sections += sections_of(plan, records)
        take(records, document)
    worst = max((run["others_cores"] for run in document["runs"]), default=0)
    if worst > OTHERS_CORES:
        document["notes"].append(
            f"something else used up to {worst:.1f} of the {document['machine']['cores']} cores "
            "during the runs (the kernel's own work for packets is part of this)")
    notes = [f"- {note}" for note in document["notes"] +
             [f"PROBLEM: {problem}" for problem in document["problems"]]]
    head = Section("How it was measured", [*results.where(document), "\n".join(notes)])
    return document, [head, *sections], left_out


def asked():
    arguments = parse_arguments()
    if arguments.list:
        return show_list()
    for program in (arguments.onehop, arguments.origin):
        if not os.access(program, os.X_OK):
            raise BenchError(f"there is no program {program}; ./dev build makes it")
    if results.unwritable(results.place(arguments)):
        raise BenchError(results.unwritable(results.place(arguments)))
    document, sections, left_out = bench(arguments)
    results.hand_over(arguments, document, sections)
    for problem in document["problems"]:
        print(f"bench: {problem}", file=sys.stderr)
    if arguments.smoke:
        print(f"smoke: {len(document['runs'])} runs, {len(document['problems'])} problems")
        if left_out and not document["problems"]:
            return results.SKIPPED  # a part that did not run has not passed
    missed = any(run["violations"] for run in document["runs"] if run["proxy"] == "onehop")
    return 1 if document["problems"] or (arguments.strict and missed) else 0


if __name__ == "__main__":
    sys.exit(results.main(asked))
