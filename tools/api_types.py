"""Writes frontend/src/api/schema.gen.ts from the OpenAPI document: `api_types.py`.

Runs in .venv. The generator needs an older TypeScript than the pages, so it has a folder of its
own, frontend/codegen.
"""

import hashlib
import json
import subprocess
from contextlib import nullcontext
from pathlib import Path

from nomaflow.api.http import http_app

CODEGEN = Path(__file__).resolve().parent.parent / "frontend" / "codegen"
GENERATED = CODEGEN.parent / "src" / "api" / "schema.gen.ts"


def main() -> None:
    document = openapi_document()
    (CODEGEN / "openapi.json").write_text(document, encoding="utf-8")
    for command in (["npm", "ci", "--ignore-scripts"], ["npm", "run", "--silent", "generate"]):
        subprocess.run(command, cwd=CODEGEN, check=True)
    types = GENERATED.read_text(encoding="utf-8")
    GENERATED.write_text(f"{heading(document)}\n{types}", encoding="utf-8")


def openapi_document() -> str:
    """What /api/v1/openapi.json answers, without the version, in a form that can be compared."""
    document = http_app(lambda _: nullcontext()).openapi()
    document["info"].pop("version")
    return json.dumps(document, indent=1, sort_keys=True)


def heading(document: str) -> str:
    """The first line of the types; it says which document they were made from."""
    return f"// Made by tools/api_types.py from {hashlib.sha256(document.encode()).hexdigest()}"


if __name__ == "__main__":
    main()
