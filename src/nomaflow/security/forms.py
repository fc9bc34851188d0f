"""The forms in which a secret can turn up in a text, as regular expressions with an anchor."""

import base64
import json
import re
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from html.entities import codepoint2name
from itertools import pairwise
from typing import Final
from urllib.parse import quote, quote_plus

MIN_LENGTH: Final = 4
MIN_LINE_LENGTH: Final = 8
ANCHOR_LENGTH: Final = 4

# Characters that no usual encoding touches: they stand in every escaped form as they are.
_PLAIN_RUN = re.compile(r"[A-Za-z0-9_]+")
_BACKSLASHES_OR_CHARACTER = re.compile(r"\\+|.", re.DOTALL)
_SHORT_ESCAPES = {"\n": "n", "\r": "r", "\t": "t", "\b": "b", "\f": "f"}
# The backslashes before an escaped character: a bounded number of layers, never given back, so
# that a text full of backslashes is searched in linear time.
_LAYERS = 63
_BACKSLASH = r"(?:\\|%(?:25)*5[cC])"
_ESCAPES = f"(?:{_BACKSLASH}{{1,{_LAYERS}}}+)"
_ALSO = {
    " ": (r"\+",),
    "\n": (r"\r?\n",),
    "'": (r"""'"'"'""", rf"'{_ESCAPES}''", "''", "&(?:amp;)*apos;"),
    '"': ('""',),
}
_IN_BASE64 = {"+": r"(?:[+ -]|%2[bB])", "/": rf"(?:{_ESCAPES}?/|_|%2[fF])"}
_BASE64_CHARACTER = r"[A-Za-z0-9+/_-]"


@dataclass(frozen=True)
class Form:
    """One way to write a secret: a pattern, and a text that stands in all it matches.

    `anchor` is at most 4 characters; empty when nothing of the form is certain.
    """

    pattern: str
    anchor: str

    @cached_property
    def regex(self) -> re.Pattern[str]:
        return re.compile(self.pattern)


def parts_of(secret: str) -> Iterator[str]:
    """The texts to mask for a secret: it, without outer blanks, and its longer lines.

    What is shorter than 4 characters is left out: masking it would blacken every text.
    """
    if len(secret.strip()) >= MIN_LENGTH:
        yield from {secret, secret.strip()}
    for line in secret.splitlines():
        if len(line.strip()) >= MIN_LINE_LENGTH:
            yield line.strip()


def forms_of(text: str) -> Iterator[Form]:
    """Escaped in any way, percent-encoded throughout, in hex, and in base64 at three alignments."""
    digits = text.encode("utf-8", "surrogatepass").hex()
    yield Form(_escaped(text), _anchor(text))
    for spelling in (digits, digits.upper()):
        yield _literal(spelling)
        yield _literal(re.sub("..", r"%\g<0>", spelling))
    for spelling in {text, quote(text, safe=""), quote_plus(text), json.dumps(text)[1:-1]}:
        for offset in range(3):
            yield _base64_form(spelling.encode("utf-8", "surrogatepass"), offset)


def _literal(text: str) -> Form:
    return Form(re.escape(text), _rarest(text))


def _base64_form(raw: bytes, offset: int) -> Form:
    """The secret within a longer text in base64, `offset` bytes after a multiple of three.

    Only characters made of the secret's bits alone are certain; those at its rims, which it
    shares with its neighbours, are masked with it.
    """
    encoded = base64.b64encode(bytes(offset) + raw).decode()
    first, end = (0, 2, 3)[offset], (offset + len(raw)) * 8 // 6
    core = encoded[first:end]
    pattern = "".join(_IN_BASE64.get(character, character) for character in core)
    before = f"{_BASE64_CHARACTER}?" if offset else ""
    return Form(f"{before}{pattern}{_BASE64_CHARACTER}?={{0,2}}", _anchor(core))


def _anchor(text: str) -> str:
    """The rarest part of the longest run that every encoding leaves alone."""
    return _rarest(max(_PLAIN_RUN.findall(text), key=len, default=""))


def _rarest(run: str) -> str:
    """The 4 characters of the run with the fewest small letters, which fill most texts."""
    windows = [run[i : i + ANCHOR_LENGTH] for i in range(max(1, len(run) - ANCHOR_LENGTH + 1))]
    return min(windows, key=lambda window: sum(map(str.islower, window)))


def _escaped(text: str) -> str:
    """The text with each character as it is or in any usual code, under layers of escaping."""
    pieces = _BACKSLASHES_OR_CHARACTER.findall(text)
    return "".join(_any_escape(*pair) for pair in pairwise(["", *pieces]))


def _any_escape(before: str, piece: str) -> str:
    """What matches a piece; a run of backslashes takes those that escape the next piece too."""
    if _PLAIN_RUN.fullmatch(piece):
        return re.escape(piece)
    if piece.startswith("\\"):
        count, codes = len(piece), "|".join(_codes_of(piece[0], _ESCAPES))
        return f"(?:{_BACKSLASH}{{{count},{count + _LAYERS}}}+|(?:{codes}){{{count}}})"
    escapes = f"{_ESCAPES}?" if before.startswith("\\") else _ESCAPES
    ways = [*_ALSO.get(piece, ()), *_codes_of(piece, escapes), f"{_ESCAPES}?{re.escape(piece)}"]
    return f"(?:{'|'.join(ways)})"


def _codes_of(character: str, escapes: str) -> Iterator[str]:
    """The character by number or name: %2F, &amp;, &#38;, \\x26, \\u0026, \\U00000026, \\n."""
    code = ord(character)
    octets = character.encode("utf-8", "surrogatepass")
    yield f"{_ESCAPES}?{_folded(f'%(?:25)*{octet:02x}' for octet in octets)}"
    yield _folded(f"{escapes}x{octet:02x}" for octet in octets)
    yield _folded(f"{escapes}u{unit:04x}" for unit in _utf16_units(character))
    yield _folded([f"{escapes}(?:U{code:08x}|x{code:02x})"])
    yield _folded([f"&(?:amp;)*(?:#0*{code}|#x0*{code:x});"])
    if code in codepoint2name:
        yield f"&(?:amp;)*{codepoint2name[code]};"
    if character in _SHORT_ESCAPES:
        yield f"{escapes}{_SHORT_ESCAPES[character]}"


def _folded(codes: Iterable[str]) -> str:
    return f"(?i:{''.join(codes)})"


def _utf16_units(character: str) -> tuple[int, ...]:
    raw = character.encode("utf-16-be", "surrogatepass")
    return struct.unpack(f">{len(raw) // 2}H", raw)
