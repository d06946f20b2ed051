"""`faq check` and `--fix` on a real folder: what they say, and what they do to files."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.adapters.faqfiles import read_sources
from service.core.contents import read_contents
from service.core.faq import fix_text, read_file
from service.errors import KnowledgeError
from service.settings import ROOT
from service.tools.faqcheck import check_folder, find_never_sure, fix_folder

NOW = datetime(2026, 11, 24, 20, tzinfo=UTC)  # it is the 25th in Japan
GOOD = "## 駐車場 {#parking}\n\n> - 車で行けますか\n\n2台あります。\n"
ODD = "＃＃営業時間\n＞何時まで\n20時までです。\n"
MENDED = "## 営業時間 {#0e7ec1e9}\n>何時まで\n\n20時までです。\n"


def save(directory: Path, **files: str | bytes) -> Path:
    for name, content in files.items():
        data = content if isinstance(content, bytes) else content.encode()
        (directory / f"{name}.md").write_bytes(data)
    return directory


def check(directory: Path, *, can_send_images: bool = True) -> tuple[list[str], bool]:
    return check_folder(directory, now=NOW, can_send_images=can_send_images)


def test_all_problems_of_all_files_come_sorted_in_two_languages(tmp_path: Path) -> None:
    lines, has_errors = check(save(tmp_path, b="---\n期限: 2026-11-01\n---\n" + GOOD, a=ODD + "## \n"))
    assert has_errors
    assert [line.split(": ")[0] for line in lines] == [
        "a.md:1",
        "a.md:2",
        "a.md:3",
        "a.md:4",
        "a.md:4",
        "a.md:4",
        "b.md:2",
    ]
    assert lines[0] == (
        "a.md:1: 注意：質問の見出しとして読みました。半角の「##」のあとに半角の空白を入れ、「## 質問」と書きます。"
        "［--fix で直せます］ (Read as a question. It is written `## Question`, with half-width marks and a space.)"
    )
    assert "a.md:4: エラー：「##」のあとに質問を書いてください。 (Write the question after ##.)" in lines
    assert "期限（2026-11-01）が過ぎています" in lines[-1]


def test_warnings_alone_are_no_error(tmp_path: Path) -> None:
    lines, has_errors = check(save(tmp_path, a=ODD))
    assert (len(lines), has_errors) == (3, False)


def test_entries_that_are_only_offered_as_choices_are_hinted_at_where_trials_can_tell(tmp_path: Path) -> None:
    (hint,) = find_never_sure(ROOT / "faq", None)
    assert hint.startswith("ヒント：")
    assert "02-" in hint or "01-" in hint, "with file and line"
    assert find_never_sure(save(tmp_path, a=GOOD), None) == [], "too small to be fitted"
    assert find_never_sure(save(tmp_path, b="## 答えがない\n"), None) == [], "errors come first"


def test_without_a_public_address_an_image_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "map.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    save(tmp_path, a=GOOD + "\n![地図](map.png)\n")
    assert check(tmp_path) == ([], False)
    (line,), has_errors = check(tmp_path, can_send_images=False)
    assert line.startswith("a.md:1: 注意：画像を送るには設定 HENJI_PUBLIC_URL が要ります。")
    assert not has_errors


def test_fixing_mends_every_oddity_and_shows_each_line(tmp_path: Path) -> None:
    save(tmp_path, a=ODD, b=GOOD)
    lines, all_written = fix_folder(tmp_path)
    fixed = (tmp_path / "a.md").read_text("utf-8")
    assert all_written
    entry_id = fix_text(ODD).split("{#")[1][:8]
    assert fixed == MENDED.replace("0e7ec1e9", entry_id)
    assert lines == [
        "a.md: 直しました (mended)",
        "    1: - ＃＃営業時間",
        f"    1: + ## 営業時間 {{#{entry_id}}}",
        "    2: - ＞何時まで",
        "    2: + >何時まで",
        "    3: - 20時までです。",
        "    3: + ",
        "    3: + 20時までです。",
    ]
    assert check(tmp_path) == ([], False)


def test_fixing_again_does_nothing(tmp_path: Path) -> None:
    save(tmp_path, a=ODD)
    fix_folder(tmp_path)
    before = (tmp_path / "a.md").stat()
    assert fix_folder(tmp_path) == ([], True)
    assert (tmp_path / "a.md").stat() == before


@pytest.mark.parametrize("codec", ["shift_jis", "euc_jp", "utf-16", "utf-8-sig"])
def test_other_encodings_become_utf_8(tmp_path: Path, codec: str) -> None:
    save(tmp_path, a=GOOD.encode(codec))
    lines, _ = fix_folder(tmp_path)
    assert (tmp_path / "a.md").read_bytes() == GOOD.encode()
    assert ("    文字コードを UTF-8 にしました (now saved as UTF-8)" in lines) == (codec != "utf-8-sig")
    assert check(tmp_path) == ([], False)


@pytest.mark.parametrize(
    "data", [b"\xff" * 40, "## 質問\n答え".encode()[:-1], b"\xe3\x81" * 9, b"\x89PNG\r\n\x1a\n\xff"]
)
def test_what_is_no_text_is_left_as_it_is(tmp_path: Path, data: bytes) -> None:
    save(tmp_path, a=data)
    assert fix_folder(tmp_path) == ([], True)
    assert (tmp_path / "a.md").read_bytes() == data
    assert check(tmp_path)[1]


def test_a_file_that_cannot_be_written_is_named_and_the_others_are_mended(tmp_path: Path) -> None:
    save(tmp_path, b=ODD)
    (tmp_path / "a.md").symlink_to(tmp_path / "gone.md")
    lines, all_written = fix_folder(tmp_path)
    assert not all_written
    assert (
        lines[0] == "a.md: 直せませんでした：No such file or directory (could not be mended: No such file or directory)"
    )
    assert lines[1] == "b.md: 直しました (mended)"


def test_dates_are_those_of_the_shop_s_time_zone(tmp_path: Path) -> None:
    save(tmp_path, a="---\n期限: 2026-11-24\n---\n" + GOOD)
    assert len(check(tmp_path)[0]) == 1
    (tmp_path / "_shop.yaml").write_text("timezone: America/New_York\n", encoding="utf-8")
    assert check(tmp_path)[0] == []


def test_of_our_own_files_only_the_encoding_is_mended(tmp_path: Path) -> None:
    save(tmp_path, a=GOOD)
    text = "##media\r\n写真を受け取りました。\r\n"
    (tmp_path / "_messages.md").write_bytes(text.encode("shift_jis"))
    lines, _ = fix_folder(tmp_path)
    assert lines == ["_messages.md: 直しました (mended)", "    文字コードを UTF-8 にしました (now saved as UTF-8)"]
    assert (tmp_path / "_messages.md").read_bytes() == text.encode()


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KnowledgeError):
        fix_folder(tmp_path / "none")


def test_a_thousand_entries_without_a_problem_are_checked_without_a_word(tmp_path: Path) -> None:
    for file in range(10):
        entries = (
            f"## 質問{file}の{number}番 {{#q{file}-{number}}}\n\n> - {file}の{number}番は何時\n\n答え\n"
            for number in range(100)
        )
        save(tmp_path, **{f"f{file}": "\n".join(entries)})
    assert check(tmp_path) == ([], False)
    assert len(read_contents(read_sources(tmp_path)).faq.entries) == 1000


@settings(max_examples=20)
@given(st.text(st.sampled_from("##＃> ＞-ー\n質答{}|｜<b>\\1\u3000\t")))
def test_whatever_stands_in_a_file_its_entries_stay_the_same(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    directory = save(tmp_path_factory.mktemp("faq"), a=text)
    before = [
        (entry.id, entry.question, entry.phrasings, entry.bubbles)
        for source in read_sources(directory)
        for entry in read_file(source.name, source.text or "").entries
    ]
    fix_folder(directory)
    after = [
        (entry.id, entry.question, entry.phrasings, entry.bubbles)
        for source in read_sources(directory)
        for entry in read_file(source.name, source.text or "").entries
    ]
    assert after == before
    assert fix_folder(directory) == ([], True)
