"""Sealed values: both forms open, a wrong key or a damaged value is named."""

import re
from itertools import count

import pytest
from tests.canaries import sealed_by_the_older_system

from nomaflow.errors import SecretsError
from nomaflow.security.keys import Keys, MasterKey
from nomaflow.security.vault import Vault, is_sealed, rotate, sealing_key_id

FIRST, SECOND = MasterKey.generate(), MasterKey.generate()


def vault(*keys: MasterKey) -> Vault:
    return Vault(Keys(keys, "/srv/flow/master.key"))


def test_a_sealed_value_names_its_form_and_key() -> None:
    sealed = vault(FIRST).seal("hunter2")

    assert sealed.startswith(f"ENC:v1:{FIRST.id}:")
    assert sealing_key_id(sealed) == FIRST.id
    assert is_sealed(sealed)
    assert "hunter2" not in sealed


def test_a_sealed_value_opens_to_a_secret_that_does_not_print() -> None:
    secret = vault(FIRST).unseal(vault(FIRST).seal("hunter2"))

    assert secret.reveal() == "hunter2"
    assert "hunter2" not in f"{secret} {secret!r}"


def test_the_same_text_never_seals_to_the_same_value() -> None:
    assert vault(FIRST).seal("hunter2") != vault(FIRST).seal("hunter2")


def test_a_value_sealed_for_one_place_does_not_open_in_another() -> None:
    sealed = vault(FIRST).seal("hunter2", "pools.erp")

    assert vault(FIRST).unseal(sealed, "pools.erp").reveal() == "hunter2"
    with pytest.raises(SecretsError, match="sealed for another place"):
        vault(FIRST).unseal(sealed)


def test_an_older_key_still_opens() -> None:
    sealed = vault(FIRST).seal("hunter2")

    assert vault(SECOND, FIRST).unseal(sealed).reveal() == "hunter2"


def test_a_missing_key_is_named_beside_those_that_are_there() -> None:
    sealed = vault(FIRST).seal("hunter2")

    with pytest.raises(SecretsError) as refusal:
        vault(SECOND).unseal(sealed)

    assert all(fact in str(refusal.value) for fact in (FIRST.id, SECOND.id, "/srv/flow/master.key"))


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("hunter2", "not a sealed value"),
        ("", "not a sealed value"),
        ("ENC: see the manual", "not a sealed value"),
        ("ENC:v1:", "damaged"),
        ("ENC:v1:12345678:%%%%", "damaged"),
        ("ENC:v1:1234567:AAAA", "damaged"),
        (f"ENC:v1:{FIRST.id}:A", "damaged"),
        (f"ENC:v1:{FIRST.id}:AAAA", "damaged"),
        (f"ENC:v1:{FIRST.id}:{'A' * 40}", "damaged"),
        ("ENC:v2:12345678:AAAA", "newer version"),
        ("ENC:", "older form is damaged"),
        ("ENC:AAAA", "older form is damaged"),
        ("ENC:A", "older form is damaged"),
        ("ENC:" + "A" * 128, "opens with none of the master keys"),
    ],
    ids=count(),  # a text holds the id of a fresh key: no name that two processes agree on
)
def test_what_does_not_open_says_what_is_wrong(text: str, cause: str) -> None:
    with pytest.raises(SecretsError, match=cause):
        vault(FIRST).unseal(text)


def test_the_older_form_opens_with_the_passphrase_as_given() -> None:
    sealed = sealed_by_the_older_system("pâßword ☃", "old master key")

    opened = vault(FIRST, MasterKey.parse("old master key")).unseal(sealed)

    assert opened.reveal() == "pâßword ☃"
    assert sealing_key_id(sealed) is None


def test_the_older_form_opens_with_the_text_of_a_key() -> None:
    sealed = sealed_by_the_older_system("hunter2", FIRST.text)

    assert vault(SECOND, FIRST).unseal(sealed).reveal() == "hunter2"


def test_the_older_form_without_its_key_is_refused() -> None:
    sealed = sealed_by_the_older_system("hunter2", "another")

    with pytest.raises(SecretsError, match="opens with none of the master keys"):
        vault(FIRST).unseal(sealed)


def test_a_passphrase_does_not_seal() -> None:
    with pytest.raises(SecretsError, match="is a passphrase"):
        vault(MasterKey.parse("old master key"), FIRST).seal("hunter2")


def test_text_that_is_no_unicode_is_refused() -> None:
    with pytest.raises(SecretsError, match="not valid Unicode"):
        vault(FIRST).seal("\udcff")


def test_resealing_moves_a_value_to_the_newest_key_once() -> None:
    both = vault(SECOND, FIRST)

    moved = both.reseal(vault(FIRST).seal("hunter2"))

    assert sealing_key_id(moved) == SECOND.id
    assert vault(SECOND).unseal(moved).reveal() == "hunter2"
    assert both.reseal(moved) == moved


def test_resealing_moves_the_older_form_to_ours() -> None:
    older = sealed_by_the_older_system("hunter2", "old master key")

    moved = vault(FIRST, MasterKey.parse("old master key")).reseal(older)

    assert vault(FIRST).unseal(moved).reveal() == "hunter2"


def test_the_canary_passes_under_its_key_and_after_a_rotation() -> None:
    canary = vault(FIRST).make_canary()

    vault(FIRST).check_canary(canary)
    vault(SECOND, FIRST).check_canary(canary)
    vault(SECOND).check_canary(vault(SECOND, FIRST).reseal(canary))


def test_a_wrong_key_is_one_sentence_with_the_ids_and_the_file() -> None:
    canary = vault(FIRST).make_canary()

    with pytest.raises(SecretsError) as refusal:
        vault(SECOND).check_canary(canary)

    message = str(refusal.value)
    assert message.count(". ") == 0
    assert all(fact in message for fact in (FIRST.id, SECOND.id, "/srv/flow/master.key"))


@pytest.mark.parametrize("canary", ["", "plain", "ENC:v1:0:x", "ENC:AAAA"])
def test_a_damaged_canary_is_named_as_the_canary(canary: str) -> None:
    with pytest.raises(SecretsError, match="canary of the home folder does not open"):
        vault(FIRST).check_canary(canary)


def test_another_sealed_value_is_no_canary() -> None:
    with pytest.raises(SecretsError, match="is another sealed value"):
        vault(FIRST).check_canary(vault(FIRST).seal("hunter2"))


def test_a_vault_shows_key_ids_alone() -> None:
    assert repr(vault(FIRST, SECOND)) == f"Vault({FIRST.id}, {SECOND.id})"


TOML = '''\
# password = "ENC:v1:00000000:comment-stays" it's
[pools.erp]   # "quoted
password = "{a}"
note = "say \\"ENC:v1\\" # twice"
[pools.b]
password='{b}'\ttail = """
ENC: no "value" here"""
channels = ["{a}", "plain"] # end\r
last = """{b}"""'''


def test_rotation_reseals_every_sealed_string_and_touches_nothing_else() -> None:
    old = vault(FIRST)
    before = {"a": old.seal("alpha"), "b": sealed_by_the_older_system("beta", FIRST.text)}
    text = TOML.format(**before)

    rotated = rotate(text, vault(SECOND, FIRST))

    rest = map(re.escape, re.split(r"\{[ab]\}", TOML))
    values = re.fullmatch("(ENC:[^\"']+)".join(rest), rotated)
    assert values
    opened = [vault(SECOND).unseal(value).reveal() for value in values.groups()]
    assert opened == ["alpha", "beta", "alpha", "beta"]


def test_rotation_of_rotated_text_changes_nothing() -> None:
    text = f'password = "{vault(FIRST).seal("hunter2")}"\n'

    assert rotate(text, vault(FIRST)) == text


def test_rotation_names_the_line_of_a_value_that_does_not_open() -> None:
    text = f'a = 1\nb = "x"\npassword = "{vault(SECOND).seal("hunter2")}"\n'

    with pytest.raises(SecretsError, match=f"^Line 3: .*{SECOND.id}"):
        rotate(text, vault(FIRST))
