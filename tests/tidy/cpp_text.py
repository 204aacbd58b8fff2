# SPDX-License-Identifier: MIT
"""Reads C++ as far as style rules need it: what is code, and where functions begin and end.

It is a scanner, not a parser. Comments and literals are blanked, preprocessor lines dropped, and
each opening brace is classified by the text since the last `;`, `{` or `}`: a scope (namespace,
class, extern "C"), a function, or an initialiser. What is inside a function belongs to it, lambdas
and local classes included; a lambda in an initialiser is a function of its own.
"""

import re

_TOKEN = re.compile(
    r'//[^\n]*|/\*.*?\*/'                                   # comments
    r'|R"([^()\\\s]{0,16})\(.*?\)\1"'                       # raw strings
    r'|"(?:\\.|[^"\\\n])*"'                                 # strings
    r"|(?<![0-9A-Za-z_])(?:u8|[uUL])?'(?:\\.|[^'\\\n])+'",  # characters, not digit separators
    re.DOTALL)
_DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", re.MULTILINE)

_ACCESS = re.compile(r"\b(public|private|protected)\s*:(?!:)")
_ATTRIBUTE = re.compile(r"\[\[.*?\]\]|\balignas\s*\([^()]*\)", re.DOTALL)
_SCOPE = re.compile(
    r'^(inline\s+)?namespace\b|^extern\s+""$|'
    r"^(typedef\s+|static\s+|constexpr\s+|inline\s+|const\s+)*(class|struct|union|enum)\b[^()=]*$")
_OPERATOR = re.compile(r"\boperator\s*(\(\s*\)|\[\s*\]|[^\s\w(]+)")
_ASSIGNMENT = re.compile(r"(?<![=!<>+\-*/|&^%])=(?!=)")
_MEMBER_LIST = re.compile(r"\)\s*(noexcept\s*(\([^()]*\))?\s*)?(:(?!:)|:.*[,])", re.DOTALL)
_LAMBDA = re.compile(
    r"(?<![\w\]>])\[[^\[\]]*\]\s*"                  # captures, not an array's index
    r"(\([^()]*(\([^()]*\)[^()]*)*\)\s*)?"          # parameters
    r"(mutable\s*|noexcept\s*)*(->[^{};,]*)?$")


def _blank(match):
    """Keeps the length and the line breaks, and the quotes of a literal, so that it stays one."""
    text = match.group(0)
    if text.startswith("/"):
        return re.sub(r"[^\n]", " ", text)
    quote = text[-1]
    inner = re.sub(r"[^\n]", " ", text[1:-1])
    return quote + inner + quote


def strip(text):
    """The text with comments and the contents of literals replaced by spaces."""
    return _TOKEN.sub(_blank, text)


def code_lines(text):
    """The lines of strip(), numbered as those of the file."""
    return strip(text).split("\n")


def _without_directives(text):
    """Drops preprocessor lines, and of #if ... #else all but the first branch: braces balance."""
    kept = []
    skipping = []  # one entry per open #if: whether its current branch is dropped
    position = 0
    for match in _DIRECTIVE.finditer(text):
        kept.append((text[position:match.start()], any(skipping)))
        word = re.match(r"\s*#\s*(\w*)", match.group(0)).group(1)
        if word in ("if", "ifdef", "ifndef"):
            skipping.append(False)
        elif word in ("else", "elif") and skipping:
            skipping[-1] = True
        elif word == "endif" and skipping:
            skipping.pop()
        kept.append((match.group(0), True))
        position = match.end()
    kept.append((text[position:], any(skipping)))
    return "".join(re.sub(r"[^\n]", " ", part) if drop else part for part, drop in kept)


def _without_template_heads(head):
    """Removes `template <...>` prefixes, whose angle brackets may hold `=` and `class`."""
    while True:
        found = re.search(r"\btemplate\s*<", head)
        if not found:
            return head
        depth, end = 1, found.end()
        while end < len(head) and depth:
            depth += {"<": 1, ">": -1}.get(head[end], 0)
            end += 1
        head = head[:found.start()] + head[end:]


def _outside_parentheses(head):
    depth, kept = 0, []
    for char in head:
        if char in ")]":
            depth -= 1
        if depth == 0:
            kept.append(char)
        if char in "([":
            depth += 1
    return "".join(kept)


def classify(head, inside):
    """What a brace after `head` opens, inside a scope, an initialiser or a function."""
    head = _ATTRIBUTE.sub(" ", _ACCESS.sub(" ", head)).strip()
    head = _without_template_heads(head).strip()
    if inside == "function":
        return "block"
    if _LAMBDA.search(head) and "operator" not in head:
        return "function"
    if inside == "initialiser" or head.count("(") > head.count(")"):
        return "initialiser"  # the second: of a default argument
    if _SCOPE.search(re.sub(r'"\s*C?\s*"', '""', head)):
        return "scope"
    plain = _outside_parentheses(_OPERATOR.sub("operator", head))
    if "(" not in plain or _ASSIGNMENT.search(plain):
        return "initialiser"
    if _MEMBER_LIST.search(plain) and re.search(r"[\w>]$", head):
        return "initialiser"  # of a member, before the body of a constructor
    return "function"


def _name(head):
    found = re.search(r"([~\w:]+|operator\s*\S+?)\s*\(", _ATTRIBUTE.sub(" ", head))
    return found.group(1) if found else "a lambda"


def functions(text):
    """(name, first line, last line) of each function; the lines are those of its braces."""
    text = _without_directives(strip(text))
    found, stack, head, line = [], [], "", 1
    for char in text:
        if char == "\n":
            line += 1
        if char == "{":
            kind = classify(head, stack[-1][0] if stack else "scope")
            inside_function = kind in ("function", "block")
            stack.append(("function" if inside_function else kind, kind, head, line))
            head = ""
        elif char == "}":
            if not stack:
                return found
            _, kind, opener, first = stack.pop()
            if kind == "function":
                found.append((_name(opener), first, line))
            # After an initialiser the declaration goes on: `a_{1}, b_{2} {`.
            head = opener + "()" if kind == "initialiser" else ""
        elif char == ";":
            head = ""
        else:
            head += char
    return found
