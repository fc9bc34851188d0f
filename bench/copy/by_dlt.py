"""`by_dlt.py SOURCE TARGET TABLE BARE`: a table of PostgreSQL, copied by dlt."""

import sys

import dlt
from dlt.destinations import postgres
from dlt.sources.sql_database import sql_table

# It takes no address without a password, which these servers do not ask for.
source, target = (url.replace("postgres@", "postgres:none@", 1) for url in sys.argv[1:3])
table, bare = sys.argv[3:]
source = source.replace("postgresql:", "postgresql+psycopg2:", 1)
rows = sql_table(source, table=table, schema="public", backend="connectorx")
pipeline = dlt.pipeline("bench", destination=postgres(target), dataset_name="public")
pipeline.run(rows, table_name=bare, write_disposition="replace", loader_file_format="csv")
