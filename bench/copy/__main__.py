"""`python -m bench.copy [--rows N] [--repeats N] [--pair NAME …]`."""

from argparse import ArgumentParser

from rich.console import Console

from bench.__main__ import machine, table
from bench.copy import NAMES, REPEATS, measure


def main() -> None:
    parser = ArgumentParser(prog="python -m bench.copy")
    parser.add_argument("--rows", type=int, help="of orders; wide has a tenth, upserts bring one")
    parser.add_argument("--repeats", type=int, default=REPEATS)
    parser.add_argument("--pair", choices=NAMES, action="append", default=[])
    told = parser.parse_args()
    console = Console(soft_wrap=True)
    console.print(machine())
    for name in told.pair or NAMES:
        found = list(measure(told.rows, told.repeats, (name,)))
        console.print(table(f"\n{found[0].settings}", found))


if __name__ == "__main__":
    main()
