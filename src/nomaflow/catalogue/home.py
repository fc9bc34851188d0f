"""The home folder: which file stands where."""

import os
from dataclasses import dataclass
from pathlib import Path

from nomaflow.errors import Unreachable

APP_TOML = "app.toml"
CONNECTORS_TOML = "connectors.toml"
JOBS_TOML = "jobs.toml"
ENV_FILE = ".env"


@dataclass(frozen=True)
class Home:
    """The folder that holds one instance: its settings, catalogue, keys, plugins and data."""

    path: Path

    @property
    def app_toml(self) -> Path:
        return self.path / APP_TOML

    @property
    def connectors_toml(self) -> Path:
        return self.path / CONNECTORS_TOML

    @property
    def jobs_toml(self) -> Path:
        return self.path / JOBS_TOML

    @property
    def declarations(self) -> tuple[Path, Path, Path]:
        """The files that hold settings and catalogue."""
        return self.app_toml, self.connectors_toml, self.jobs_toml

    @property
    def env_file(self) -> Path:
        return self.path / ENV_FILE

    @property
    def master_key(self) -> Path:
        return self.path / "master.key"

    @property
    def plugins(self) -> Path:
        """Python packages for python steps; first on their import path."""
        return self.path / "plugins"

    @property
    def data(self) -> Path:
        """Where the embedded store and other SQLite files live."""
        return self.path / "data"

    def make_data(self) -> None:
        """Make the folder of the embedded store, if it is missing. Raises Unreachable."""
        try:
            self.data.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise Unreachable(
                f"Cannot make the folder {self.data}: {os.strerror(error.errno or 0)}. "
                "The store lives in there: let this user write the home, or make it yourself."
            ) from error

    @property
    def exists(self) -> bool:
        """Whether at least one of the three TOML files stands here."""
        return any(path.is_file() for path in self.declarations)
