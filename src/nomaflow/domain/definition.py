"""What every block of configuration is: closed, frozen, and described field by field."""

from pydantic import BaseModel, ConfigDict


class Definition(BaseModel):
    """A closed, frozen block of configuration: unknown keys are refused."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, arbitrary_types_allowed=True
    )


class Documented(Definition):
    """A definition whose fields are described by the text below each: forms and docs use it."""

    model_config = ConfigDict(use_attribute_docstrings=True)
