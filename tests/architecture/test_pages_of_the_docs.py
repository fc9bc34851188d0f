"""The pages of the documentation hang together."""

import re
from pathlib import Path

from tests.architecture.source import ROOT

_LINK = re.compile(r"\]\((?!https?:)([^)#\s]+)")


def test_every_page_is_found_from_the_readme_and_every_link_leads_somewhere() -> None:
    found: set[Path] = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        assert page.exists(), f"a link leads to {page.relative_to(ROOT)}, which is not there"
        if page.suffix == ".md" and page not in found:
            found.add(page)
            links = _LINK.findall(page.read_text(encoding="utf-8"))
            waiting += [(page.parent / link).resolve() for link in links]
    pages = {*(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")}
    forgotten = sorted(str(page.relative_to(ROOT)) for page in pages - found)
    assert [page for page in forgotten if not page.startswith("docs/decisions/")] == []
