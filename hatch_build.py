"""Puts the built pages into the package before it is packed, also for an editable install.

NOMAFLOW_UI=skip leaves the pages out, NOMAFLOW_UI=prebuilt takes what src/nomaflow/static holds.
"""

import os
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

sys.path.insert(0, str(Path(__file__).resolve().parent / "tools"))  # a hook is a single file

import pages


class PagesHook(BuildHookInterface):
    """Asks for Node as a package only where the PATH has none and there is something to build."""

    def dependencies(self) -> list[str]:
        return [pages.NODE_PACKAGE] if _is_wanted() and not pages.has_node() else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if not _is_wanted():
            return
        self.app.display_info("Building the pages of frontend/ …")
        try:
            pages.build()
        except pages.Failed as reason:
            sys.exit(f"{reason} NOMAFLOW_UI=skip installs without the pages.")


def _is_wanted() -> bool:
    mode = os.environ.get("NOMAFLOW_UI", "build")
    if mode not in {"build", "skip", "prebuilt"}:
        sys.exit(f"NOMAFLOW_UI is 'build', 'skip' or 'prebuilt', not {mode!r}.")
    return mode == "build" and not pages.is_built()
