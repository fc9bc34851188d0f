"""From CSV files in a folder to rows in a table."""

import csv
from pathlib import Path
from typing import Any

from liberty.jobs.types import StepContext

HOME = Path(__file__).parents[1]
COLUMNS = ("shop", "sold_on", "amount")


def load(ctx: StepContext, inbox: str, archive: str, **_: Any) -> dict[str, Any]:
    """Append every file of the inbox to the sales, and move it into the archive."""
    files = sorted((HOME / inbox).glob("*.csv"))
    done = HOME / archive
    done.mkdir(exist_ok=True)
    rows = 0
    for number, file in enumerate(files, 1):
        stage(ctx, file)
        copied = ctx.run_copy(
            source={"connector": "stage", "table": "incoming"},
            target={"connector": "reporting", "table": "sales"},
            mode="append",
            part=file.name,
        )
        file.rename(done / file.name)
        rows += copied["source_rows"]
        ctx.log.info("%s: %s rows", file.name, copied["source_rows"])
        ctx.progress(number, len(files))
    return {"files": [file.name for file in files], "rows": rows}


def stage(ctx: StepContext, file: Path) -> None:
    """Put the file's lines into the table `incoming`, in place of those before."""
    with (
        file.open(newline="", encoding="utf-8") as lines,
        ctx.get_connector("stage").transaction() as stage,
    ):
        stage.execute("DROP TABLE IF EXISTS incoming")
        stage.execute(
            "CREATE TABLE incoming (shop VARCHAR(20), sold_on DATE, amount DECIMAL(10, 2))"
        )
        for row in csv.DictReader(lines):
            stage.execute(
                "INSERT INTO incoming VALUES (:shop, :sold_on, :amount)",
                {name: row[name] for name in COLUMNS},
            )
