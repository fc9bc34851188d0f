"""The throw-away servers themselves."""

import psycopg
import pymysql
import pytest
from sqlalchemy.engine import make_url
from tests.servers.mariadb import MariadbServer
from tests.servers.postgresql import PostgresqlServer


def test_a_postgresql_database_is_empty_and_takes_any_text(postgresql_url: str) -> None:
    with psycopg.connect(postgresql_url) as connection:
        tables = connection.execute(
            "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
        ).fetchone()
        text = connection.execute("SELECT 'Zoë 🚀'").fetchone()
    assert tables == (0,)
    assert text == ("Zoë 🚀",)


def test_a_postgresql_database_goes_while_someone_is_connected(
    postgresql_server: PostgresqlServer,
) -> None:
    with postgresql_server.database() as url:
        forgotten = psycopg.connect(url)
    with pytest.raises(psycopg.OperationalError):
        forgotten.execute("SELECT 1")
    forgotten.close()


def test_two_postgresql_databases_do_not_share_tables(
    postgresql_server: PostgresqlServer,
) -> None:
    with postgresql_server.database() as one, postgresql_server.database() as other:
        with psycopg.connect(one) as connection:
            connection.execute("CREATE TABLE only_here (id integer)")
        with (
            psycopg.connect(other) as connection,
            pytest.raises(psycopg.errors.UndefinedTable),
        ):
            connection.execute("SELECT * FROM only_here")


def test_a_mariadb_database_is_empty_and_takes_any_text(mariadb_url: str) -> None:
    url = make_url(mariadb_url)
    with (
        pymysql.connect(
            host=url.host, port=url.port or 0, user=url.username, database=url.database
        ) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("SHOW TABLES")
        assert cursor.fetchall() == ()
        cursor.execute("SELECT 'Zoë 🚀'")
        assert cursor.fetchone() == ("Zoë 🚀",)


def test_a_mariadb_database_is_gone_afterwards(mariadb_server: MariadbServer) -> None:
    with mariadb_server.database() as url:
        name = make_url(url).database
    with pytest.raises(pymysql.OperationalError, match="Unknown database"):
        pymysql.connect(host="127.0.0.1", port=mariadb_server.port, user="nomaflow", database=name)
