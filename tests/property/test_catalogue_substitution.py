"""Substitution holds for any text and any value."""

import json
from contextlib import suppress
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from nomaflow.catalogue.values.substitution import Scope, as_read, merge_params, resolve
from nomaflow.catalogue.values.tokens import MalformedToken, Token, escaped, pieces
from nomaflow.errors import StepRefused

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
values = st.recursive(
    scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20
)
keys = st.from_regex(r"[a-z][a-z0-9_-]{0,8}", fullmatch=True)
hostile = st.text(alphabet="${}:-ekwnvouctx. a\n", max_size=40)


def written(value: Any) -> Any:
    """The value with each `${` in its strings written so that it stays."""
    if isinstance(value, str):
        return escaped(value)
    if isinstance(value, dict):
        return {key: written(item) for key, item in value.items()}
    return [written(item) for item in value] if isinstance(value, list) else value


@given(values)
def test_an_escaped_value_comes_out_as_it_was(value: Any) -> None:
    assert resolve(written(value), Scope()) == value


@given(values)
def test_what_is_kept_resolves_to_the_same_value_later_and_reads_as_it(value: Any) -> None:
    kept = resolve(written(value), Scope(to_be_kept=True))
    assert resolve(kept, Scope()) == value
    assert as_read(kept) == value


@given(hostile)
def test_an_escaped_hostile_text_comes_out_as_it_was(text: str) -> None:
    assert resolve(written(text), Scope()) == text


@given(keys, values)
def test_one_token_keeps_the_value_and_its_type(key: str, value: Any) -> None:
    resolved = resolve(f"${{kw:{key}}}", Scope(params={key: value}))
    assert resolved == value
    assert type(resolved) is type(value)


@given(keys, scalars.filter(lambda value: value is not None), st.text(alphabet="abc $%{}"))
def test_a_token_inside_a_text_becomes_its_text(key: str, value: Any, around: str) -> None:
    before = around.replace("{", "").rstrip("$")
    after = around.replace("{", "")
    resolved = resolve(f"{before}${{kw:{key}}}{after}!", Scope(params={key: value}))
    shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    assert resolved == f"{before}{shown}{after}!"


@given(hostile)
def test_any_text_is_cut_into_pieces_or_refused_as_malformed(text: str) -> None:
    with suppress(MalformedToken):
        assert all(isinstance(part, Token) or part for part in pieces(text))


@given(hostile)
def test_any_text_resolves_or_is_refused(text: str) -> None:
    with suppress(StepRefused):
        assert set(resolve({"field": text}, Scope(params={"n": 1}))) == {"field"}


@given(st.lists(st.dictionaries(keys, scalars.map(written), max_size=4), max_size=4))
def test_layers_without_tokens_merge_like_dictionaries(layers: list[dict[str, Any]]) -> None:
    merged: dict[str, Any] = {}
    for layer in layers:
        merged |= layer
    assert written(merge_params(layers, Scope())) == merged


@given(values, st.sampled_from(["a", "a.b", "a.b.c"]))
def test_a_literal_path_is_never_touched(value: Any, path: str) -> None:
    nested: Any = value
    for key in reversed(path.split(".")):
        nested = {key: nested}
    assert resolve(nested, Scope(), {path}) == nested
