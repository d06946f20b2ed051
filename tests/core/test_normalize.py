"""The spelling in which texts are compared."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service.core.normalize import normalize

PIECES = st.lists(
    st.sampled_from(
        [
            *"かガｶﾞ゛゜ー〜~！？!?、。 　・ωоaAｗw1①㈱々ー漢𠮷ß-'’,.´`()（）\n\u200d\ufe0f\ud800",
            "(love)",
            "m(_ _)m",
            "👍🏻",
            "İ",
            "が",
            "www",
        ]
    )
).map("".join)


@given(st.one_of(st.text(), PIECES, st.text(st.characters(categories=["Cs", "Mn", "Me", "Lm", "Sk", "So"]))))
@example("か゛")
@example("か😀゛き")
@example("((love)love)")
def test_normalizing_twice_is_normalizing_once(text: str) -> None:
    assert normalize(normalize(text)) == normalize(text)


@given(PIECES)
def test_no_punctuation_and_no_outer_space_is_left(text: str) -> None:
    result = normalize(text)
    assert result == result.strip()
    assert not set(result) & set("！？!?、。~〜()・ \n") - {" "}


@pytest.mark.parametrize(
    "spellings",
    [
        [
            "ｶｯﾄいくら??",
            "カット  いくら〜",
            "カット、いくら？！",
            "カットいくら😊",
            "カット いくら(happy)",
            "カットいくら\n",
        ],
        ["wi-fiありますか", "ＷｉＦｉ ありますか？", "Wi-Fi　ありますか〜〜"],
        ["はーい", "は〜い", "はい！", "はいーーー"],
        ["クーポン", "クーポン〜", "ｸｰﾎﾟﾝ!!", "クーーポン"],
        ["お願いしますm(_ _)m", "お願いします(^o^)", "お願いします（＾＾）", "お願いします(´・ω・`)"],
        ["4,400円", "4400円", "４，４００円"],
        ["①番", "1番", "１番"],
        ["don't know", "DON’T  KNOW", "dont know!"],
        ["駐車場ってあるっ?", "駐車場って あるっ"],
        ["らららららーめん", "らめん"],
    ],
)
def test_spellings_of_the_same_message_are_one(spellings: list[str]) -> None:
    assert len({normalize(spelling) for spelling in spellings}) == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("？！…", ""),
        ("👍🏻👨‍👩‍👧", ""),
        ("Do you take  Credit-Cards?", "do you take creditcards"),
        ("カラー", "カラー"),
        ("カラーー", "カラー"),
        ("10:00~20:00", "10 00 20 00"),
        ("10000円", "10000円"),
        ("1/2 と 3", "1 2と3"),
        ("カット(税込)", "カット税込"),
        ("a\ud800b", "a b"),
        ("\udfff", ""),
        ("soooo goooood", "so god"),
        ("髙橋さん", "髙橋さん"),
        ("𠮷野家 で", "𠮷野家で"),
    ],
)
def test_golden(text: str, expected: str) -> None:
    assert normalize(text) == expected
