"""What one writes first: `row_by_row.py SOURCE TARGET TABLE ROWS`, by SQLAlchemy's executemany."""

import sys
from itertools import islice

import sqlalchemy as sa

source, target, table, most = sys.argv[1:]
ours, theirs = (
    sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:", 1))
    for url in (source, target)
)
bare = sa.Table("bare", sa.MetaData(), autoload_with=theirs)
with ours.connect().execution_options(stream_results=True) as read, theirs.begin() as write:
    rows = read.execute(sa.text(f"SELECT * FROM {table} LIMIT {most}")).mappings()  # noqa: S608 - ours
    while batch := [dict(row) for row in islice(rows, 10_000)]:
        write.execute(bare.insert(), batch)
