"""How texts are cut and counted."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.features import Tokenizer, Wording, count_texts, weigh

PLAIN = Wording()
TEXTS = ["駐車場はwifiある", "pay by card", "カットいくら", "", "when will my order arrive", "営業時間を教えて"]
CORPUS = count_texts(list(map(PLAIN.read, TEXTS)), PLAIN)


def cut(text: str, wording: Wording = PLAIN) -> list[list[str]]:
    return [each(wording.read(text)) for each in wording.cuts]


def test_japanese_is_cut_by_script_and_english_at_spaces() -> None:
    words, runs, _ = cut("駐車場はwifiある")
    assert words == ["wifi"]
    assert runs == ["駐", "車", "場", "駐車", "車場"]
    assert cut("pay by card")[:2] == [["pay", "by", "pay by", "card", "by card"], []]


def test_spelling_marks_the_edges_of_words_and_cuts_japanese_anywhere() -> None:
    assert cut("ok")[2] == [" o", "ok", "k ", " ok", "ok ", " ok "]
    assert cut("です")[2] == ["で", "す", "です"]


def test_a_tokenizer_sees_only_japanese() -> None:
    wording = Wording(Tokenizer("halves", lambda text: [text[:2], text[2:]]))
    assert cut("髪を染める with dye", wording)[0] == ["髪を", "染める", "with", "dye", "with dye"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("染めたいです", "カラーたいです"),
        ("染めるのはいくら", "カラーるのはいくら"),
        ("ヘアカラー料金", "カラー料金"),
        ("ｶﾗｰ料金", "カラー料金"),
        ("do you dye hair", "do you カラー hair"),
        ("DYE!", "カラー"),
        ("dyed", "dyed"),
        ("予約したい", "booking したい"),
        ("予約する", "booking する"),
        ("染色体", "染色体"),
    ],
)
def test_a_synonym_is_read_as_the_first_of_its_group(text: str, expected: str) -> None:
    wording = Wording(synonyms=(("カラー", "染める", "ヘアカラー", "dye"), ("booking", "予約する"), ("", "?")))
    assert wording.read(text) == PLAIN.read(expected)


@given(st.text(max_size=30))
def test_synonyms_are_read_the_same_twice(text: str) -> None:
    wording = Wording(synonyms=(("カラー", "染める"), ("booking", "予約")))
    assert wording.read(wording.read(text)) == wording.read(text)


def test_wordings_of_other_words_have_other_names() -> None:
    names = {
        Wording().name,
        Wording(synonyms=(("a", "b"),)).name,
        Wording(Tokenizer("x", str.split)).name,
        Wording(Tokenizer("y", str.split)).name,
    }
    assert len(names) == 4


@pytest.mark.parametrize("row", range(len(TEXTS)))
def test_a_text_of_the_corpus_is_counted_as_any_other_text(row: int) -> None:
    taken, counted = CORPUS.query(row), CORPUS.lexicon.count(PLAIN.read(TEXTS[row]))
    assert taken.bounds == counted.bounds
    assert dict(zip(taken.features, taken.counts, strict=True)) == dict(
        zip(counted.features, counted.counts, strict=True)
    )
    assert counted.unknown == ((), (), ())


def test_what_no_text_has_is_counted_as_unknown() -> None:
    query = CORPUS.lexicon.count("xyz")
    assert not len(query.features)
    assert [len(strange) for strange in query.unknown] == [1, 0, 10]


def test_rows_have_length_1_and_those_without_features_0() -> None:
    matrix, idfs = weigh(CORPUS, np.arange(len(TEXTS)))
    lengths = np.sqrt((matrix.toarray() ** 2).sum(axis=1))
    assert lengths == pytest.approx([1, 1, 1, 0, 1, 1], abs=1e-6)
    assert len(idfs) == matrix.shape[1]


def test_some_of_the_texts_weigh_as_if_there_were_no_others() -> None:
    some = [0, 2]
    alone = count_texts([PLAIN.read(TEXTS[row]) for row in some], PLAIN)
    expected, _ = weigh(alone, np.arange(2))
    got, _ = weigh(CORPUS, np.array(some))
    assert (got @ got.transpose()).toarray() == pytest.approx((expected @ expected.transpose()).toarray(), abs=1e-6)
