"""Masking: known secrets in any form, unknown ones by where they stand, and nothing else."""

import pickle
import threading

import pytest

from nomaflow.domain.secrets import Secret
from nomaflow.security.redaction import Redactor

SECRET = 'hunter2 & "käse"/x'


def test_a_secret_is_replaced_wherever_it_stands() -> None:
    redactor = Redactor(["hunter2"])

    assert redactor.redact("hunter2, ahunter2b and hunter2hunter2") == "***, a***b and ******"


def test_what_is_no_secret_stays_as_it_is() -> None:
    line = "▶ batch 12 of 47 · 120 000 rows, see http://docs:8080/a@b?x=1#y and mailto:me@x.org"

    assert Redactor([SECRET]).redact(line) == line


def test_a_secret_may_be_given_as_one() -> None:
    redactor = Redactor()
    redactor.add(Secret("hunter2"))

    assert redactor.redact("hunter2") == "***"


def test_less_than_four_characters_are_not_masked() -> None:
    redactor = Redactor(["abc", "", "  ab  "])

    assert redactor.redact("abc ab") == "abc ab"


def test_a_secret_added_later_is_masked_from_then_on() -> None:
    redactor = Redactor(["first-one"])
    assert redactor.redact("second-one") == "second-one"

    redactor.add("second-one")

    assert redactor.redact("first-one second-one") == "*** ***"


def test_a_secret_within_another_does_not_cut_it_in_two() -> None:
    redactor = Redactor(["hunter", "hunter2-extra"])

    assert redactor.redact("hunter2-extra hunter") == "*** ***"


def test_lines_of_a_secret_of_many_lines_are_masked_one_by_one() -> None:
    redactor = Redactor(["-----BEGIN KEY-----\nMIIEvQIBADANBg\nkqh\n-----END KEY-----\n"])

    assert redactor.redact("second: MIIEvQIBADANBg") == "second: ***"
    assert redactor.redact("kqh") == "kqh"


def test_a_secret_of_many_lines_is_masked_as_a_whole() -> None:
    secret = "first\nab\nlast!"

    redactor = Redactor([secret])

    assert redactor.redact(f"[{secret}]") == "[***]"
    assert redactor.redact(f"[{secret.replace(chr(10), chr(13) + chr(10))}]") == "[***]"


def test_a_secret_is_masked_without_the_blanks_around_it() -> None:
    assert Redactor(["  hunter2\n"]).redact("[hunter2]") == "[***]"


def test_secrets_without_a_letter_that_stays_are_masked_too() -> None:
    redactor = Redactor(["!@#$%", "пароль", "a'b\"c\\d"])

    assert redactor.redact("[!@#$%] [пароль]") == "[***] [***]"
    assert redactor.redact(ascii("пароль")) == "'***'"
    assert redactor.redact("%21%40%23%24%25") == "***"
    assert redactor.redact(repr("a'b\"c\\d")) == "'***'"


def test_a_secret_of_asterisks_does_not_hang() -> None:
    assert Redactor(["****"]).redact("*********") == "***"


@pytest.mark.parametrize("piece", ["\\", "'", '"', "://", "://a:", "password=", "%25", "&amp;"])
def test_a_text_made_to_be_slow_is_masked_all_the_same(piece: str) -> None:
    redactor = Redactor(["a'b\"c\\\\d", '\\\\"\\"\\"!', "%%%%%%", "'''''x"])

    assert redactor.redact(piece * 20_000)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("postgresql://u:pw@db:5432/erp", "postgresql://u:***@db:5432/erp"),
        ("redis://:pw@db", "redis://:***@db"),
        ("mysql+pymysql://u:p@ss@db/erp", "mysql+pymysql://u:***@db/erp"),
        ("mysql://u:p/w@db/erp", "mysql://u:***@db/erp"),
        ("two http://a:b@c and http://d:e@f", "two http://a:***@c and http://d:***@f"),
        ('{"a":"pg://u:pw@h","b":"x@y"}', '{"a":"pg://u:***@h","b":"x@y"}'),
        ("http://u:@host/", "http://u:***@host/"),
        ("https://host:443/u/me@x.org", "https://host:443/u/me@x.org"),
        ("https://user@host:443/", "https://user@host:443/"),
    ],
)
def test_a_password_in_a_url_need_not_be_known(text: str, masked: str) -> None:
    assert Redactor().redact(text) == masked


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("host=db password=pw user=u", "host=db password=*** user=u"),
        ("password = 'p w\\'x' user=u", "password = '***' user=u"),
        ("PWD=pw;SERVER=db", "PWD=***;SERVER=db"),
        ("?bind_password=pw&x=1", "?bind_password=***&x=1"),
        ("PGPASSWORD=pw psql", "PGPASSWORD=*** psql"),
        ('{"password": "p\\"w", "user": "u"}', '{"password": "***", "user": "u"}'),
        ("{'db_password': 'pw'}", "{'db_password': '***'}"),
        ("connect(password='pw', user='u')", "connect(password='***', user='u')"),
        ('"{\\"password\\": \\"pw\\"}"', '"{\\"password\\": \\"***\\"}"'),
        ('{"password": "cut sh', '{"password": "***"'),
        ("password=", "password="),
        ("the password: check it", "the password: check it"),
        ("bypass = 3, compass=north", "bypass = 3, compass=north"),
    ],
)
def test_a_password_pair_need_not_be_known(text: str, masked: str) -> None:
    assert Redactor().redact(text) == masked


def test_the_password_of_a_url_is_masked_elsewhere_too() -> None:
    redactor = Redactor()
    redactor.add_url("postgresql://reader:p%40ssw0rd@db/erp")

    assert redactor.redact("p@ssw0rd p%40ssw0rd") == "*** ***"
    assert redactor.redact("reader") == "reader"


def test_a_url_without_a_password_adds_nothing() -> None:
    redactor = Redactor()
    redactor.add_url("sqlite:///data/erp.db")

    assert repr(redactor) == "Redactor(0 texts)"


def test_nested_values_are_masked_with_their_keys_and_numbers() -> None:
    redactor = Redactor(["hunter2", "12345678"])

    masked = redactor.redact_value(
        {
            "hunter2": ["hunter2", ("a hunter2",), {"b": None}],
            "count": 12,
            "ratio": 0.5,
            "pin": 12345678,
            "done": True,
            "raw": b"hunter2",
        }
    )

    assert masked == {
        "***": ["***", ["a ***"], {"b": None}],
        "count": 12,
        "ratio": 0.5,
        "pin": "***",
        "done": True,
        "raw": "b'***'",
    }


def test_what_stands_under_a_password_key_is_masked() -> None:
    value = {"password": "pw", "DB_PASSWD": 1, "bind_password": None, "password_age": 3}

    assert Redactor().redact_value(value) == {
        "password": "***",
        "DB_PASSWD": "***",
        "bind_password": None,
        "password_age": 3,
    }


def test_a_redactor_crosses_to_another_process() -> None:
    redactor = Redactor(["hunter2"])

    assert pickle.loads(pickle.dumps(redactor)).redact("hunter2") == "***"


def test_a_redactor_does_not_show_its_secrets() -> None:
    assert "hunter2" not in repr(Redactor(["hunter2"]))


def test_threads_may_add_while_others_redact() -> None:
    redactor = Redactor()
    secrets = [f"secret number {number}" for number in range(100)]
    leaks: list[str] = []

    def work(secret: str) -> None:
        redactor.add(secret)
        if secret in redactor.redact(f"<{secret}>"):
            leaks.append(secret)

    threads = [threading.Thread(target=work, args=(secret,)) for secret in secrets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert leaks == []
    assert "secret number" not in redactor.redact(" ".join(secrets))
