"""Sudachi, as far as the ranking needs it."""

import pytest

from service.adapters.tokenizing import open_tokenizer

sudachi = open_tokenizer()
needs_sudachi = pytest.mark.skipif(sudachi is None, reason="sudachipy and sudachidict-small are not installed")


def test_none_is_none() -> None:
    assert open_tokenizer("none") is None


@needs_sudachi
def test_content_words_come_in_one_form_and_grammar_goes() -> None:
    assert sudachi
    assert sudachi.cut("髪を染めたいんですけど") == ["髪", "染める"]
    assert sudachi.cut("キャンセルできますか") == sudachi.cut("キャンセル出来る")
    assert sudachi.cut("") == []


@needs_sudachi
def test_its_name_tells_the_versions() -> None:
    assert sudachi
    assert sudachi.name.startswith("sudachipy ")
    assert "sudachidict-small 2" in sudachi.name


@needs_sudachi
def test_a_text_of_any_length_is_cut() -> None:
    assert sudachi
    assert sudachi.cut("駐車場" * 20_000)
