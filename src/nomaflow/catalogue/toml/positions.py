"""On which line of a TOML text a key or an array's item stands."""

from collections.abc import Iterator, Sequence

import tree_sitter
import tree_sitter_toml

Key = str | int
KeyPath = tuple[Key, ...]


class Spot:
    """A table, an array or a value, with the line where it begins and what it holds."""

    __slots__ = ("line", "members")

    def __init__(self, line: int) -> None:
        self.line = line
        self.members: dict[Key, Spot] = {}

    def member(self, key: Key, line: int) -> "Spot":
        return self.members.setdefault(key, Spot(line))

    @property
    def newest(self) -> "Spot":
        """The last item of an array of tables; the spot itself when it is anything else."""
        last = len(self.members) - 1
        return self.members.get(last, self)


class Positions:
    """The lines of a text that is valid TOML; made only when a line is asked for."""

    def __init__(self, text: str) -> None:
        self._root = Spot(1)
        self._read(_parsed(text))

    def line(self, path: KeyPath) -> int | None:
        """The line of that key or item, from 1; None when the text does not hold it."""
        spot = self._root
        for key in path:
            if key not in spot.members:
                return None
            spot = spot.members[key]
        return spot.line

    def nearest(self, path: KeyPath) -> int:
        """The line of the path's deepest part that the text holds."""
        lines = (self.line(path[:length]) for length in range(len(path), 0, -1))
        return next((line for line in lines if line is not None), 1)

    def _read(self, document: tree_sitter.Node) -> None:
        for node in document.named_children:
            if node.type == "pair":
                _read_pair(node, self._root)
            elif node.type == "table":
                _read_pairs(node, self._table(_keys(node.named_children[0]), _line(node)))
            elif node.type == "table_array_element":
                _read_pairs(node, self._item(_keys(node.named_children[0]), _line(node)))

    def _table(self, keys: Sequence[str], line: int) -> Spot:
        spot = self._root
        for key in keys:
            spot = spot.member(key, line).newest
        return spot

    def _item(self, keys: Sequence[str], line: int) -> Spot:
        array = self._table(keys[:-1], line).member(keys[-1], line)
        return array.member(len(array.members), line)


def _parsed(text: str) -> tree_sitter.Node:
    language = tree_sitter.Language(tree_sitter_toml.language())
    return tree_sitter.Parser(language).parse(text.encode()).root_node


def _read_pairs(table: tree_sitter.Node, spot: Spot) -> None:
    for node in table.named_children:
        if node.type == "pair":
            _read_pair(node, spot)


def _read_pair(pair: tree_sitter.Node, spot: Spot) -> None:
    key, value = pair.named_children[:2]
    for part in _keys(key):
        spot = spot.member(part, _line(pair))
    _read_value(value, spot)


def _read_value(value: tree_sitter.Node, spot: Spot) -> None:
    if value.type == "inline_table":
        _read_pairs(value, spot)
    elif value.type == "array":
        items = (node for node in value.named_children if node.type != "comment")
        for index, item in enumerate(items):
            _read_value(item, spot.member(index, _line(item)))


def _keys(node: tree_sitter.Node) -> list[str]:
    return list(_key_parts(node))


def _key_parts(node: tree_sitter.Node) -> Iterator[str]:
    if node.type == "dotted_key":
        for child in node.named_children:
            yield from _key_parts(child)
    else:
        text = (node.text or b"").decode()
        yield text[1:-1] if node.type == "quoted_key" else text


def _line(node: tree_sitter.Node) -> int:
    return node.start_point.row + 1
