"""Keeps a syntax error to the block where it stands, so that the other blocks still load."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from nomaflow.catalogue.toml.syntax import SyntaxProblem, is_toml, syntax_problem

_MOST_CUTS_IN_ONE_TEXT = 8


@dataclass(frozen=True)
class BlockRule:
    """Where the blocks of a file begin.

    `header` matches every line that was meant as one, `proper` those that are well formed;
    `expected` is said of the others.
    """

    header: re.Pattern[str]
    proper: re.Pattern[str]
    expected: str


@dataclass(frozen=True)
class Block:
    """Some lines of a file that stand or fall together: a header and what follows it.

    `before` counts the lines above. `header` is empty for what stands before the first one, and
    `number` counts blocks from there. `problem` has its line counted in the whole file.
    """

    before: int
    text: str
    header: str = ""
    number: int = 0
    problem: SyntaxProblem | None = None

    @property
    def blank(self) -> str:
        return "\n" * self.text.count("\n")


@dataclass(frozen=True)
class Isolated:
    """A text with its broken blocks blanked, line numbers kept, so that it is valid TOML."""

    text: str
    broken: tuple[tuple[Block, SyntaxProblem], ...]


def isolated(text: str, rule: BlockRule) -> Isolated:
    """Take the blocks out that are not TOML, or that do not fit to the others."""
    checked = [_checked(block, rule) for block in _blocks(text, rule.header)]
    blocks = [replace(block, number=n) for n, block in enumerate(_rejoined(checked))]
    while (problem := syntax_problem(_healthy(blocks))) is not None:
        blocks = _without(blocks, problem)
    broken = tuple((block, block.problem) for block in blocks if block.problem)
    return Isolated(_healthy(blocks), broken)


def _blocks(text: str, header: re.Pattern[str]) -> list[Block]:
    starts = [match.start() for match in header.finditer(text)]
    preamble = Block(0, text[: starts[0]] if starts else text)
    blocks, before = [preamble], preamble.text.count("\n")
    for start, end in zip(starts, [*starts, len(text)][1:], strict=True):
        body = text[start:end]
        blocks.append(Block(before, body, body.partition("\n")[0]))
        before += body.count("\n")
    return blocks


def _checked(block: Block, rule: BlockRule) -> Block:
    if block.header and not rule.proper.match(block.header):
        problem: SyntaxProblem | None = SyntaxProblem(1, f"not valid TOML: {rule.expected}")
    else:
        problem = syntax_problem(block.text)
    return replace(block, problem=problem and replace(problem, line=problem.line + block.before))


def _rejoined(blocks: Sequence[Block]) -> list[Block]:
    """Heal what was cut in two because a header stood inside a text block."""
    healed: list[Block] = []
    at = 0
    while at < len(blocks):
        parts = _parts_of_one(blocks[at : at + _MOST_CUTS_IN_ONE_TEXT])
        text = "".join(part.text for part in parts)
        healed.append(replace(parts[0], text=text, problem=None) if parts[1:] else parts[0])
        at += len(parts)
    return healed


def _parts_of_one(blocks: Sequence[Block]) -> Sequence[Block]:
    """The first block, with those broken ones that make it whole."""
    text = ""
    for count, block in enumerate(blocks, start=1):
        if block.problem is None:
            break
        text += block.text
        if is_toml(text):
            return blocks[:count]
    return blocks[:1]


def _healthy(blocks: Sequence[Block]) -> str:
    return "".join(block.blank if block.problem else block.text for block in blocks)


def _without(blocks: Sequence[Block], problem: SyntaxProblem) -> list[Block]:
    """Give up the block that holds the line where the healthy rest does not fit together."""
    holding = max(
        (block for block in blocks if block.before < problem.line and not block.problem),
        key=lambda block: block.before,
    )
    return [replace(block, problem=problem) if block is holding else block for block in blocks]
