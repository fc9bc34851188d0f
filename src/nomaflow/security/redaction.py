"""Masks secrets in whatever is shown, logged or stored, in every form in which they turn up."""

import re
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote

from nomaflow.domain.secrets import MASK, Secret
from nomaflow.security.forms import ANCHOR_LENGTH, Form, forms_of, parts_of
from nomaflow.security.tokens import PREFIX as TOKEN_PREFIX
from nomaflow.security.tokens import TOKEN_SHAPE

# The lookahead spares `host:8080/…@…`, where the colon begins a port.
_URL_PASSWORD = re.compile(
    r"""(?P<before>://[^\s/?#:@"'<>`]*:)(?!\d{1,5}[/?#])"""
    r"""(?P<password>[^\s/?#"'<>`]{0,2000}|[^\s@"'<>`]{1,2000})(?=@)"""
)
_PASSWORD_KEY = re.compile(r"(?:password|passwd|passphrase|pwd)$", re.IGNORECASE)
_PASSWORD_PAIR = re.compile(
    r"""(?P<before>(?:password|passwd|passphrase|pwd)(?:\\*["']\s*:|\\*["']?\s*=)\s*)"""
    r"""(?:(?P<quote>\\*["'])(?:(?!(?P=quote))(?:\\.|.))*(?:(?P=quote)|(?=\n|\Z))"""
    r"""|[^\s&;,)\]}"']+)""",
    re.IGNORECASE,
)
_NOTHING = r"(?!)"


class Redactor:
    """Knows the secrets of this process and replaces them by `***`. Thread-safe, picklable.

    Every text is also searched for passwords in URLs, `password=…` pairs and API tokens, whose
    values need not be known.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._lock = threading.Lock()
        self._forms: dict[str, tuple[Form, ...]] = {}
        self._index: _Index | None = None
        for secret in secrets:
            self.add(secret)

    def __reduce__(self) -> tuple[type["Redactor"], tuple[tuple[str, ...]]]:
        with self._lock:
            return Redactor, (tuple(self._forms),)

    def __repr__(self) -> str:
        return f"Redactor({len(self._forms)} texts)"

    def add(self, secret: str | Secret) -> None:
        """Mask this secret from now on, and each of its lines of 8 characters or more.

        Texts shorter than 4 characters are not masked.
        """
        text = secret.reveal() if isinstance(secret, Secret) else secret
        with self._lock:
            for part in set(parts_of(text)) - self._forms.keys():
                self._forms[part] = tuple(forms_of(part))
                self._index = None

    def add_url(self, url: str) -> None:
        """Mask the password of this URL wherever it stands, if it has one."""
        match = _URL_PASSWORD.search(url)
        if match:
            self.add(match["password"])
            self.add(unquote(match["password"]))

    def redact(self, text: str) -> str:
        """The text with `***` for every secret."""
        index = self._index or self._build()
        known = index.mask(text)
        masked = _mask_shapes(known)
        return known if masked == known else index.mask(masked)

    def redact_value(self, value: Any) -> Any:
        """A JSON-like value with its texts, keys and numbers masked; other objects become text.

        What stands under a key that ends in `password` is masked, known or not.
        """
        match value:
            case None | bool():
                return value
            case str():
                return self.redact(value)
            case int() | float():
                return value if self.redact(str(value)) == str(value) else MASK
            case Mapping():
                return {
                    self.redact(str(key)): self._entry(key, item) for key, item in value.items()
                }
            case list() | tuple() | set() | frozenset():
                return [self.redact_value(item) for item in value]
            case _:
                return self.redact(str(value))

    def _entry(self, key: object, value: Any) -> Any:
        hidden = value is not None and _PASSWORD_KEY.search(str(key))
        return MASK if hidden else self.redact_value(value)

    def _build(self) -> "_Index":
        with self._lock:
            if self._index is None:
                longest_first = sorted(self._forms, key=len, reverse=True)
                self._index = _Index(form for text in longest_first for form in self._forms[text])
            return self._index


class _Index:
    """The forms of all secrets, found by their anchors.

    A text is scanned once for anchors, which is fast; a form's pattern runs only where its anchor
    stands. Longer secrets come first, so that one within another does not cut it in two.
    """

    def __init__(self, forms: Iterable[Form]) -> None:
        self._forms = tuple(forms)
        self._by_anchor: dict[str, list[int]] = {}
        for rank, form in enumerate(self._forms):
            self._by_anchor.setdefault(form.anchor, []).append(rank)
        self._always = self._by_anchor.pop("", [])
        self._probe = re.compile(_any_of(self._by_anchor) if self._by_anchor else _NOTHING)

    def mask(self, text: str) -> str:
        """Mask until nothing is left to mask; each round shortens the text, so it ends."""
        while (masked := self._mask_once(text)) != text:
            text = masked
        return text

    def _mask_once(self, text: str) -> str:
        for rank in sorted({*self._always, *self._ranks_in(text)}):
            text = self._forms[rank].regex.sub(MASK, text)
        return text

    def _ranks_in(self, text: str) -> Iterator[int]:
        match = self._probe.search(text)
        while match:
            start = match.start()
            for length in range(1, ANCHOR_LENGTH + 1):
                yield from self._by_anchor.get(text[start : start + length], ())
            match = self._probe.search(text, start + 1)


def _any_of(words: Iterable[str]) -> str:
    """A pattern that finds any of the words, as a tree of their letters."""
    tails = defaultdict(set)
    for word in words:
        tails[word[:1]].add(word[1:])
    if "" in tails:
        return ""
    return "(?:" + "|".join(re.escape(head) + _any_of(tails[head]) for head in tails) + ")"


def _mask_shapes(text: str) -> str:
    """Mask what is secret by where it stands: URL passwords, tokens, `password=…`."""
    if "://" in text:
        text = _URL_PASSWORD.sub(rf"\g<before>{MASK}", text)
    if TOKEN_PREFIX in text:
        text = TOKEN_SHAPE.sub(MASK, text)
    if "=" in text or ":" in text:
        text = _mask_pairs(text)
    return text


def _mask_pairs(text: str) -> str:
    folded = text.lower()
    if "pass" in folded or "pwd" in folded:
        return _PASSWORD_PAIR.sub(rf"\g<before>\g<quote>{MASK}\g<quote>", text)
    return text
