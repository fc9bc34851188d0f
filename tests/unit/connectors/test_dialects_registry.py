import pytest

from nomaflow.connectors.dialects.registry import dialect_of
from nomaflow.errors import NotFound


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("sqlite:///data/erp.db", "sqlite"),
        ("postgresql://reader@db:5432/erp", "postgresql"),
        ("postgresql+psycopg://reader@db/erp", "postgresql"),
        ("mysql://reader@db/erp", "mysql"),
        ("mariadb://reader@db/erp", "mysql"),
        ("duckdb:///data/warehouse.duckdb", "duckdb"),
        ("oracle://reader@db:1521/ERP", "oracle"),
        ("mssql://reader@db:1433/erp", "mssql"),
    ],
)
def test_a_url_is_spoken_by_the_dialect_of_its_scheme(url: str, name: str) -> None:
    assert dialect_of(url).name == name


def test_an_unknown_scheme_lists_the_installed_ones() -> None:
    with pytest.raises(NotFound, match=r"'dbase:'.*mariadb, mssql, mysql, .*postgresql.*sqlite"):
        dialect_of("dbase://here")
