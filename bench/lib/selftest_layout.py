#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Shows that a report says what was measured, whatever the figures are, and that a results file has
what the schema names.

The one idea: pages and pictures are parsed and looked into, never compared with a stored copy, so
that a change of looks breaks nothing here and a lost figure does.
"""
import json
import math
import os
import re
import sys
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree

# bench/ instead of bench/lib/, where html.py would hide the one of Python.
sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
import html.parser as html_parser  # noqa: E402
from lib import bars, html, layout, plotting, results, svg  # noqa: E402
from lib.layout import Plot, Section, Series, Table  # noqa: E402
from lib.processes import BenchError  # noqa: E402

NASTY = "<script>alert('x')</script> & \"quotes\" | pipe \x00\x1b ]]> é 中"
VOID = {"meta", "link", "br", "img", "hr", "input"}
SVG = "{http://www.w3.org/2000/svg}"


def stacked():
    return Plot("CPU", "stacked", "us", ["onehop", "nginx", "haproxy"],
                [Series("user", [2.5, 4.0, None]), Series("system", [6.0, None, None])])


def lines(values, log=False):
    return Plot("over time", "lines", "requests/s", x=[float(x) for x in range(len(values))],
                series=[Series("onehop", values)], log=log)


def report():
    table = Table("Latency", ["proxy", "p50", "which"],
                  [["onehop", 12.25, "reads and writes, and little else of any note"],
                   ["nginx", None, "-"]], "A note.")
    return [Section("Loads", ["Text with `code`.", "- one\n- two", "    ./dev bench"], [table],
                    [stacked(), lines([1.0, None, 3.0])]),
            Section("Empty"), Section(NASTY, [NASTY], [Table(NASTY, [NASTY], [[NASTY]], NASTY)],
                                      [Plot(NASTY, "bars", NASTY, [NASTY],
                                            [Series(NASTY, [1])], note=NASTY)])]


class Tree(html_parser.HTMLParser):
    """Fails on tags that do not nest; keeps the tags and attributes seen, and the text."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.attributes, self.words = [], [], [], []
        self.feed(text)
        self.close()
        if self.open:
            raise AssertionError(f"never closed: {self.open}")

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            raise AssertionError(f"</{tag}> closes another element")

    def handle_data(self, data):
        self.words.append(data)


def drawn(plot, **sizes):
    return ElementTree.fromstring(svg.draw(plot, **sizes))


def texts(tree):
    return [element.text for element in tree.iter(SVG + "text")]


def numbers(tree):
    """Every number that places something, to see that all of them can be drawn."""
    for element in tree.iter():
        for name in ("x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "width", "height", "d"):
            value = element.get(name, "")
            if re.search("nan|inf", value):
                raise AssertionError(f"{name}={value}")
            for found in re.findall(r"-?\d+\.?\d*", value):
                yield name, float(found)


class JsonTest(unittest.TestCase):
    def test_sections_come_back_from_json_as_they_went(self):
        sections = report()
        self.assertEqual(layout.from_json(json.loads(json.dumps(layout.to_json(sections)))),
                         sections)

    def test_what_is_not_a_number_becomes_a_missing_value(self):
        data = layout.to_json([Section("s", plots=[lines([math.nan, math.inf, 1.0])])])
        text = json.dumps(data, allow_nan=False)
        self.assertEqual(json.loads(text)[0]["plots"][0]["series"][0]["values"], [None, None, 1.0])

    def test_series_and_rows_of_a_wrong_length_are_refused(self):
        with self.assertRaisesRegex(ValueError, "2 values for 1 places"):
            Plot("p", "bars", "us", ["one"], [Series("s", [1, 2])])
        with self.assertRaisesRegex(ValueError, "a row of 1 cells under 2 columns"):
            Table("t", ["a", "b"], [["x"]])
        with self.assertRaisesRegex(ValueError, "'pie' is none of"):
            Plot("p", "pie", "us")


class MarkdownTest(unittest.TestCase):
    def test_columns_are_padded_and_figures_aligned_right(self):
        text = layout.markdown("T", [Section("S", [], [Table("t", ["proxy", "calls"], [
            ["onehop", 4.02], ["nginx as installed", None], ["haproxy", 1234.5]])])])
        rows = [line for line in text.split("\n") if line.startswith("|")]
        self.assertEqual(len({len(row) for row in rows}), 1)
        self.assertEqual(rows[1], "|--------------------|---------:|")
        self.assertEqual(rows[2:], ["| onehop             |     4.02 |",
                                    "| nginx as installed |        – |",
                                    "| haproxy            | 1,234.50 |"])

    def test_pipes_and_tags_of_a_cell_stay_text(self):
        text = layout.markdown("T", [Section("S", [], [Table("", ["a"], [["x|<b>\ny"]])])])
        self.assertIn("| x\\|&lt;b> y |", text)

    def test_plots_show_their_figures_where_no_table_does(self):
        text = layout.markdown("T", [Section("S", plots=[stacked(), lines([1.0, None, 4.0])])])
        self.assertRegex(text, r"\| nginx +\| +4\.00 +\| +– +\|")
        self.assertRegex(text, r"\| onehop +\| +1\.00 +\| +2\.50 +\| +4\.00 +\|")
        with_table = Section("S", [], [Table("t", ["a"], [["b"]])], [stacked()])
        self.assertNotIn("nginx", layout.markdown("T", [with_table]))


class TextTest(unittest.TestCase):
    def test_onehop_is_known_by_its_name_and_not_by_what_begins_like_it(self):
        for name in ("onehop", "onehop-2w", "onehop (4 workers)", "onehop @abc"):
            self.assertTrue(layout.is_subject(name), name)
        for name in ("onehop / nginx", "nginx", "onehops", "onehop's own p99"):
            self.assertFalse(layout.is_subject(name), name)

    def test_figures_keep_three_digits_and_need_no_more(self):
        expected = {0: "0", 5: "5", 12.345: "12.3", 0.0123: "0.0123", 1234.4: "1,234",
                    True: "–", math.nan: "–", 10**20: "1e+20"}
        for value, text in expected.items():
            self.assertEqual(layout.number(value), text)


class SvgTest(unittest.TestCase):
    def test_every_kind_is_well_formed_and_says_what_it_is(self):
        for plot in (stacked(), lines([1.0, 2.0]), Plot("b", "bars", "us", ["a"],
                                                        [Series("s", [3])])):
            tree = drawn(plot)
            self.assertEqual(tree.get("role"), "img")
            self.assertEqual(tree[0].tag, SVG + "title")
            self.assertEqual(tree[0].text, f"{plot.title} ({plot.unit})")
            self.assertIn("prefers-color-scheme:dark", tree.find(SVG + "style").text)
            self.assertGreater(len(list(numbers(tree))), 10)

    def test_markup_in_names_stays_text(self):
        for kind in layout.KINDS:
            places = {"x": [1.0]} if kind == "lines" else {"labels": [NASTY]}
            tree = drawn(Plot(NASTY, kind, NASTY, series=[Series(NASTY, [1])], note=NASTY,
                              **places))
            self.assertEqual([one for one in tree.iter() if one.tag == SVG + "script"], [])
            self.assertIn("<script>", tree[0].text)

    def test_a_missing_bar_is_a_gap_with_a_word_and_zero_is_a_figure(self):
        tree = drawn(Plot("p", "bars", "us", ["a", "b", "c"], [Series("s", [0, None, 7])]))
        self.assertEqual(texts(tree).count("not measured"), 1)
        told = [title.text for title in tree.iter(SVG + "title")]
        self.assertEqual(told[1:], ["a, s: 0 us", "c, s: 7 us"])

    def test_a_stack_with_a_missing_part_says_so(self):
        found = texts(drawn(stacked()))
        self.assertIn("8.50", found)
        self.assertIn("4.00 without system", found)
        self.assertIn("not measured", found)

    def test_a_line_is_broken_where_a_value_is_missing(self):
        def paths(values):
            tree = drawn(lines(values))
            return len([1 for path in tree.iter(SVG + "path") if "oh-l" in path.get("class")])
        self.assertEqual(paths([1.0, 2.0, 3.0, 4.0]), 1)
        self.assertEqual(paths([1.0, 2.0, None, 3.0, 4.0]), 2)
        self.assertEqual(paths([None, 2.0, None]), 0)
        self.assertEqual(len(list(drawn(lines([None, 2.0, None])).iter(SVG + "circle"))), 1)

    def test_a_logarithmic_axis_gives_each_decade_the_same_room(self):
        scale = plotting.scale_of([1, 10, 100, 1000], log=True)
        steps = [scale.at(10 ** (power + 1)) - scale.at(10 ** power) for power in range(3)]
        self.assertAlmostEqual(steps[0], steps[1])
        self.assertAlmostEqual(steps[1], steps[2])
        self.assertGreater(scale.at(1), 0)
        self.assertEqual(scale.at(0), scale.at(scale.low))
        self.assertIn("us, logarithmic axis", texts(drawn(Plot(
            "p", "bars", "us", ["a"], [Series("s", [3])], log=True))))

    def test_ticks_are_round_and_hold_all_values(self):
        for values in ([3.7], [0.00021, 0.0007], [97_000, 3], [1.5, 1e9], [-4, 9]):
            scale = plotting.scale_of(values)
            self.assertLessEqual(scale.low, min(values))
            self.assertGreaterEqual(scale.high, max(values))
            self.assertTrue(3 <= len(scale.ticks) <= 9, scale.ticks)
            step = scale.ticks[1] - scale.ticks[0]
            digits = float(f"{step / 10 ** math.floor(math.log10(step) + 1e-9):.6g}")
            self.assertIn(digits, (1, 2, 2.5, 5))

    def test_any_figures_can_be_drawn(self):
        hard = ([], [0], [0, 0], [None], [1e308, 1.7e308, 1], [5e-324, 1e-310], [math.nan, 1.0],
                [-5, 5], [-1e308, 1e308], [10**400, 1], [1e-9, 1e9], [123456789.25])
        for values in hard:
            for kind in layout.KINDS:
                for log in (False, True):
                    count = len(values)
                    places = ({"x": list(range(count))} if kind == "lines" else
                              {"labels": [f"label {index}" for index in range(count)]})
                    plot = Plot("p", kind, "us", log=log, series=[Series("a", list(values)),
                                                                  Series("b", list(values))],
                                **places)
                    with self.subTest(values=values, kind=kind, log=log):
                        for name, value in numbers(drawn(plot)):
                            self.assertLess(abs(value), 3000, name)

    def test_a_plot_without_series_or_values_says_that_nothing_was_measured(self):
        for plot in (Plot("p", "bars", "us"), Plot("p", "lines", "us"), lines([None, None])):
            self.assertIn("Nothing was measured.", texts(drawn(plot)))

    def test_a_picture_has_the_size_that_was_asked_for(self):
        tree = drawn(stacked(), width=500, height=400)
        self.assertEqual((tree.get("width"), tree.get("height")), ("500", "400"))


class HtmlTest(unittest.TestCase):
    def setUp(self):
        self.page = html.render("A title & more", ["Intro with `code`."], report())
        self.tree = Tree(self.page)

    def test_markup_in_titles_and_cells_stays_text(self):
        self.assertNotIn("script", self.tree.tags)
        self.assertNotIn("\x00", self.page)
        self.assertIn("alert('x')", "".join(self.tree.words))

    def test_the_contents_lead_to_every_section(self):
        ids = [value for name, value in self.tree.attributes if name == "id"]
        links = [value for name, value in self.tree.attributes if name == "href"]
        self.assertEqual(len(links), 3)
        self.assertEqual(len(set(ids)), len(ids))
        for link in links:
            self.assertIn(link.removeprefix("#"), ids)

    def test_the_page_asks_nobody_for_anything(self):
        self.assertEqual(set(re.findall(r"\w+://[^\s\"'<>]+", self.page)),
                         {"http://www.w3.org/2000/svg"})  # the name of a namespace, not an address
        for tag in ("script", "link", "img", "iframe", "object"):
            self.assertNotIn(tag, self.tree.tags)
        self.assertIsNone(re.search(r"url\(|@import", self.page))

    def test_plots_are_pictures_with_their_figures_beside_them(self):
        self.assertEqual(self.tree.tags.count("svg"), 3)
        self.assertEqual(self.tree.tags.count("details"), 3)
        self.assertIn(("role", "img"), self.tree.attributes)
        self.assertIn(("class", "subject"), self.tree.attributes)


class Results(unittest.TestCase):
    def document(self, **changes):
        made = {key: kind() for key, kind in results.KEYS.items()}
        bar = {"name": "a bar", "measured": None, "wanted": 0.7, "reached": None}
        return {**made, "schema": results.SCHEMA, "runs": [{"proxy": "onehop", "load": "l"},
                {"proxy": "nginx", "scenario": "s"}], "bars": [bar], **changes}

    def test_what_both_benches_write_is_of_the_schema(self):
        results.validate(self.document())
        runs = [{"load": "keepalive", "proxy": proxy, "round": 1, "cpu_us": cpu}
                for proxy, cpu in (("onehop", 1.0), ("nginx", 2.0))]
        measured = bars.bar_rows(runs, {})
        self.assertEqual([row["reached"] for row in measured[:2]], [True, None])
        results.validate(self.document(bars=measured, more="than is asked for"))

    def test_all_that_is_not_of_the_schema_is_named(self):
        def said(document):
            with self.assertRaises(BenchError) as caught:
                results.validate(document)
            return str(caught.exception)

        lacking = self.document(special=[])
        del lacking["notes"]
        self.assertIn("`special` is list, not dict; `notes` is missing", said(lacking))
        self.assertIn("`schema` is 2", said(self.document(schema=2)))
        self.assertIn("`runs[1]` names no proxy; `runs[1]` names neither",
                      said(self.document(runs=[{"proxy": "a", "load": "b"}, {"load": 3}])))
        self.assertIn("`bars[0].reached` is str",
                      said(self.document(bars=[{"name": "", "measured": 1, "wanted": 2,
                                                "reached": "yes"}])))
        self.assertIn("`bars[0]` has no `wanted`",
                      said(self.document(bars=[{"name": "", "measured": 1, "reached": True}])))

    def test_results_that_are_not_of_the_schema_are_kept_and_told_of(self):
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "r.json")
            self.assertEqual(results.save(path, self.document(), "page"), path[:-4] + "html")
            with self.assertRaisesRegex(BenchError, "`runs` is str"):
                results.save(path, self.document(runs="none"), "page")
            self.assertEqual(sorted(os.listdir(directory)), ["r.html", "r.json"])


if __name__ == "__main__":
    unittest.main()
