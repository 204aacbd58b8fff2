#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Five published load tests, replayed through onehop and its peers with the tools they were made
with. bench/README.md says what each is and how to read the figures.

The one idea: each scenario is a folder below scenarios/; lib/scenario_runner.py runs them, and here
is only what is asked for, in which order, and where the results go.
"""
import argparse
import datetime
import os
import signal
import sys

from lib import html, layout, machine, results, routes, scenario_runner, tools
from lib.processes import BenchError, leave
from lib.progress import Progress, duration
from lib.proxies import PROGRAMS, Proxies
from lib.scenario_runner import figure

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
BUILD = os.path.join(ROOT, "build", "release")
OTHERS_CORES = 0.3  # from so many on, the report says that the machine was not ours alone
SKIPPED = 77  # ctest's word for "not run here"
INTERRUPTED = 130
TERMINATED = 128 + signal.SIGTERM
PROXIES = tuple(name for name in dict.fromkeys((*Proxies.ORDER, *routes.NAMES))
                if name not in ("onehop-against", "floor"))


def default_proxies():
    """What each scenario measures unless --proxies says otherwise, as lines."""
    lines = ["proxies, unless --proxies names others:"]
    for name in scenario_runner.NAMES:
        lines.append(f"  {name:<12}{', '.join(scenario_runner.load(name).PROXIES)}")
    return "\n".join(lines)


def parse_arguments():
    parser = argparse.ArgumentParser(
        description="Published load tests, replayed through onehop and its peers.",
        epilog=default_proxies(), formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("names", nargs="*", metavar="NAME", help="of: " + ", ".join(scenario_runner.NAMES))
    add("--short", action="store_true", help="scaled down for two cores, all under 15 minutes")
    add("--smoke", action="store_true", help="does it still work? direct and onehop, tiny loads")
    add("--proxies", default="", metavar="NAME,...", help="of: " + ", ".join(PROXIES))
    add("--list", action="store_true",
        help="what there is, with which proxies, and which tools it lacks")
    add("--strict", action="store_true", help="exit 1 when onehop misses a threshold")
    add("--onehop", default=os.path.join(BUILD, "onehop"), metavar="BINARY")
    add("--origin", default=os.path.join(BUILD, "bench", "bench_origin"), metavar="BINARY")
    add("--name", default="scenarios", help="of the results file")
    add("--json", metavar="FILE", help="instead of bench/results/DATE-NAME.json")
    add("--markdown", metavar="FILE", help="the report once more, into a file")
    arguments = parser.parse_args()
    for name in arguments.names:
        if name not in scenario_runner.NAMES:
            parser.error(f"'{name}' is none of {', '.join(scenario_runner.NAMES)}")
    for name in filter(None, arguments.proxies.split(",")):
        if name not in PROXIES:
            parser.error(f"'{name}' is none of {', '.join(PROXIES)}")
    return arguments


def show_list():
    for name in scenario_runner.NAMES:
        try:
            module = scenario_runner.load(name)
        except BenchError as error:
            print(f"{name:<12}{error}")
            continue
        print(f"{name:<12}{module.TITLE}\n{'':<14}proxies: {', '.join(module.PROXIES)}")
        for tool in module.TOOLS:
            print(f"{'':<14}{tools.missing(tool) or tool + ': ' + (tools.version(tool) or '?')}")


def new_document(arguments, scale_name, descriptors):
    return {"schema": results.SCHEMA, "bench": "scenarios", "name": arguments.name,
            "date": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
            "machine": machine.describe(), "pinning": "nothing is pinned: the tools need the cores",
            "descriptors": descriptors,
            "versions": {name: text for name, text in machine.versions(
                arguments.onehop, None).items() if name in ("onehop", "source")},
            "options": {"scale": scale_name, "names": arguments.names,
                        "proxies": arguments.proxies},
            "scenarios": [], "runs": [], "special": {"scaled_down": {}}, "bars": [], "notes": [],
            "problems": []}


def make_plans(arguments, settings, scale_name, document):
    """The scenarios to run. One whose folder is missing or whose tools are is named in the notes,
    at once, so that nobody waits for it."""
    chosen = list(filter(None, arguments.proxies.split(",")))
    if arguments.smoke and not chosen:
        chosen = ["direct", "onehop"]
    plans, proxies = [], Proxies(None, settings)
    for name in arguments.names or scenario_runner.NAMES:
        try:
            one = scenario_runner.plan(name, scale_name, chosen, proxies, document["notes"])
        except BenchError as error:
            document["notes"].append(f"{name} is skipped: {error}")
            continue
        if one:
            plans.append(one)
            used = {{**routes.PROGRAMS, **PROGRAMS}.get(proxy, proxy) for proxy in one.proxies
                    if proxy not in ("direct", "onehop")}
            for tool in sorted(used.union(one.module.TOOLS) - document["versions"].keys()):
                document["versions"][tool] = tools.version(tool)
    for note in document["notes"]:
        print(f"scenarios: {note}", flush=True)
    return plans


def scaled_down(module, scale_name):
    """How `scale_name` differs from the full load, as phrases."""
    full, ours = module.SCALE["full"], module.SCALE.get(scale_name) or module.SCALE["short"]
    phrases = []
    for key, value in full.items():
        if ours.get(key) == value:
            continue
        if key == "steps":
            for inner in value[0]:
                lists = [", ".join(figure(step.get(inner)) for step in steps)
                         for steps in (value, ours.get("steps", []))]
                if lists[0] != lists[1]:
                    phrases.append(f"{inner} {lists[1]} instead of {lists[0]}")
        else:
            part = (f" (1/{value / ours[key]:.3g})" if isinstance(value, (int, float))
                    and isinstance(ours.get(key), (int, float)) and ours[key] else "")
            phrases.append(f"{key.replace('_', ' ')} {figure(ours.get(key))} instead of "
                           f"{figure(value)}{part}")
    return phrases


def announce(plans, scale_name, progress):
    for one in plans:
        for step in one.steps:
            progress.plan(len(one.proxies), one.seconds(step))
        if scale_name == "full":
            continue
        phrases = scaled_down(one.module, scale_name)
        print(f"{one.name} is scaled down: {'; '.join(phrases) or 'not at all'}", flush=True)
    print(f"{sum(len(one.steps) * len(one.proxies) for one in plans)} runs, about "
          f"{duration(progress.planned_s)}", flush=True)


def portable(text, supervisor):
    """The same command or configuration without the places of this machine."""
    return (text.replace(supervisor.directory, "TMP").replace(ROOT + os.sep, "")
            .replace(tools.cache(), "CACHE"))


def sections_of(plan, result, scale_name):
    """The report of one scenario: its own sections between how it was run and how it did."""
    phrases = scaled_down(plan.module, scale_name) if scale_name != "full" else []
    text = [plan.module.TITLE + "."]
    if phrases:
        text.append(f"Scaled down: {'; '.join(phrases)}.")
    sections = [layout.Section(plan.name, text, [plan.module.REPORT])]
    if result["records"]:
        sections += plan.module.sections(result["records"])
    sections.append(thresholds(result, getattr(plan.module, "JUDGED", None),
                               getattr(plan.module, "SHOWN_AS", {})))
    if result["problems"]:
        listed = "\n".join("- " + problem.replace("\n", " ") for problem in result["problems"])
        sections.append(layout.Section("Problems", [listed]))
    for section in sections[1:]:
        section.title = f"{plan.name}: {section.title}"
    return sections


def thresholds(result, judged, shown_as):
    """How every run stands to every bar, and what was missed. `judged` says what the scenario
    judges, where that is not every proxy by every threshold; `shown_as` what it calls proxies."""
    tables = []
    steps = [step for number, step in enumerate(record["step"] for record in result["records"])
             if step not in [one["step"] for one in result["records"][:number]]]
    for step in steps:
        records = [record for record in result["records"] if record["step"] == step]
        cells = {(record["proxy"], one["name"]): one for record in records
                 for one in record["bars"]}
        wanted = {one["name"]: one["wanted"] for one in cells.values()}
        title = ", ".join(f"{key} {figure(value)}" for key, value in step.items())
        names = [record["proxy"] for record in records]
        titles = [shown_as.get(name, name) for name in names]
        tables.append(layout.Table(title, ["bar", "wanted", *titles], [
            [bar, limit, *(_stands(cells.get((name, bar))) for name in names)]
            for bar, limit in wanted.items()]))
    rows = [[one["run"], one["sentence"]] for one in result["violations"]]
    if rows:
        tables.append(layout.Table("These runs missed thresholds; no other did",
                                   ["run", "what was missed"], rows))
    text = ([judged] if judged else []) + (
        [] if rows else ["No threshold of this scenario was missed."])
    return layout.Section("Thresholds", text, tables)


def _stands(bar):
    if bar is None:
        return None
    verdict = "" if bar["reached"] else ", MISSED" if bar["judged"] else ", not judged"
    return layout.number(bar["measured"]) + verdict


def introduction(document):
    hardware = document["machine"]
    lines = [f"{document['date']}, {hardware['cpu']}, {hardware['cores']} cores, "
             f"{hardware['memory_mib']:,} MiB, kernel {hardware['kernel']}, {hardware['system']}; "
             "load tool, proxy and replicas share the cores, and nothing is pinned."]
    lines.append(", ".join(f"{name}: {text}" for name, text in document["versions"].items()
                           if text) + ".")
    if document["notes"]:
        lines.append("\n".join("- " + note for note in document["notes"]))
    return lines


def run_all(plans, settings, document):
    """Each scenario in turn into the document; returns the sections of the report."""
    scale_name = document["options"]["scale"]
    progress, sections = Progress(), []
    announce(plans, scale_name, progress)
    for one in plans:
        result = scenario_runner.run(one, scale_name != "full", settings, progress, portable)
        document["problems"] += result["problems"]
        document["notes"] += result["notes"]
        sections += sections_of(one, result, scale_name)
        take(result, document)
        document["special"]["scaled_down"][one.name] = (
            [] if scale_name == "full" else scaled_down(one.module, scale_name))
    return sections


def take(result, document):
    """Puts a scenario into the document: its runs and bars among those of all scenarios, what is
    left of it, such as the configurations, under its name."""
    for record in result.pop("records"):
        run = {"scenario": result["name"], **record}
        where = {key: run[key] for key in ("scenario", "proxy", "step")}
        words = [run["scenario"], *(f"{key} {figure(value)}" for key, value in
                                    run["step"].items()), run["proxy"]]
        document["bars"] += [{**one, "name": f"{', '.join(words)}: {one['name']}", **where}
                             for one in run.pop("bars")]
        document["runs"].append(run)
    document["scenarios"].append(result)


def add_machine_note(document):
    """Figures of a machine that others use, too, must say so."""
    worst = max((run["others_cores"] for run in document["runs"]), default=0)
    if worst > OTHERS_CORES:
        document["notes"].append(
            f"something else used up to {worst:.1f} of the {document['machine']['cores']} cores "
            "during the runs (the kernel's own work for packets is part of this)")


def write(arguments, document, sections):
    """The report on the console and, unless it is a smoke test, into files. The supervisors are
    gone: SIGTERM still has to leave in order, so that no file is half-written."""
    signal.signal(signal.SIGTERM, leave)
    intro = introduction(document)
    title = f"onehop: {document['name']}"
    head = layout.Section("How it was measured", intro)
    document["report"] = layout.to_json([head, *sections])
    text = layout.markdown(title, [head, *sections])
    if not arguments.smoke:
        print("\n" + text)
    if arguments.markdown:
        results.write_atomically(arguments.markdown, text)
    if arguments.smoke and not arguments.json:
        results.validate(document)
        return
    path = place_of_results(arguments, document["date"])
    page = results.save(path, document, html.render(title, intro, sections))
    print(f"raw results: {path}\nreport: {page}")


def place_of_results(arguments, date):
    return arguments.json or os.path.join(
        HERE, "results", f"{date[:16].replace(':', '')}-{arguments.name}.json")


def check_places(arguments):
    """Whether results can be written is asked before the load and not after it."""
    for path in (place_of_results(arguments, ""), arguments.markdown):
        if not path:
            continue
        try:
            if os.path.isdir(path):
                raise IsADirectoryError("it is a folder")
            results.write_atomically(path + ".new", "")
            os.unlink(path + ".new")
        except OSError as error:
            raise BenchError(f"{path} cannot be written: {error.strerror or error}") from None


def exit_status(arguments, document):
    missed = [one for result in document["scenarios"] for one in result["violations"]
              if one["proxy"] == "onehop"]
    for problem in document["problems"]:
        print(f"scenarios: {problem}", file=sys.stderr)
    return 1 if document["problems"] or (arguments.strict and missed) else 0


def bench(arguments):
    scale_name = "smoke" if arguments.smoke else "short" if arguments.short else "full"
    descriptors = machine.raise_descriptor_limit()
    settings = argparse.Namespace(
        onehop=arguments.onehop, origin=arguments.origin, against=None, onehop_args="",
        against_args="", admin=True, descriptors=descriptors,
        proxy_connections=min(20000, descriptors - 500))
    document = new_document(arguments, scale_name, descriptors)
    plans = make_plans(arguments, settings, scale_name, document)
    if not plans:
        print("scenarios: nothing can be run here", file=sys.stderr)
        return SKIPPED if arguments.smoke else 1
    sections = run_all(plans, settings, document)
    add_machine_note(document)
    write(arguments, document, sections)
    if arguments.smoke:
        print(f"smoke: {len(document['runs'])} runs, {len(document['problems'])} problems")
    left_out = sum("is skipped" in note for note in document["notes"])
    if arguments.smoke and left_out and not document["problems"]:
        return SKIPPED  # a part that did not run has not passed
    return exit_status(arguments, document)


def asked(arguments):
    if arguments.list:
        show_list()
        return 0
    for program in (arguments.onehop, arguments.origin):
        if not os.access(program, os.X_OK):
            raise BenchError(f"there is no program {program}; ./dev build makes it")
    check_places(arguments)
    return bench(arguments)


def main():
    try:
        return asked(parse_arguments())
    except (BenchError, OSError) as error:
        print(f"scenarios: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nscenarios: interrupted; everything that was started is stopped, and no file is "
              "half-written", file=sys.stderr)
        return INTERRUPTED
    except SystemExit as end:
        if end.code == TERMINATED:  # how the supervisor takes SIGTERM
            print("scenarios: terminated; everything that was started is stopped, and no file is "
                  "half-written", file=sys.stderr)
        raise


if __name__ == "__main__":
    sys.exit(main())
