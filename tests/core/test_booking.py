"""The template of a booking, and reading it back."""

from hypothesis import given
from hypothesis import strategies as st

from service.core.booking import MAX_FILL_IN, make_template, read_filled

ASK = ("お名前", "ご希望の日時", "メニュー", "電話番号")
FILLED = """お名前：田中はるか
ご希望の日時：11月28日(土)14:00
メニュー：カットとカラー
電話番号：090-1234-5678"""


def test_the_template_has_a_line_for_each_thing_asked() -> None:
    assert make_template(ASK) == "お名前：\nご希望の日時：\nメニュー：\n電話番号："


def test_a_filled_template_is_read_back() -> None:
    assert read_filled(ASK, FILLED) == {
        "お名前": "田中はるか",
        "ご希望の日時": "11月28日(土)14:00",
        "メニュー": "カットとカラー",
        "電話番号": "090-1234-5678",
    }


def test_a_template_is_read_as_people_fill_it_in() -> None:
    said = "よろしくお願いします\n名前: 田中\n希望の日時 ：\n土曜の14時\n無理なら日曜\nﾒﾆｭｰ:ｶｯﾄ\n電話番号："
    assert read_filled(ASK, said) == {
        "お名前": "田中",
        "ご希望の日時": "土曜の14時\n無理なら日曜",
        "メニュー": "ｶｯﾄ",
    }


def test_the_last_value_of_a_label_counts() -> None:
    assert read_filled(ASK, "お名前：田中\nお名前：佐藤") == {"お名前": "佐藤"}


def test_a_message_that_is_no_template_gives_nothing() -> None:
    assert read_filled(ASK, "土曜の14:00は空いてますか") == {}
    assert read_filled((), FILLED) == {}


def test_a_template_too_long_for_line_is_cut_at_a_line() -> None:
    template = make_template([f"とても長い項目の名前その{number:03}" for number in range(40)])
    assert len(template) <= MAX_FILL_IN
    assert template.endswith("：")


labels = st.lists(st.text("あいうえおカットabc", min_size=1, max_size=6), max_size=5, unique=True).map(tuple)


@given(labels, st.text(max_size=80))
def test_any_text_gives_only_what_was_asked_for(ask: tuple[str, ...], text: str) -> None:
    found = read_filled(ask, text)
    assert set(found) <= set(ask)
    said = "".join(text.split())
    assert all(value and "".join(value.split()) in said for value in found.values())


@given(labels, st.data())
def test_what_is_filled_in_is_what_is_read(ask: tuple[str, ...], data: st.DataObject) -> None:
    ask = tuple({label.removeprefix("お"): label for label in ask if label.removeprefix("お")}.values())
    values = {label: data.draw(st.text("あいう123", min_size=1, max_size=8)) for label in ask}
    filled = "\n".join(f"{label}：{value}" for label, value in values.items())
    assert read_filled(ask, filled) == values
