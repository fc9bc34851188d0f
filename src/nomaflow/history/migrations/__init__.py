"""The schema's versions, oldest first, applied by Alembic from inside the package."""
