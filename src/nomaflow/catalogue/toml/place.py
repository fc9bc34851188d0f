"""Where in the home folder a value stands: what a problem needs to name it."""

from dataclasses import dataclass, replace

from nomaflow.catalogue.toml.positions import Key, KeyPath
from nomaflow.catalogue.toml.source import TomlSource
from nomaflow.catalogue.toml.syntax import SyntaxProblem
from nomaflow.errors import Problem


@dataclass(frozen=True)
class Place:
    """A value's way from the top of its file, and the job and step that it belongs to.

    `root` leads to the file, job or step; `field` from there to the value. `fallbacks` are other
    roots that may hold the field: the defaults that were merged under a step.
    """

    source: TomlSource
    root: KeyPath = ()
    field: KeyPath = ()
    job: str | None = None
    step: str | None = None
    fallbacks: tuple[KeyPath, ...] = ()

    def at(self, *keys: Key) -> "Place":
        """A place further in."""
        return replace(self, field=(*self.field, *keys))

    def problem(self, message: str) -> Problem:
        """What is wrong here, as people will read it."""
        name = ".".join(str(key) for key in self.field) or None
        return Problem(self.source.file, self._line(), self.job, self.step, name, message)

    def syntax_problem(self, found: SyntaxProblem) -> Problem:
        """What is wrong in the text itself, at the line where the parser stumbled."""
        keys = (*map(str, self.field), *filter(None, [found.key]))
        name = ".".join(keys) or None
        return Problem(self.source.file, found.line, self.job, self.step, name, found.message)

    def _line(self) -> int:
        positions = self.source.positions
        for root in (self.root, *self.fallbacks):
            line = positions.line((*root, *self.field))
            if line is not None:
                return line
        return positions.nearest((*self.root, *self.field))
