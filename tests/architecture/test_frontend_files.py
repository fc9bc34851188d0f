"""The pages' files that are made from others: up to date, and free of addresses."""

import json
from pathlib import Path

import pytest
from tests.architecture.source import ROOT
from tools.api_types import GENERATED, heading, openapi_document

LOCKS = ["frontend/package-lock.json", "frontend/codegen/package-lock.json"]


def test_the_pages_types_are_those_of_the_api() -> None:
    made_from = GENERATED.read_text(encoding="utf-8").splitlines()[0]
    assert made_from == heading(openapi_document()), "run: .venv/bin/python tools/api_types.py"


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_file_names_no_address(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    assert "://" not in text, "run: npm run lock, in frontend/"


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_file_pins_what_its_package_file_names(lock: str) -> None:
    wanted = json.loads((ROOT / Path(lock).with_name("package.json")).read_text(encoding="utf-8"))
    locked = json.loads((ROOT / lock).read_text(encoding="utf-8"))["packages"][""]
    for kind in ("dependencies", "devDependencies"):
        assert locked.get(kind) == wanted.get(kind), "run: npm run lock, in frontend/"
