"""Runs the measurements and prints a table: `python -m bench [NAME …]`."""

import os
import platform
import sys
from collections.abc import Callable, Iterable
from importlib import import_module
from itertools import groupby
from operator import attrgetter
from pkgutil import iter_modules

from rich.console import Console
from rich.table import Table

import bench
from bench.figure import Figure

Measure = Callable[[], Iterable[Figure]]
MET = {True: "yes", False: "NO", None: ""}


def main(wanted: list[str]) -> None:
    found = measurements()
    unknown = sorted(set(wanted) - set(found))
    if unknown:
        raise SystemExit(f"No measurement {', '.join(unknown)}. There are: {', '.join(found)}.")
    console = Console(soft_wrap=True)
    console.print(machine())
    for name in wanted or found:
        for settings, figures in groupby(found[name](), key=attrgetter("settings")):
            console.print(table(f"\n{name}: {settings}", figures))


def measurements() -> dict[str, Measure]:
    """The `measure` functions of this folder by the name of their module."""
    names = sorted(module.name for module in iter_modules(bench.__path__))
    modules = {name: import_module(f"bench.{name}") for name in names if name != "__main__"}
    return {name: module.measure for name, module in modules.items() if hasattr(module, "measure")}


def machine() -> str:
    """Where the figures were taken; they mean little without it."""
    load = os.getloadavg()[0]
    return f"Python {platform.python_version()} · {os.cpu_count()} cores · load {load:.1f}"


def table(title: str, figures: Iterable[Figure]) -> Table:
    columns = ("WHAT", "VALUE", "UNIT", "TARGET", "MET", "OLDER SYSTEM")
    made = Table(*columns, title=title, title_justify="left", box=None)
    for each in figures:
        value = f"{each.value:,.1f}" if each.value >= 10 else f"{each.value:,.2f}"
        made.add_row(each.what, value, each.unit, each.target, MET[each.is_met], each.older)
    return made


if __name__ == "__main__":
    main(sys.argv[1:])
