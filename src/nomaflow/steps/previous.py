"""The steps before a step: what became of them, and what they left."""

import pickle
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nomaflow.domain.states import StepState
from nomaflow.errors import NotFound


@dataclass(frozen=True)
class PreviousStep:
    """An earlier step of the same run: its state and its output (None when it has none)."""

    name: str
    state: StepState
    output: Mapping[str, Any] | None
    body_file: str | None = None

    @property
    def has_answer(self) -> bool:
        """Whether the step is one of type `http` that got an answer."""
        return self.output is not None and "body_preview" in self.output

    @property
    def body(self) -> bytes | None:
        """The whole body of an `http` step's answer; None for a step of another type.

        Raises NotFound when it is not kept: it was over 32 MiB, or the step was done in an earlier
        run or on another machine.
        """
        if not self.has_answer:
            return None
        try:
            return Path(self.body_file or "").read_bytes()
        except OSError:
            raise NotFound(
                f"The body of step '{self.name}' is not kept here: it was over 32 MiB, or the step "
                "was done in an earlier run or on another machine. Its beginning is "
                "output['body_preview']."
            ) from None


class PreviousSteps(Mapping[str, PreviousStep]):
    """Earlier steps by name, in their order.

    On the way to a child process each is packed once, however many steps come after it, and
    unpacked there when it is asked for.
    """

    def __init__(self, packed: Mapping[str, bytes] | None = None) -> None:
        self._packed = dict(packed or {})
        self._known: dict[str, PreviousStep | None] = dict.fromkeys(self._packed)

    def add(self, step: PreviousStep) -> None:
        self._known[step.name] = step

    def __getitem__(self, name: str) -> PreviousStep:
        step = self._known[name]
        if step is None:
            step = self._known[name] = pickle.loads(self._packed[name])  # noqa: S301  # from the parent
        return step

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)

    def __reduce__(self) -> tuple[type["PreviousSteps"], tuple[dict[str, bytes]]]:
        for name, step in self._known.items():
            if name not in self._packed:
                self._packed[name] = pickle.dumps(step)
        return PreviousSteps, (self._packed,)
