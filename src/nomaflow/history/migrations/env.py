"""Run by Alembic: applies versions in the transaction of the connection that it is given."""

from alembic import context

from nomaflow.history.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=context.config.get_main_option("version_table"),
)
with context.begin_transaction():
    context.run_migrations()
