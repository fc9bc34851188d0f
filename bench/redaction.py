"""How fast lines are masked: with 50 secrets known, none or all of the lines holding one."""

import random
import string
from collections.abc import Iterator, Sequence
from time import perf_counter

from bench.figure import Figure
from nomaflow.security.redaction import Redactor

LINES, SECRETS = 50_000, 50
CHARACTERS = string.ascii_letters + string.digits + string.punctuation


def measure() -> Iterator[Figure]:
    chance = random.Random(1)  # noqa: S311  # the same input each time
    secrets = ["".join(chance.choices(CHARACTERS, k=chance.randint(8, 40))) for _ in range(SECRETS)]
    lines = [
        f"▶ batch {number} of {LINES} · {number * 10_000} rows copied to reporting.orders"
        for number in range(LINES)
    ]
    holding = [f"{line} as {secrets[number % SECRETS]}" for number, line in enumerate(lines)]
    redactor = Redactor(secrets)
    settings = f"{SECRETS} secrets, {len(lines[0])} characters"
    yield Figure("lines without a secret", rate(redactor, lines), "lines/s", settings)
    yield Figure("lines with a secret each", rate(redactor, holding), "lines/s", settings)


def rate(redactor: Redactor, lines: Sequence[str]) -> float:
    redactor.redact(lines[0])
    started = perf_counter()
    for line in lines:
        redactor.redact(line)
    return len(lines) / (perf_counter() - started)
