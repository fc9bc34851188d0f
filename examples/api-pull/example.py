"""A CRM with 300 customers that wants a token, and is too busy for the first request."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sample_service import Reply, Request, sample_service

COMMANDS = (("run", "pull-customers", "--wait"),)
TOKEN = "crm-token-of-the-example"  # noqa: S105
CUSTOMERS = [
    {"id": n, "name": f" Customer {n} ", "address": {"city": "Lyon" if n % 2 else "Nantes"}}
    for n in range(1, 301)
]
asked: list[Request] = []


def prepare(home: Path) -> None:
    with (home / ".env").open("a") as variables:
        variables.write(f"CRM_TOKEN={TOKEN}\n")


@contextmanager
def world(home: Path) -> Iterator[None]:
    with sample_service(home, "crm", _answer):
        yield


def outcome(home: Path) -> Iterator[str]:
    yield f"The CRM was asked {len(asked)} times"
    with closing(sqlite3.connect(home / "data" / "app.db")) as app:
        for city, customers in app.execute("SELECT city, count(*) FROM customers GROUP BY city"):
            yield f"{customers} customers in {city}"


def _answer(request: Request) -> Reply:
    asked.append(request)
    if request.headers.get("authorization") != f"Bearer {TOKEN}":
        return Reply({"error": "sign in"}, 401)
    if len(asked) == 1:
        return Reply({"error": "busy"}, 503, {"Retry-After": "1"})
    return Reply({"customers": CUSTOMERS})
