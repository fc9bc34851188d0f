"""Attribute values in forms that people and databases know."""

from collections.abc import Callable, Collection, Mapping
from typing import Final
from uuid import UUID

Value = str | bytes

BINARY: Final = frozenset(
    {
        "cacertificate",
        "crosscertificatepair",
        "jpegphoto",
        "logonhours",
        "photo",
        "thumbnaillogo",
        "thumbnailphoto",
        "usercertificate",
        "userpassword",
        "userpkcs12",
        "usersmimecertificate",
    }
)


def presented(name: str, value: bytes, binary: Collection[str] = ()) -> Value:
    """A value as text; an identifier in its known form, other binary attributes as they are.

    `name` and `binary`, the further binary attributes, are in lower case. Raises ValueError.
    """
    known = _FORMS.get(name)
    if known:
        return known(value)
    if name in BINARY or name in binary:
        return value
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise ValueError(
            "holds bytes that are no UTF-8 text; list it in `binary` if that is right"
        ) from None


def _guid(value: bytes) -> str:
    """Active Directory stores the first three parts with the low byte first."""
    if len(value) != 16:
        raise ValueError("is no GUID of 16 bytes")
    return str(UUID(bytes_le=value))


def _sid(value: bytes) -> str:
    """`S-1-5-21-…`: revision, authority of 6 bytes, then numbers with the low byte first."""
    if len(value) < 8 or len(value) != 8 + 4 * value[1]:
        raise ValueError("is no security identifier")
    parts = [value[place : place + 4] for place in range(8, len(value), 4)]
    numbers = (int.from_bytes(part, "little") for part in parts)
    return "-".join(map(str, ("S", value[0], int.from_bytes(value[2:8], "big"), *numbers)))


_FORMS: Final[Mapping[str, Callable[[bytes], str]]] = {
    "objectguid": _guid,
    "msexchmailboxguid": _guid,
    "ms-ds-consistencyguid": _guid,
    "objectsid": _sid,
    "sidhistory": _sid,
    "securityidentifier": _sid,
}
