"""Template code leaves a source and comes back; no source can hold a word that stands for it."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from gateway.templates.template_code import protect_code

CODE = re.compile(r"\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)
SOURCES = st.lists(
    st.sampled_from(["{{ a }}", "{{ b }}", "{% if x %}", "{% endif %}", "<p>", "jx0x", "jx", "0x", "\ud800"])
)


@given(SOURCES.map("".join))
def test_code_comes_back_where_it_was(source: str) -> None:
    protected, code = protect_code(source, CODE)
    assert not CODE.search(protected)
    assert code.restore(protected) == source


@given(SOURCES.map("".join))
def test_each_piece_is_kept_once_and_its_word_is_not_in_the_source(source: str) -> None:
    _, code = protect_code(source, CODE)
    assert code.pieces == tuple(dict.fromkeys(CODE.findall(source)))
    assert code.key not in source
    # Words of one source mean nothing in another, not even in one that was made to hold them.
    _, other = protect_code(f"{source}{code.key}0x", CODE)
    assert other.key != code.key
