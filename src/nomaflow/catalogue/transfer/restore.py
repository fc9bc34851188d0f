"""An archive's files into a home: what would change, whether it is sound, and writing it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import unified_diff

from nomaflow.catalogue import seal
from nomaflow.catalogue.home import APP_TOML, Home
from nomaflow.catalogue.load import load
from nomaflow.catalogue.replacing import replace_together
from nomaflow.catalogue.toml.source import parse
from nomaflow.catalogue.transfer.archive import TOML_FILES, Archive
from nomaflow.catalogue.values.env_file import read_env
from nomaflow.errors import Problem
from nomaflow.security.vault import Vault, sealing_key_id


@dataclass(frozen=True)
class Restoring:
    """What the archive brings: whole files by their path in the home, only those that differ."""

    home: Home
    changed: Mapping[str, bytes]
    problems: Sequence[Problem]
    missing_variables: Sequence[str]

    def diff(self) -> str:
        """The TOML files' changes as a unified diff."""
        return "\n".join(
            line for name in TOML_FILES if name in self.changed for line in self._diff(name)
        )

    def write(self) -> None:
        """The plugins first, then the three TOML files together."""
        texts = {}
        for name, content in self.changed.items():
            path = self.home.path / name
            if name in TOML_FILES:
                texts[path] = content.decode()
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
        replace_together(texts)

    def _diff(self, name: str) -> list[str]:
        old = _present(self.home, name) or b""
        before, after = old.decode("utf-8", "replace"), self.changed[name].decode()
        lines = unified_diff(before.splitlines(), after.splitlines(), name, name, lineterm="")
        return list(lines)


def restoring(home: Home, archive: Archive, vault: Vault) -> Restoring:
    """Hold the archive against the home; problems are those that it would bring.

    The canary is the home's own where the archive's was made with another key.
    """
    texts = _with_own_canary(archive.texts, vault)
    files = {**archive.files, **{name: text.encode() for name, text in texts.items()}}
    known = set(load(home).problems)
    return Restoring(
        home=home,
        changed={name: new for name, new in files.items() if _present(home, name) != new},
        problems=[found for found in load(home, texts=texts).problems if found not in known],
        missing_variables=sorted(set(archive.variables) - read_env(home.env_file).values.keys()),
    )


def _with_own_canary(texts: dict[str, str], vault: Vault) -> dict[str, str]:
    values = parse(APP_TOML, texts.get(APP_TOML, "")).values.get("secrets")
    old = values.get(seal.CANARY[-1]) if isinstance(values, dict) else None
    fresh = vault.make_canary()
    if not isinstance(old, str) or not old or sealing_key_id(old) == sealing_key_id(fresh):
        return texts
    return {**texts, APP_TOML: texts[APP_TOML].replace(old, fresh)}


def _present(home: Home, name: str) -> bytes | None:
    path = home.path / name
    return path.read_bytes() if path.is_file() else None
