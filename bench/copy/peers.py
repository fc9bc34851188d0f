"""Other programs that copy tables, where the package index has them for this machine."""

import subprocess
import zipfile
from pathlib import Path

SLING = "sling-linux-amd64==1.4.11"
BINARY = "sling_linux_amd64/bin/sling-linux-amd64"


def sling(folder: Path) -> str | None:
    """The command that copies from `{source}` into the table bare; None: it cannot be had."""
    download = ["python3", "-m", "pip", "download", "-q", "--no-deps", "-d", folder, SLING]
    ended = subprocess.run(download, capture_output=True, check=False)  # noqa: S603 - a constant
    wheels = list(folder.glob("sling_linux_amd64-*.whl"))
    if ended.returncode or not wheels:
        return None
    with zipfile.ZipFile(wheels[0]) as wheel:
        program = Path(wheel.extract(BINARY, folder))
    program.chmod(0o755)
    return (
        f"SLING_HOME_DIR={folder} SLING_DISABLE_TELEMETRY=TRUE {program} run"
        " --src-conn '{source}?sslmode=disable' --src-stream public.{table}"
        " --tgt-conn '{target}?sslmode=disable' --tgt-object public.bare --mode full-refresh"
    )
