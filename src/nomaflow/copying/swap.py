"""What becomes of a filled stash: it takes the target's place, or its rows go there.

Everything here happens in the target's one transaction, so that a reader sees the old table or
the new one.
"""

from nomaflow.connectors.copies import Target
from nomaflow.copying.plan import Key, Plan
from nomaflow.copying.stash import Stash
from nomaflow.errors import StepFailed


def overwrite(plan: Plan, stash: Stash, target: Target) -> dict[str, int]:
    """Make the target hold exactly the stash's rows; whatever depends on it stays valid.

    Rows that foreign keys refer to keep standing: they are updated by key, and only those that
    the source does not have go. Elsewhere all old rows go and all new ones come.
    """
    key = next(iter(plan.table.keys), ()) if plan.table.referenced else ()
    with target.replacing(plan.table):
        changes = (_merge if key else _replace)(plan, stash, target, key)
    row = target.row(f"SELECT count(*) FROM {target.reference(plan.table.name)}")  # noqa: S608
    if row != (stash.rows,):
        raise StepFailed(
            f"'{plan.table.name}' took {row[0] if row else 0} of {stash.rows} rows: a rule or a "
            "policy of the table stands in the way. The target is unchanged."
        )
    return changes


def _replace(plan: Plan, stash: Stash, target: Target, _: Key) -> dict[str, int]:
    deleted = target.execute(f"DELETE FROM {target.reference(plan.table.name)}")  # noqa: S608
    return {"deleted": deleted, "inserted": insert(plan, stash, target)}


def _merge(plan: Plan, stash: Stash, target: Target, key: Key) -> dict[str, int]:
    table = target.reference(plan.table.name)
    deleted = target.execute(
        f"DELETE FROM {table} AS t WHERE NOT EXISTS "  # noqa: S608 - quoted
        f"(SELECT 1 FROM {stash.name} AS s WHERE {stash.same(key)})"
    )
    return {"deleted": deleted, **upsert(plan, stash, target, key)}


def insert(plan: Plan, stash: Stash, target: Target) -> int:
    """Add the stash's rows; returns how many."""
    head = target.insert_into(plan.table, plan.names)
    return target.execute(f"{head} SELECT * FROM {stash.name}")  # noqa: S608 - quoted


def upsert(plan: Plan, stash: Stash, target: Target, key: Key) -> dict[str, int]:
    """Insert the rows with new keys, update those that differ, all at once."""
    known = stash.count_known(plan.table.name, key)
    changed = target.execute(_upsert_statement(plan, stash, target, key))
    stash.refuse_merged(plan.table.name, key)
    inserted = stash.rows - known
    return {"inserted": inserted, "updated": changed - inserted}


def _upsert_statement(plan: Plan, stash: Stash, target: Target, key: Key) -> str:
    head = target.insert_into(plan.table, plan.names)
    conflict = ", ".join(target.quote(name) for name in key)
    others = [name for name in plan.names if name not in key]
    insert = f"{head} SELECT * FROM {stash.name} WHERE true ON CONFLICT ({conflict})"  # noqa: S608
    if not others:
        return f"{insert} DO NOTHING"
    new = ", ".join(f"{target.quote(name)} = excluded.{target.quote(name)}" for name in others)
    return f"{insert} DO UPDATE SET {new} WHERE {target.differs(plan.table, others)}"
