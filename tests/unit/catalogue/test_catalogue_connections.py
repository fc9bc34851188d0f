"""Connectors open with resolved settings, and their passwords stay secret."""

from pathlib import Path

import pytest
from tests.unit.catalogue.kinds import FileBlock, SqlBlock, load_texts

from nomaflow.catalogue.connections import Connections, absolute
from nomaflow.catalogue.home import Home
from nomaflow.catalogue.values.unsealing import Unsealing
from nomaflow.domain.secrets import Secret
from nomaflow.errors import InvalidConfiguration, NotFound, SecretsError, StepRefused
from nomaflow.security.keys import Keys, MasterKey
from nomaflow.security.redaction import Redactor
from nomaflow.security.vault import Vault

VAULT = Vault(Keys((MasterKey.generate(),), "the test"))
ERP = '[connectors.erp]\ntype = "sql"\npool = "erp"\n'


def connections(folder: Path, text: str, **variables: str) -> Connections:
    catalogue = load_texts(folder, connectors=text)
    return Connections(lambda: catalogue, Unsealing(VAULT, Redactor()), variables.get)


def test_the_store_is_a_file_of_the_home(tmp_path: Path) -> None:
    settings = connections(tmp_path, "").settings("default")
    assert settings.type == "sql"
    assert settings.definition == SqlBlock(pool="default")
    assert settings.pool is not None
    assert settings.pool.url == f"sqlite:///{tmp_path}/data/nomaflow.db"


def test_a_sealed_password_is_opened_and_masked(tmp_path: Path) -> None:
    sealed = VAULT.seal("hunter2-hunter2")
    text = f'[pools.erp]\nurl = "postgresql://me@db/erp"\npassword = "{sealed}"\nsize = 9\n{ERP}'
    known = connections(tmp_path, text)
    pool = known.settings("erp").pool
    assert pool is not None
    assert (pool.name, pool.url, pool.size) == ("erp", "postgresql://me@db/erp", 9)
    assert pool.password == Secret("hunter2-hunter2")
    assert known.unsealing.redactor.redact("it is hunter2-hunter2") == "it is ***"


def test_a_password_may_come_from_a_variable(tmp_path: Path) -> None:
    text = f'[pools.erp]\nurl = "postgresql://${{env:WHO}}@db/erp"\npassword = "${{env:PW}}"\n{ERP}'
    pool = connections(tmp_path, text, WHO="me", PW="hunter2-hunter2").pool("erp")
    assert pool.url == "postgresql://me@db/erp"
    assert pool.password == Secret("hunter2-hunter2")


def test_a_variable_may_hold_a_sealed_password(tmp_path: Path) -> None:
    text = f'[pools.erp]\nurl = "postgresql://me@db/erp"\npassword = "${{env:PW}}"\n{ERP}'
    pool = connections(tmp_path, text, PW=VAULT.seal("hunter2")).pool("erp")
    assert pool.password == Secret("hunter2")


def test_a_variable_without_a_value_is_named(tmp_path: Path) -> None:
    text = f'[pools.erp]\nurl = "postgresql://me@db/erp"\npassword = "${{env:PW}}"\n{ERP}'
    with pytest.raises(StepRefused, match="set PW in the env file"):
        connections(tmp_path, text).settings("erp")


def test_a_password_under_another_key_names_its_pool(tmp_path: Path) -> None:
    stranger = Vault(Keys((MasterKey.generate(),), "elsewhere"))
    text = f'[pools.erp]\nurl = "postgresql://me@db/erp"\npassword = "{stranger.seal("x")}"\n{ERP}'
    with pytest.raises(SecretsError, match="password of pool 'erp'"):
        connections(tmp_path, text).settings("erp")


def test_an_unknown_name_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"Unknown connector 'erp' \(there are: default\)"):
        connections(tmp_path, "").settings("erp")


def test_a_broken_connector_says_what_is_wrong_with_it(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfiguration, match=r"connectors\.toml:1"):
        connections(tmp_path, f"[pools.erp]\nsize = 3\n{ERP}").settings("erp")


def test_tokens_of_any_connector_resolve_and_are_checked_then(tmp_path: Path) -> None:
    text = '[connectors.in]\ntype = "files"\nfolder = "${env:IN}"\ndepth = "${env:DEPTH}"\n'
    settings = connections(tmp_path, text, IN="/in", DEPTH="3").settings("in")
    assert settings.definition == FileBlock(folder="/in", depth=3)
    assert settings.pool is None
    with pytest.raises(StepRefused, match="field 'depth': expected a whole number"):
        connections(tmp_path, text, IN="/in", DEPTH="deep").settings("in")


def test_the_pool_of_a_connector_may_come_from_a_variable(tmp_path: Path) -> None:
    text = '[pools.a]\nurl = "sqlite:////a.db"\n[connectors.erp]\ntype = "sql"\npool = "${env:P}"\n'
    pool = connections(tmp_path, text, P="a").settings("erp").pool
    assert pool is not None
    assert pool.url == "sqlite:////a.db"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("sqlite:///data/a.db", "sqlite:////home/data/a.db"),
        ("sqlite:///data/a.db?mode=ro", "sqlite:////home/data/a.db?mode=ro"),
        ("sqlite:////var/a.db", "sqlite:////var/a.db"),
        ("duckdb:///a.duckdb?threads=2", "duckdb:////home/a.duckdb?threads=2"),
        ("sqlite:///:memory:", "sqlite:///:memory:"),
        ("postgresql:///erp", "postgresql:///erp"),
    ],
)
def test_a_file_is_found_from_the_home(url: str, expected: str) -> None:
    assert absolute(url, Home(Path("/home"))) == expected
