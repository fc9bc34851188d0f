"""`python -m bench.copy [--rows N] [--repeats N] [--pair NAME …]`."""

from argparse import ArgumentParser

from rich.console import Console

from bench.__main__ import machine, table
from bench.copy import REPEATS, ROWS, measure
from bench.copy.pairs import PAIRS


def main() -> None:
    parser = ArgumentParser(prog="python -m bench.copy")
    parser.add_argument("--rows", type=int, default=ROWS, help="of orders; wide has a tenth")
    parser.add_argument("--repeats", type=int, default=REPEATS)
    parser.add_argument("--pair", choices=PAIRS, action="append", default=[])
    told = parser.parse_args()
    console = Console(soft_wrap=True)
    console.print(machine())
    console.print(table("copy", measure(told.rows, told.repeats, tuple(told.pair))))


if __name__ == "__main__":
    main()
