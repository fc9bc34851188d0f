"""What is wrong with a text that is not TOML: the line, and what was expected there."""

import re
import tomllib
from dataclasses import dataclass

_PLACE = re.compile(r"\s*\(at (?:line (\d+), column \d+|end of document)\)$")
_ASSIGNMENT = re.compile(r"""[ \t]*((?:[\w-]+|"[^"]*"|'[^']*')(?:[ \t]*\.[ \t]*[\w-]+)*)[ \t]*=""")
_TEXT_BLOCK = re.compile(r'"""|\'\'\'')

_EXPECTED = (
    ("Invalid value", "expected a value: text in quotes, a number, true, false, […] or {…}"),
    (r"Illegal character '\\[nr]'", "the text is not closed: expected a quote on the same line"),
    ("Unterminated string|Expected [\"'][\"']{3}", "the text is not closed: expected quotes"),
    ("Illegal character|Found invalid character", "a control character is not allowed here"),
    ("Expected '='", "expected 'key = value'"),
    ("Invalid initial character|Invalid statement", "expected 'key = value' or a [table] header"),
    ("Expected newline or end of document", "expected the end of the line after the value"),
    (r"Expected '\]+' at the end", "the header is not closed: expected ']' ('[[jobs]]' has two)"),
    ("Unclosed array", "the list is not closed: expected ',' or ']'"),
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
        return in_words(error, text)
    except RecursionError:
        return SyntaxProblem(1, "lists or tables are nested too deeply")
    return None


def in_words(error: tomllib.TOMLDecodeError, text: str) -> SyntaxProblem:
    """The parser's complaint as a line and an expectation, without quoting the text."""
    complaint = str(error)
    place = _PLACE.search(complaint)
    line = int(place[1]) if place and place[1] else _line_of_opening(text)
    return SyntaxProblem(line, f"not valid TOML: {_expected(complaint)}", key_on(text, line))


def key_on(text: str, line: int) -> str | None:
    """The key that is assigned on that line, as it is written there."""
    lines = text.splitlines()
    found = _ASSIGNMENT.match(lines[line - 1]) if 0 < line <= len(lines) else None
    return found[1] if found else None


def _expected(complaint: str) -> str:
    found = (words for pattern, words in _EXPECTED if re.match(pattern, complaint))
    return next(found, _PLACE.sub("", complaint))


def _line_of_opening(text: str) -> int:
    """Where a text block was opened that runs to the end of the document; else the last line."""
    opened = [match.start() for match in _TEXT_BLOCK.finditer(text)]
    if len(opened) % 2:
        return text.count("\n", 0, opened[-1]) + 1
    return len(text.rstrip().splitlines()) or 1
