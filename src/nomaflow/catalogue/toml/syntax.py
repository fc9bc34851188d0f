"""What is wrong with a text that is not TOML: the line, and what was expected there."""

import re
import tomllib
from dataclasses import dataclass

_PLACE = re.compile(r"\s*\(at (?:line (\d+), column \d+|end of document)\)$")
_NAME = r"""(?:[\w-]+|"[^"\n]*"|'[^'\n]*')"""
_KEY = re.compile(rf"[ \t]*({_NAME}(?:[ \t]*\.[ \t]*{_NAME})*)[ \t]*(?:=|(?<=[\w-])[ \t]+\S)")
_STATEMENT = re.compile(rf"{_KEY.pattern}|[ \t]*\[\[?[ \t]*{_NAME}[^,]*\]?[ \t]*(?:#.*)?$")
_TEXT_BLOCK = re.compile(r'"""|\'\'\'')

_MOST_LINES_LOOKED_BACK = 20
_OPEN_LIST = "the list is not closed: expected ',' or ']'"
_EXPECTED = (
    ("Invalid value", "expected a value: text in quotes, a number, true, false, […] or {…}"),
    (r"Illegal character '\\[nr]'", "the text is not closed: expected a quote on the same line"),
    ("Unterminated string|Expected [\"'][\"']{3}", "the text is not closed: expected quotes"),
    ("Illegal character|Found invalid character", "a control character is not allowed here"),
    ("Expected '='", "expected 'key = value'"),
    ("Invalid initial character|Invalid statement", "expected 'key = value' or a [table] header"),
    ("Expected newline or end of document", "expected the end of the line after the value"),
    (r"Expected '\]+' at the end", "the header is not closed: expected ']' ('[[jobs]]' has two)"),
    ("Unclosed array", _OPEN_LIST),
    ("Unclosed inline table", "the table is not closed: expected ',' or '}' on the same line"),
    ("Cannot overwrite|Duplicate inline|Cannot mutate|Cannot redefine", "expected each key once"),
    ("Cannot declare", "this table is already there: expected each table once"),
    ("Unescaped|Invalid hex|Escaped character", r"expected '\\' for a backslash, or single quotes"),
    ("Invalid date", "expected a date that exists"),
)


@dataclass(frozen=True)
class SyntaxProblem:
    """Where a text stops being TOML. `key` is the key on that line, if there is one."""

    line: int
    message: str
    key: str | None = None


def syntax_problem(text: str) -> SyntaxProblem | None:
    """What the TOML parser stumbles over first; None when the text is well formed."""
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return _in_words(error, text)
    except RecursionError:
        return SyntaxProblem(1, "lists or tables are nested too deeply")
    return None


def is_toml(text: str) -> bool:
    """Whether the text is well formed."""
    try:
        tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        return False
    return True


def _in_words(error: tomllib.TOMLDecodeError, text: str) -> SyntaxProblem:
    """The parser's complaint as a line and an expectation, without quoting the text.

    A value that runs on into the next statement, because it is not closed, is named where it
    begins.
    """
    complaint, lines = str(error), text.split("\n")
    place = _PLACE.search(complaint)
    at_line = place is not None and place[1] is not None
    stumbled = int(place[1]) if place and at_line else _last_line(lines)
    began = _beginning(lines, stumbled)
    if began < stumbled and (not at_line or _begins_statement(lines[stumbled - 1])):
        expected = _expected(complaint) if _TEXT_BLOCK.search(lines[began - 1]) else _OPEN_LIST
        return _problem(began, expected, lines[began - 1])
    return _problem(stumbled, _expected(complaint), lines[began - 1])


def _problem(line: int, expected: str, statement: str) -> SyntaxProblem:
    key = _KEY.match(statement)
    return SyntaxProblem(line, f"not valid TOML: {expected}", key[1] if key else None)


def _beginning(lines: list[str], stumbled: int) -> int:
    """The line where the statement begins that the parser stumbles over.

    It is the nearest above which everything is well formed.
    """
    candidates = [n for n in range(stumbled, 0, -1) if _begins_statement(lines[n - 1])]
    for line in candidates[:_MOST_LINES_LOOKED_BACK]:
        if is_toml("\n".join(lines[: line - 1])):
            return line
    return _open_text(lines) or stumbled


def _begins_statement(line: str) -> bool:
    return _STATEMENT.match(line) is not None


def _open_text(lines: list[str]) -> int | None:
    """The line of the last text block that is opened and not closed, if there is one."""
    opened = [n for n, line in enumerate(lines, 1) for _ in _TEXT_BLOCK.finditer(line)]
    return opened[-1] if len(opened) % 2 else None


def _expected(complaint: str) -> str:
    found = (words for pattern, words in _EXPECTED if re.match(pattern, complaint))
    return next(found, _PLACE.sub("", complaint))


def _last_line(lines: list[str]) -> int:
    filled = (n for n in range(len(lines), 0, -1) if lines[n - 1].strip())
    return next(filled, 1)
