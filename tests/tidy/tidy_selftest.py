#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Shows every rule of tidy.py what it forbids, and what it must let pass."""

import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from cpp_text import functions, strip  # noqa: E402
from tidy import check_tree  # noqa: E402

SPDX = "// SPDX-License-Identifier: MIT\n"
HEADER = SPDX + "#pragma once\n"


def rules(**files):
    """The rules that fire on a tree of these files; `__` in a name stands for `/`."""
    return [breach.rule for breach in breaches({k.replace("__", "/"): v for k, v in files.items()})]


def breaches(files):
    with tempfile.TemporaryDirectory() as root:
        for path, text in files.items():
            place = os.path.join(root, path)
            os.makedirs(os.path.dirname(place), exist_ok=True)
            with open(place, "w", encoding="utf-8") as stream:
                stream.write(text)
        return check_tree(root)


def one(path, text):
    """The rules that fire on a tree of this single file."""
    return [breach.rule for breach in breaches({path: text})]


def body(lines):
    return "int f() {\n" + "  g();\n" * (lines - 2) + "}\n"


class TextRules(unittest.TestCase):
    def test_an_empty_tree_proves_nothing(self):
        self.assertEqual([breach.rule for breach in breaches({})], ["empty"])

    def test_a_clean_file_passes(self):
        self.assertEqual(one("src/base/a.cc", SPDX + "int x;\n"), [])

    def test_the_licence_comes_first(self):
        self.assertEqual(one("src/base/a.cc", "int x;\n" + SPDX), ["spdx"])
        script = "#!/usr/bin/env python3\n# SPDX-License-Identifier: MIT\n"
        self.assertEqual(one("bench/a.py", script), [])

    def test_a_file_has_an_end(self):
        self.assertEqual(one("src/base/a.cc", SPDX + "int x;\n" * 399), [])
        self.assertEqual(one("src/base/a.cc", SPDX + "int x;\n" * 400), ["file-length"])
        self.assertEqual(one("tests/unit/a.cc", SPDX + "int x;\n" * 599), [])
        self.assertEqual(one("tests/unit/a.cc", SPDX + "int x;\n" * 600), ["file-length"])

    def test_a_line_has_an_end(self):
        self.assertEqual(one("src/base/a.cc", SPDX + "x" * 100 + "\n"), [])
        self.assertEqual(one("src/base/a.cc", SPDX + "x" * 101 + "\n"), ["columns"])
        self.assertEqual(one("src/base/a.cc", SPDX + "// " + "\u00e9" * 97 + "\n"), [])

    def test_table_rows_and_addresses_may_be_long(self):
        row = '  COUNTER(open, "' + "x" * 100 + '")  \\\n'
        self.assertEqual(one("src/base/a.cc", SPDX + row), [])
        address = "// https://example.org/" + "x" * 90 + "\n"
        self.assertEqual(one("src/base/a.cc", SPDX + address), [])

    def test_tabs(self):
        self.assertEqual(one("src/base/a.cc", SPDX + "\tint x;\n"), ["tab"])

    def test_unfinished_things(self):
        for word in ("TODO", "FIXME", "XXX"):
            self.assertEqual(one("src/base/a.cc", SPDX + f"// {word}: later\n"), ["unfinished"])
        self.assertEqual(one("src/base/a.cc", SPDX + 'auto x = "/tmp/XXXXXX";\n'), [])

    def test_paths_of_one_machine(self):
        self.assertEqual(one("bench/a.py", "# SPDX-License-Identifier: MIT\nx = '/home/me/a'\n"),
                         ["build-path"])
        self.assertEqual(one("bench/a.py", "# SPDX-License-Identifier: MIT\nx = 'a/home/me'\n"), [])


class CppRules(unittest.TestCase):
    def test_a_header_is_read_once(self):
        self.assertEqual(one("include/onehop/base/a.h", SPDX + "int x();\n"), ["pragma-once"])
        self.assertEqual(one("include/onehop/base/a.h", HEADER + "int x();\n"), [])

    def test_a_function_has_an_end(self):
        self.assertEqual(one("src/base/a.cc", SPDX + body(70)), [])
        self.assertEqual(one("src/base/a.cc", SPDX + body(71)), ["function-length"])
        self.assertEqual(one("tests/unit/a.cc", SPDX + body(71)), ["function-length"])

    def test_tests_do_not_sleep(self):
        for call in ("std::this_thread::sleep_for(x);", "usleep(1);", "::sleep(1);"):
            self.assertEqual(one("tests/unit/a.cc", SPDX + call + "\n"), ["sleep"])
        self.assertEqual(one("tests/unit/a.cc", SPDX + "// usleep(1) would be wrong\n"), [])
        self.assertEqual(one("bench/a.cc", SPDX + "usleep(1);\n"), [])

    def test_no_exceptions_on_the_data_path(self):
        self.assertEqual(one("src/proxy/a.cc", SPDX + "throw 1;\n"), ["exception"])
        self.assertEqual(one("src/net/a.cc", SPDX + "try {} catch (...) {}\n"), ["exception"])
        self.assertEqual(one("src/config/a.cc", SPDX + "throw 1;\n"), [])
        self.assertEqual(one("src/net/a.cc", SPDX + 'auto x = "throw";\n'), [])

    def test_no_std_function_on_the_data_path(self):
        text = SPDX + "std::function<void()> f;\n"
        self.assertEqual(one("src/proxy/a.cc", text), ["std-function"])
        self.assertEqual(one("src/admin/a.cc", text), [])
        self.assertEqual(one("src/net/event_loop.cc", text), [])


class IncludeRules(unittest.TestCase):
    def test_each_library_has_its_room(self):
        for name, good, bad in (("uv.h", "net", "upstream"), ("openssl/ssl.h", "tls", "net"),
                                ("ares.h", "net", "upstream"),
                                ("llhttp.h", "http/h1", "http"),
                                ("toml++/toml.h", "config", "base"),
                                ("nghttp2/nghttp2.h", "http/h2", "http/h1")):
            text = SPDX + f"#include <{name}>\n"
            self.assertEqual(one(f"src/{good}/a.cc", text), [], name)
            self.assertEqual(one(f"src/{bad}/a.cc", text), ["library"], name)

    def test_catch2_has_one_door(self):
        text = HEADER + "#include <catch2/catch.hpp>\n"
        self.assertEqual(one("tests/unit/a.h", text), ["library"])
        self.assertEqual(one("tests/support/catch.h", text), [])

    def test_a_room_sees_the_rooms_to_its_left(self):
        left = '#include "onehop/base/b.h"\n'
        right = '#include "onehop/proxy/p.h"\n'
        doors = {"include__onehop__base__b.h": HEADER, "include__onehop__proxy__p.h": HEADER}
        doors["src__net__a.cc"] = SPDX + left
        self.assertEqual(rules(**doors), [])
        doors["src__net__a.cc"] = SPDX + right
        self.assertEqual(rules(**doors), ["rooms"])
        doors["src__net__a.cc"] = SPDX + "// " + right
        self.assertEqual(rules(**doors), [])
        doors["src__main.cc"] = SPDX + right
        self.assertEqual(rules(**doors), [])

    def test_private_headers_stay_private(self):
        private = {"src__base__b.h": HEADER}
        self.assertEqual(rules(**private, **{"src__base__a.cc": SPDX + '#include "b.h"\n'}), [])
        self.assertEqual(
            rules(**private, **{"src__net__a.cc": SPDX + '#include "base/b.h"\n'}), ["rooms"])
        self.assertEqual(
            rules(**private, **{"include__onehop__base__a.h": HEADER + '#include "base/b.h"\n'}),
            ["rooms"])
        self.assertEqual(
            rules(**private, **{"tests__unit__a.cc": SPDX + '#include "base/b.h"\n'}), [])

    def test_the_program_does_not_include_its_tests(self):
        self.assertEqual(rules(**{"tests__support__t.h": HEADER,
                                  "src__net__a.cc": SPDX + '#include "tests/support/t.h"\n'}),
                         ["rooms"])

    def test_folders_of_a_room_that_do_not_know_each_other(self):
        private = {"src__http__h2__b.h": HEADER}
        for path in ("src__http__h1__a.cc", "include__onehop__http__h1.h"):
            top = HEADER if path.endswith(".h") else SPDX
            self.assertIn("rooms", rules(**private, **{path: top + '#include "http/h2/b.h"\n'}))
        door = {"include__onehop__http__h2.h": HEADER}
        self.assertEqual(
            rules(**door, **{"src__http__h1__a.cc": SPDX + '#include "onehop/http/h2.h"\n'}),
            ["rooms"])
        self.assertEqual(
            rules(**door, **{"src__http__a.cc": SPDX + '#include "onehop/http/h2.h"\n'}), [])

    def test_unknown_rooms_and_unknown_headers(self):
        self.assertEqual(one("src/utils/a.cc", SPDX), ["rooms"])
        self.assertEqual(one("src/net/a.cc", SPDX + '#include "onehop/base/no.h"\n'), ["rooms"])

    def test_cycles(self):
        self.assertEqual(rules(**{"src__base__a.h": HEADER + '#include "b.h"\n',
                                  "src__base__b.h": HEADER + '#include "a.h"\n'}), ["cycle"])
        self.assertEqual(rules(**{"src__base__a.h": HEADER + '#include "b.h"\n',
                                  "src__base__b.h": HEADER,
                                  "src__base__c.h": HEADER + '#include "a.h"\n'}), [])


class EdgeCases(unittest.TestCase):
    DOCUMENT = ("| No. | Case | What onehop does | Test |\n|--:|---|---|---|\n"
                "| 7 | a `b` | c | {} |\n| 8 | a | b | - |\n| 9 | a | b | - |\n")

    def found(self, text, cell="-"):
        found = breaches({"docs/edge-cases.md": self.DOCUMENT.format(cell), "tests/unit/a.cc":
                          SPDX + text})
        return [(breach.file, breach.line, breach.rule) for breach in found]

    def test_a_number_that_is_cited_has_a_row(self):
        for text in ("// edge case 7\n", "// Edge cases 7, 8 and 9: 10 others\n",
                     "// (edge cases\n// 7 to 9).\n", "// edge\n// case 7\n", "# edge case 7\n",
                     "// edge cases 7, 8, and 9\n", "// edge case 7 is not 404\n"):
            self.assertEqual(self.found(text), [], text)
        for text in ("// edge case 6\n", "// edge cases 7 to 10\n", "// edge cases 8 and 77\n",
                     "// edge cases 7,\n// 8 and\n// 5\n", "// edge cases\n// 6 to 9\n"):
            self.assertEqual(self.found(text), [("tests/unit/a.cc", 2, "edge-case")], text)
        self.assertEqual(one("src/base/a.cc", SPDX + "// edge case 7\n"), ["edge-case"])

    def test_a_test_that_is_named_is_there(self):
        for text in ('TEST_CASE("seven is odd") {\n}\n',
                     'TEST_CASE(\n    "seven "\n    "is odd", "[slow]") {\n}\n',
                     'TEST_CASE_METHOD(a::Fixture, "seven is odd") {\n}\n',
                     'TEMPLATE_TEST_CASE("seven is odd", "", int, char) {\n}\n',
                     'TEMPLATE_LIST_TEST_CASE("seven is odd", "", Types) {\n}\n'):
            self.assertEqual(self.found(text, "`seven is odd`"), [], text)
        quoted = 'TEST_CASE("7: a \\"b\\" is none") {\n}\n'
        self.assertEqual(self.found(quoted, '`7: a "b" is none`'), [])
        for text in ("", 'TEST_CASE("seven is even") {\n}\n', 'f("seven is odd");\n',
                     'TEST_CASE("seven is odd, too") {\n}\n'):
            self.assertEqual(self.found(text, "`seven is odd`"),
                             [("docs/edge-cases.md", 3, "edge-case")], text)
        two = 'TEST_CASE("seven is odd") {\n}\n'
        self.assertEqual(len(self.found(two, "`seven is odd`, `nine is even`")), 1)

    def test_a_number_has_one_row(self):
        rows = "| 7 | a | b | - |\n| 7 | a | b | - |\n"
        self.assertEqual(rules(**{"docs__edge-cases.md": rows, "tests__unit__a.cc": SPDX}),
                         ["edge-case"])


class Scanner(unittest.TestCase):
    def found(self, text):
        return functions(text)

    def test_scopes_are_not_functions(self):
        text = ('namespace a::b {\nextern "C" {\nclass alignas(64) C final : public D {\n public:\n'
                "  enum class E : int { x };\n  void f() const {\n  }\n};\n}\n}\n")
        self.assertEqual(self.found(text), [("f", 6, 7)])

    def test_tables_are_not_functions(self):
        text = "constexpr Row kRows[] = {\n" + '  {"a", f(1), {1, 2}},\n' * 99 + "};\n"
        self.assertEqual(self.found(text), [])
        self.assertEqual(self.found("const Rows kRows{\n  {1, 2},\n};\n"), [])

    def test_a_lambda_inside_a_function_belongs_to_it(self):
        text = ("void f() {\n  auto g = [](int x) {\n    return x;\n  };\n"
                "  struct S { void h() {} };\n}\n")
        self.assertEqual(self.found(text), [("f", 1, 6)])

    def test_a_lambda_in_an_initialiser_is_a_function(self):
        self.assertEqual(self.found("const auto f = [](int x) {\n  return x;\n};\n"),
                         [("a lambda", 1, 3)])

    def test_constructors_with_member_lists(self):
        self.assertEqual(self.found("C::C(int a)\n    : a_{a}, b_(b), c_{1} {\n  g();\n}\n"),
                         [("C::C", 2, 4)])

    def test_operators_templates_and_trailing_types(self):
        self.assertEqual(self.found("C& operator=(C&& o) {\n}\n")[0][1:], (1, 2))
        self.assertEqual(self.found("bool C::operator()(int a) const {\n}\n")[0][1:], (1, 2))
        text = "template <class T = int>\nauto f(T a = {}) -> std::vector<T> {\n}\n"
        self.assertEqual(self.found(text), [("f", 2, 3)])

    def test_a_test_case_is_a_function(self):
        self.assertEqual(self.found('TEST_CASE("a {brace} in a name", "[tag]") {\n}\n'),
                         [("TEST_CASE", 1, 2)])

    def test_braces_in_literals_comments_and_dropped_branches_do_not_count(self):
        text = ('void f() {\n  a = "{"; b = \'{\'; c = R"(}{{)"; d = 1\'000;  // {\n  /* { */\n'
                "#if X\n  if (x) {\n#else\n  if (y) {\n#endif\n  }\n}\nvoid g() {\n}\n")
        self.assertEqual(self.found(text), [("f", 1, 10), ("g", 11, 12)])

    def test_stripping_keeps_the_lines(self):
        text = 'a /* x\ny */ "b\\"c" R"x(\n)x" // d\ne\n'
        self.assertEqual(strip(text).count("\n"), text.count("\n"))
        self.assertNotIn("y", strip(text))


if __name__ == "__main__":
    unittest.main()
