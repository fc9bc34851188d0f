"""How the rows of a filled stash get into the target, each way in one open transaction."""

from collections.abc import Callable, Mapping
from typing import Final

from nomaflow.connectors.copies import Target, Way
from nomaflow.copying.plan import Key, Plan
from nomaflow.copying.stash import Stash
from nomaflow.errors import StepFailed

Changes = dict[str, int]


def replacement_key(plan: Plan) -> Key:
    """The key by which an overwrite may merge; empty: rows must go and come.

    A merge leaves columns that the source does not have as they were. Only where other tables
    refer to the rows that is the lesser evil.
    """
    written = set(plan.names)
    whole = written.issuperset(c.name for c in plan.table.columns if not c.generated)
    keys = [key for key in plan.table.keys if written.issuperset(key)]
    return keys[0] if keys and (whole or plan.table.referenced) else ()


def take_place(plan: Plan, stash: Stash, target: Target) -> Changes:
    """The stash becomes the table."""
    target.take_place(plan.table)
    return {"inserted": stash.rows}


def merge(plan: Plan, stash: Stash, target: Target) -> Changes:
    """Make the table hold the stash's rows: what is new comes, what differs changes, the rest goes.

    Rows that foreign keys refer to keep standing, and readers see no moment in between.
    """
    key = replacement_key(plan)
    with target.replacing(plan.table):
        deleted = target.execute(
            f"{target.delete_from(plan.table)} WHERE NOT EXISTS "  # noqa: S608 - quoted
            f"(SELECT 1 FROM {stash.name} s WHERE {stash.same(key)})"
        )
        changes = {"deleted": deleted, **_upsert(plan, stash, target, key)}
    _refuse_lost_rows(plan, stash, target)
    return changes


def replace(plan: Plan, stash: Stash, target: Target) -> Changes:
    """All old rows go, all new ones come."""
    with target.replacing(plan.table):
        deleted = target.execute(target.delete_from(plan.table))
        inserted = _insert(plan, stash, target)
    _refuse_lost_rows(plan, stash, target)
    return {"deleted": deleted, "inserted": inserted}


def insert(plan: Plan, stash: Stash, target: Target) -> Changes:
    """Add the stash's rows."""
    return {"inserted": _insert(plan, stash, target)}


def upsert(plan: Plan, stash: Stash, target: Target) -> Changes:
    """Insert the rows with new keys, update those that differ."""
    return _upsert(plan, stash, target, plan.key)


CHANGES: Final[Mapping[Way, Callable[[Plan, Stash, Target], Changes]]] = {
    Way.CREATE: take_place,
    Way.RENAME: take_place,
    Way.MERGE: merge,
    Way.REPLACE: replace,
    Way.INSERT: insert,
    Way.UPSERT: upsert,
}


def _refuse_lost_rows(plan: Plan, stash: Stash, target: Target) -> None:
    row = target.row(f"SELECT count(*) FROM {target.reference(plan.table.name)}")  # noqa: S608
    if row != (stash.rows,):
        raise StepFailed(
            f"'{plan.table.name}' took {row[0] if row else 0} of {stash.rows} rows: a rule or a "
            "policy of the table stands in the way. The target is unchanged."
        )


def _insert(plan: Plan, stash: Stash, target: Target) -> int:
    head = target.insert_into(plan.table, plan.names)
    names = ", ".join(target.quote(name) for name in plan.names)
    return target.execute(f"{head} SELECT {names} FROM {stash.name}")  # noqa: S608 - quoted


def _upsert(plan: Plan, stash: Stash, target: Target, key: Key) -> Changes:
    known = stash.count_known(plan.table.name, key)
    changed = target.upsert(stash.name, plan.table, key, plan.names)
    stash.refuse_merged(plan.table, key)
    inserted = stash.rows - known
    updated = changed - inserted
    return {"inserted": inserted, "updated": updated, "unchanged": known - updated}
