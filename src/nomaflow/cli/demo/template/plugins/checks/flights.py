"""Checks that run as steps of a job: a check that fails raises."""

from liberty.jobs.types import StepContext


def same_counts(ctx: StepContext, tables: list[str]) -> dict[str, int]:
    """Each table has as many rows in the reporting database as in the operational one."""
    operational = ctx.get_connector("operational")
    reporting = ctx.get_connector("reporting")
    counts = {}
    for table in tables:
        query = f"SELECT count(*) FROM {table}"  # noqa: S608  # the names come from jobs.toml
        expected, found = operational.scalar(query), reporting.scalar(query)
        ctx.log.info("%s: %s of %s rows", table, found, expected)
        if found != expected:
            raise ValueError(f"{table} has {found} rows instead of {expected}")
        counts[table] = found
    return counts
