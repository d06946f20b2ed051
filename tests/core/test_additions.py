"""What staff add to the FAQ: where it is written, and when it is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.additions import (
    NEW_FILE,
    Addition,
    Prepared,
    files_to_add_to,
    one_line,
    prepare,
    sight,
)
from service.core.answers import no_images
from service.core.contents import Source, read_contents
from service.core.entries import Entry

HOURS = """# 営業案内

## 営業時間を教えてください {#hours}

> - 何時まで開いていますか
> - 今日やってる?

10時からです。

## 駐車場はありますか {#parking}

店の裏に3台分あります。
"""
MENU = "---\nタグ: メニュー\n---\n\n## カットの料金は {#cut}\n\n>いくらですか\n\n4,400円です。\n"
HANDOFF = "---\naction: handoff\n---\n\n## 予約の変更 {#change}\n\n> - 予約を変えたい\n"
FILES = {"01.md": HOURS, "02.md": MENU, "03.md": HANDOFF}


def sources(**changed: str) -> list[Source]:
    files = FILES | {f"{name}.md": text for name, text in changed.items()}
    return [Source(name, text) for name, text in files.items()]


def entries(*given: Source) -> dict[str, Entry]:
    return {entry.id: entry for entry in read_contents(given or sources()).faq.entries}


def phrasing(entry: str, words: str, *given: Source) -> Prepared:
    here = given or tuple(sources())
    addition = Addition(entry=entry, seen=sight(entries(*here)[entry]), question=words)
    return prepare(addition, here, no_images)


def new(question: str, answer: str, file: str = "01.md", *given: Source) -> Prepared:
    return prepare(Addition(question=question, answer=answer, file=file), given or sources(), no_images)


def test_a_phrasing_goes_below_the_last_one_and_nothing_else_changes() -> None:
    prepared = phrasing("hours", "夜は何時までやってますか")
    assert prepared.outcome.status == "done"
    assert prepared.before == HOURS
    assert prepared.after == HOURS.replace("やってる?\n", "やってる?\n> - 夜は何時までやってますか\n")


def test_a_phrasing_is_written_as_the_one_before() -> None:
    assert phrasing("cut", "カットいくら").after == MENU.replace(">いくらですか\n", ">いくらですか\n>カットいくら\n")


def test_the_first_phrasing_goes_under_the_heading() -> None:
    after = phrasing("parking", "車で行けますか").after
    assert after == HOURS.replace("{#parking}\n", "{#parking}\n\n> - 車で行けますか\n")


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("start", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["", "\n", "\n\n"])
def test_line_ends_marks_of_encoding_and_ends_of_files_stay(ending: str, start: str, end: str) -> None:
    text = start + HOURS.replace("\n", ending).rstrip("\r\n") + end.replace("\n", ending)
    here = sources(**{"01": text})
    for prepared in (phrasing("hours", "夜は?", *here), new("傘は借りられますか", "はい。\nどうぞ。", "01.md", *here)):
        after = prepared.after or ""
        assert after.startswith(start + "# ")
        assert after.count("\n") == after.count(ending)
        assert len(entries(*sources(**{"01": after}))) >= len(entries())


def test_a_new_entry_goes_to_the_end_with_an_id_that_stays() -> None:
    prepared = new("傘は借りられますか", "はい、受付でお貸しします。\n\nお気軽にどうぞ。")
    assert prepared.after
    added = prepared.after.removeprefix(HOURS)
    assert added.startswith("\n## 傘は借りられますか {#")
    entry = next(each for each in entries(*sources(**{"01": prepared.after})).values() if "傘" in each.question)
    assert entry.bubbles == ("はい、受付でお貸しします。\n\nお気軽にどうぞ。",)
    assert f"{{#{entry.id}}}" in added


def test_a_new_entry_may_begin_a_new_file() -> None:
    prepared = new("傘は借りられますか", "はい。", NEW_FILE)
    assert (prepared.outcome.status, prepared.before) == ("done", None)
    assert prepared.after
    assert prepared.after.startswith("## 傘は借りられますか {#")


def test_a_line_of_dashes_parts_bubbles() -> None:
    after = new("傘は", "はい。\n---\nどうぞ。").after
    assert after
    entry = next(each for each in entries(*sources(**{"01": after})).values() if each.question == "傘は")
    assert entry.bubbles == ("はい。", "どうぞ。")


@pytest.mark.parametrize(
    "answer",
    [
        "## 見出しではありません",
        "> 引用ではありません",
        "- 点です\n- これも",
        "*星* と _線_ と `棒`",
        "[かっこ](https://x.example)",
        "#ハッシュタグ",
        "| 表 | では |\n|---|---|\n| ない | です |",
        "1. 番号",
        "(*^^*) です m(__)m",
        "コードは ``` です",
        "<b>太字</b>ではない",
        "https://example.com/a_b_c?x=1#y をどうぞ",
        "~~消さない~~",
        "{phone} までどうぞ",
    ],
)
def test_marks_in_an_answer_reach_the_customer_as_they_were_typed(answer: str) -> None:
    prepared = new("傘は借りられますか", answer)
    assert prepared.outcome.status == "done", prepared.outcome
    assert prepared.after
    entry = next(each for each in entries(*sources(**{"01": prepared.after})).values() if "傘" in each.question)
    assert entry.bubbles == (answer,)


def test_a_placeholder_that_is_none_is_refused_with_the_loaders_words() -> None:
    outcome = new("傘は", "{telefone}へどうぞ").outcome
    assert outcome.status == "refused"
    assert "差し込み語" in outcome.reasons[0].ja


def test_what_is_there_already_is_not_added_again() -> None:
    assert phrasing("hours", "今日やってる？").outcome.status == "already"
    assert phrasing("hours", "営業時間を教えてください").outcome.status == "already"
    first = new("傘は借りられますか", "はい。")
    assert first.after
    assert new("傘は借りられますか", "はい。", "01.md", *sources(**{"01": first.after})).outcome.status == "already"


def test_words_that_mean_another_entry_are_refused_and_it_is_named() -> None:
    for prepared in (phrasing("parking", "いくらですか"), new("いくらですか？", "いろいろです。")):
        assert prepared.outcome.status == "refused"
        assert [entry.id for entry in prepared.outcome.rivals] == ["cut"]
        assert prepared.after is None


def test_an_entry_that_is_gone_or_answers_otherwise_now_is_not_added_to() -> None:
    seen = sight(entries()["parking"])
    addition = Addition(entry="parking", seen=seen, question="車で行けますか")
    for text in (HOURS.replace("3台", "5台"), HOURS.replace("{#parking}", "{#cars}")):
        assert prepare(addition, sources(**{"01": text}), no_images).outcome.status == "changed"
    more = HOURS.replace("{#parking}\n", "{#parking}\n\n> - 車は\n")
    assert prepare(addition, sources(**{"01": more}), no_images).outcome.status == "done"


@pytest.mark.parametrize("file", ["../x.md", "/etc/x.md", "_shop.yaml", "03.md", "04.md", "", "img/../../x.md"])
def test_an_entry_goes_to_no_other_file_than_those_that_are_offered(file: str) -> None:
    assert new("傘は", "はい。", file).outcome.status == "changed"


def test_offered_are_files_that_answer_and_the_one_for_additions() -> None:
    assert files_to_add_to(entries()) == ["01.md", "02.md", NEW_FILE]


def test_a_file_with_errors_is_left_alone_and_they_are_told() -> None:
    broken = sources(**{"01": f"{HOURS}\n## 答えのない質問 {{#none}}\n"})
    outcome = new("傘は", "はい。", "01.md", *broken).outcome
    assert outcome.status == "changed", "none of its entries is read, so it is not offered"
    assert new("傘は", "はい。", "02.md", *broken).outcome.status == "done", "others are written all the same"


@given(st.text(min_size=1, max_size=80), st.text(max_size=200), st.sampled_from(["phrasing", "entry"]))
def test_whatever_is_typed_is_written_so_that_it_reads_the_same_or_not_at_all(
    question: str, answer: str, kind: str
) -> None:
    question, is_phrasing = one_line(question), kind == "phrasing"
    if not question:
        return
    before = entries()
    prepared = phrasing("hours", question) if is_phrasing else new(question, answer)
    if prepared.after is None:
        assert prepared.outcome.status in {"refused", "already"}
        return
    after = entries(*sources(**{"01": prepared.after}))
    others = [entry for entry in before if not (is_phrasing and entry == "hours")]
    assert all(after[entry].bubbles == before[entry].bubbles for entry in before)
    assert all(after[entry].phrasings == before[entry].phrasings for entry in others)
    if is_phrasing:
        assert after["hours"].phrasings == (*before["hours"].phrasings, question)
    else:
        (added,) = set(after) - set(before)
        assert after[added].question == question
