"""An error that ends a command: how it is told, and which exit code it gets."""

from rich.text import Text

from nomaflow.cli import output
from nomaflow.cli.context import INVALID, NOT_PERMITTED, RUN_FAILED, UNREACHABLE, USAGE
from nomaflow.errors import (
    InvalidConfiguration,
    InvalidParameters,
    JobBusy,
    NomaflowError,
    NotFound,
    NotPermitted,
    Refused,
    SecretsError,
    Unreachable,
)


def tell(error: NomaflowError) -> int:
    """Say on stderr what happened; the exit code that the command gets."""
    if isinstance(error, InvalidConfiguration):
        output.print_problems(error.problems)
    else:
        output.err.print(Text.assemble(("Error: ", "red"), str(error)))
    return _exit_code(error)


def _exit_code(error: NomaflowError) -> int:
    kinds: list[tuple[type[NomaflowError], int]] = [
        (InvalidConfiguration, INVALID),
        (SecretsError, INVALID),
        (Unreachable, UNREACHABLE),
        (NotPermitted, NOT_PERMITTED),
        (NotFound, USAGE),
        (InvalidParameters, USAGE),
        (JobBusy, RUN_FAILED),
        (Refused, USAGE),
    ]
    return next((code for kind, code in kinds if isinstance(error, kind)), RUN_FAILED)
