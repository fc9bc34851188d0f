"""A canary in every form that real producers of text give it: masked, or this test decodes it."""

import base64
import csv
import html
import io
import json
import pprint
import re
import shlex
import subprocess
import traceback
from collections.abc import Callable, Mapping
from urllib.parse import quote, urlencode
from xml.sax.saxutils import escape, quoteattr

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from sqlalchemy import URL, create_engine, text
from sqlalchemy.exc import DBAPIError
from tests.canaries import gives_away

from nomaflow.security.redaction import Redactor

CANARIES = [
    "Tr0ub4dor-and-3",
    "p@ss/w:rd&<é>\"'\\ %+$!",
    "!@#$%^&*()",
    "correct horse battery staple",
    "пароль ☃ \U0001f600",
    "AKIA/b64+like/secret==",
]


def basic_auth(user: str) -> Callable[[str], str]:
    return lambda canary: "Basic " + base64.b64encode(f"{user}:{canary}\n".encode()).decode()


def sqlalchemy_url(canary: str) -> str:
    url = URL.create("postgresql+psycopg", "reader", canary, "db.example", 5432, "erp")
    return url.render_as_string(hide_password=False)


def sqlalchemy_error(canary: str) -> str:
    """The message of a failed statement, with its parameters."""
    with create_engine("sqlite://").connect() as connection, pytest.raises(DBAPIError) as failure:
        connection.execute(text("INSERT INTO missing VALUES (:a, :b)"), {"a": canary, "b": 1})
    return str(failure.value)


def psycopg_error(canary: str) -> str:
    with pytest.raises(psycopg.Error) as failure:
        psycopg.connect(make_conninfo(host="127.0.0.1", port=canary))
    return f"{failure.value} {failure.value!r}"


def traceback_of(canary: str) -> str:
    try:
        json.loads("x", parse_int={"token": canary}[canary])
    except KeyError:
        return traceback.format_exc()
    raise AssertionError("unreachable")


def traced_by_the_shell(canary: str) -> str:
    command = ["bash", "-xc", 'true login "$1" "--key=$1"', "bash", canary]
    return subprocess.run(command, capture_output=True, text=True, check=True).stderr


def csv_row(canary: str) -> str:
    stream = io.StringIO()
    csv.writer(stream, quoting=csv.QUOTE_ALL).writerow(["user", canary])
    return stream.getvalue()


PRODUCERS: Mapping[str, Callable[[str], str]] = {
    "plain": lambda canary: f"the key is {canary}, keep it",
    "basic auth 1": basic_auth("u"),
    "basic auth 2": basic_auth("us"),
    "basic auth 3": basic_auth("usr"),
    "basic auth in a URL": lambda canary: quote(basic_auth("reader")(canary), safe=""),
    "basic auth in JSON": lambda canary: json.dumps({"auth": basic_auth("x")(canary)}),
    "base64 for URLs": lambda canary: base64.urlsafe_b64encode(f"k={canary}&".encode()).decode(),
    "hex": lambda canary: f"key {canary.encode().hex()}",
    "HEX": lambda canary: f"key {canary.encode().hex().upper()}",
    "hex with neighbours": lambda canary: f"<{canary}>".encode().hex(),
    "query string": lambda canary: urlencode({"user": "u", "key": canary}),
    "query string, small digits": lambda canary: re.sub(
        "%..", lambda code: code.group().lower(), urlencode({"key": canary})
    ),
    "path of a URL": lambda canary: f"https://h/{quote(canary)}/x",
    "URL in a URL": lambda canary: f"https://h/?next={quote('https://x/?k=' + quote(canary))}",
    "SQLAlchemy URL": sqlalchemy_url,
    "SQLAlchemy error": sqlalchemy_error,
    "psycopg conninfo": lambda canary: make_conninfo(host="h", application_name=canary),
    "psycopg error": psycopg_error,
    "JSON": lambda canary: json.dumps({"deep": [{"key": canary}]}),
    "JSON, not ASCII": lambda canary: json.dumps({canary: 1}, ensure_ascii=False),
    "JSON in JSON in JSON": lambda canary: json.dumps(json.dumps(json.dumps([canary]))),
    "repr": lambda canary: repr({"key": canary, "other": [canary]}),
    "repr of bytes": lambda canary: repr(canary.encode()),
    "ascii": ascii,
    "pprint": lambda canary: pprint.pformat({"key": canary}, width=200),
    "traceback": traceback_of,
    "shell": lambda canary: shlex.join(["login", "--key", canary]),
    "shell trace": traced_by_the_shell,
    "HTML": lambda canary: f"<b>{html.escape(canary)}</b>",
    "HTML by number": lambda canary: canary.encode("ascii", "xmlcharrefreplace").decode(),
    "XML": lambda canary: f"<a b={quoteattr(canary)}>{escape(canary)}</a>",
    "CSV": csv_row,
    "SQL": lambda canary: "SELECT '{}'".format(canary.replace("'", "''")),
}


@pytest.mark.parametrize("canary", CANARIES)
@pytest.mark.parametrize("producer", PRODUCERS)
def test_a_canary_cannot_be_decoded_from_what_was_masked(producer: str, canary: str) -> None:
    produced = PRODUCERS[producer](canary)

    masked = Redactor([canary]).redact(produced)

    assert gives_away(produced, canary)
    assert "***" in masked
    assert not gives_away(masked, canary)
