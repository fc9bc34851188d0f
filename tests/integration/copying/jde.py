"""Tables in the form of JD Edwards' F0101 (addresses), F0911 (ledger) and F9210 (dictionary)."""

from tests.integration.copying.conftest import Place

ADDRESSES = """
CREATE TABLE "F0101" (
    "ABAN8" {number}(8,0) NOT NULL, "ABALKY" CHAR(20), "ABALPH" CHAR(40), "ABMCU" CHAR(12),
    "ABUPMJ" {number}(6,0), "ABUPMT" {number}(6,0), "ABURAT" {number}(15,0), "ABXYZ" {number}(9,0),
    PRIMARY KEY ("ABAN8"))
"""
LEDGER = """
CREATE TABLE "F0911" (
    "GLKCO" CHAR(5) NOT NULL, "GLDCT" CHAR(2) NOT NULL, "GLDOC" {number}(8,0) NOT NULL,
    "GLDGJ" {number}(6,0) NOT NULL, "GLJELN" {number}(7,0) NOT NULL, "GLAA" {number}(15,0),
    "GLU" {number}(15,0), "GLCRR" {real}, "GLEXA" CHAR(30),
    PRIMARY KEY ("GLDCT", "GLDOC", "GLKCO", "GLDGJ", "GLJELN"))
"""
DICTIONARY = """
CREATE TABLE "{name}" (
    "FRDTAI" CHAR(10) NOT NULL, "FROWTP" CHAR(2), "FRCDEC" CHAR(1), PRIMARY KEY ("FRDTAI"))
"""
ITEMS = [
    ("AN8       ", "9 ", " "),
    ("ALKY      ", "2 ", " "),
    ("ALPH      ", "2 ", " "),
    ("UPMJ      ", "11", " "),
    ("UPMT      ", "9 ", "0"),
    ("URAT      ", "9 ", "2"),
    ("DOC       ", "9 ", "0"),
    ("DGJ       ", "11", None),
    ("JELN      ", "9 ", "1"),
    ("AA        ", "9 ", "2"),
    ("U         ", "9 ", "2"),
    ("CRR       ", "9 ", "7"),
]
ADDRESS_ROWS = [
    (1, "KEY 1", "Ada Lovelace", "        M30", 126326, 235959, 1234567, 42),
    (2, "", "  Bob", "          1", 0, 0, -1, None),
    (3, None, "Zoë 'x' \\", None, None, None, None, 0),
    (8, "KEY 8", "End of days", " ", 124366, 1, 0, 1),
    (9, "KEY 9", "Leap day", " ", 100060, 1, 99, 1),
]
LEDGER_ROWS = [
    ("00001", "JE", 10, 126001, 10, 999999999999999, 100, 11234567.0, "first"),
    ("00001", "JE", 10, 126001, 25, -1, 0, 0.0, ""),
    ("00010", "PV", 11, 99365, 10, 0, None, None, None),
]


def make(place: Place, *, dictionary: str = "F9210") -> None:
    """The three tables; CHAR values are padded, as JD Edwards stores them."""
    number, real = ("NUMERIC", "FLOAT") if place.is_sqlite else ("NUMERIC", "double precision")
    place.run(
        ADDRESSES.format(number=number),
        LEDGER.format(number=number, real=real),
        DICTIONARY.format(name=dictionary),
    )
    place.insert('"F0101"', [_padded(row, {1: 20, 2: 40, 3: 12}) for row in ADDRESS_ROWS])
    place.insert('"F0911"', [_padded(row, {8: 30}) for row in LEDGER_ROWS])
    place.insert(f'"{dictionary}"', ITEMS)


def _padded(row: tuple[object, ...], widths: dict[int, int]) -> tuple[object, ...]:
    return tuple(
        value.ljust(widths[place]) if isinstance(value, str) and place in widths else value
        for place, value in enumerate(row)
    )
