"""Where JD Edwards' data dictionary stands: a connector's setting."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from nomaflow.domain.definition import Definition

_TABLE = "F9210"


class JdeDictionary(Definition):
    """JD Edwards' data dictionary, for copies with `type_coercion = "jde"`.

    A table, `F9210` unless told otherwise, of this connector or another one; or a CSV file with a
    header. Relative paths count from the home folder.
    """

    connector: Annotated[
        str | None, Field(description="The SQL connector that has the table; absent: this one.")
    ] = None
    schema_: Annotated[str | None, Field(alias="schema", description="The table's schema.")] = None
    table: Annotated[str | None, Field(description='Absent: `"F9210"`.')] = None
    csv: Annotated[str | None, Field(description="A CSV file instead of a table.")] = None
    item: Annotated[str, Field(description="The column with the data item's alias.")] = "FRDTAI"
    type: Annotated[str, Field(description="The column with the item's type.")] = "FROWTP"
    decimals: Annotated[str, Field(description="The column with its decimals.")] = "FRCDEC"
    numeric_types: Annotated[
        tuple[str, ...], Field(description="The types of numbers with implied decimals.")
    ] = ("9",)
    date_types: Annotated[tuple[str, ...], Field(description="The types of Julian dates.")] = (
        "11",
    )

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if self.csv is not None and (self.table or self.schema_ or self.connector):
            raise ValueError("expected csv alone, or a table with its schema and connector")
        return self

    @property
    def table_name(self) -> str:
        """The table's name, if it is a table."""
        return self.table or _TABLE

    def located(self, home: Path) -> "JdeDictionary":
        """The same, its file's path counted from the home folder."""
        if self.csv is None:
            return self
        return self.model_copy(update={"csv": str(home / self.csv)})
