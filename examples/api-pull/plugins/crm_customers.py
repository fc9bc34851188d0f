"""What becomes of the CRM's answer."""

import json
from typing import Any

from liberty.jobs.types import StepContext


def store(ctx: StepContext, **_: Any) -> dict[str, int]:
    """Put each customer of the step `fetch` into our table, all or none."""
    customers = json.loads(ctx.previous_step("fetch").body)["customers"]
    with ctx.get_connector("app").transaction() as app:
        for number, customer in enumerate(customers, 1):
            row = {
                "id": customer["id"],
                "name": customer["name"].strip(),
                "city": customer.get("address", {}).get("city"),
            }
            app.execute("upsert_customer", row)
            ctx.progress(number, len(customers))
    return {"customers": len(customers)}
