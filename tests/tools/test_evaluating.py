"""`./henji evaluate` as people run it."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from service.cli import main
from service.settings import ROOT
from tests.support.real import write_faq
from tests.support.shop import ENTRIES, entry
from tests.support.toy_embeddings import ToyEmbeddings

QUESTIONS: tuple[dict[str, Any], ...] = (
    {"text": "駐車場はありますか", "entries": ["parking"]},
    {"text": "カットの値段", "entries": ["cut", "color"]},
    {"text": "ピアノの調律", "entries": []},
    {"text": "ありがとう", "entries": []},
    {"text": "クーポン", "entries": ["coupon"]},
    {"text": "カラーとカットの料金", "entries": ["cut", "color"]},
)
TOY = {"OPENAI_EMBEDDING_MODEL": "toy"}
# Enough phrasings for a calibration.
MORE = (
    entry("toilet", "トイレはありますか", "お手洗いはどこ", "トイレ借りれる?", "化粧室", "トイレの場所"),
    entry("wifi", "Wi-Fiは使えますか", "ワイファイある?", "ネットつながる?", "wifiのパスワード", "無料のWi-Fi"),
    entry("pets", "ペットは連れて行けますか", "犬も一緒でいい?", "犬を連れて行きたい", "ペット可?", "猫は入れますか"),
    entry("gift", "ギフト券はありますか", "商品券を買いたい", "プレゼント用の券", "ギフトカード", "贈り物にしたい"),
    entry("seats", "席はいくつありますか", "何席ある?", "席数を知りたい", "座席の数", "何人まで座れますか"),
)


@pytest.fixture
def faq(tmp_path: Path) -> Path:
    write_faq(tmp_path / "faq", ENTRIES)
    return tmp_path / "faq"


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    file = tmp_path / "questions.jsonl"
    file.write_text("\n".join(json.dumps(each, ensure_ascii=False) for each in QUESTIONS) + "\n\n", "utf-8")
    return file


def run(*words: str | Path, **environ: str) -> Result:
    result = CliRunner().invoke(main, ["evaluate", *map(str, words)], env=environ)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def as_json(*words: str | Path, **environ: str) -> Any:
    return json.loads(run(*words, "--json", **environ).stdout)


def test_one_json_object_has_every_question_and_the_summary(faq: Path, questions: Path) -> None:
    found = as_json("--faq", faq, "--questions", questions)
    assert set(found) == {"summary", "questions"}
    assert [each["text"] for each in found["questions"]] == [each["text"] for each in QUESTIONS]
    parking = found["questions"][0]
    assert (parking["outcome"], parking["entry"], parking["entries"]) == ("answer", "parking", ["parking"])
    assert parking["probability"] == parking["candidates"][0]["probability"] > 0.9
    named = {"answered", "right", "kept", "kept_at_share", "share", "clarified", "near", "handed_over", "promise"}
    assert named | {"promise_kept", "kept_interval", "right_interval"} <= set(found["summary"])
    assert (found["summary"]["promise"], found["summary"]["share"]) == (0.05, 0.4)


def test_an_embedding_model_is_asked_for_phrasings_and_questions_but_never_for_private_ones(
    faq: Path, questions: Path
) -> None:
    private = "---\n非公開: はい\n---\n\n## 裏口の番号 {#door}\n\n> - 通用口の番号\n\n1234です。\n"
    (faq / "door.md").write_text(private, "utf-8")
    write_faq(faq, MORE)
    without = as_json("--faq", faq, "--questions", questions)
    with ToyEmbeddings() as server:
        found = as_json("--faq", faq, "--questions", questions, OPENAI_BASE_URL=server.base_url, **TOY)
    phrasings, asked = server.texts
    assert len(phrasings) == len(set(phrasings))
    assert {"駐車場はありますか", "車停められる?"} <= set(phrasings)
    assert not {"裏口の番号", "通用口の番号", "クーポン"} & set(phrasings)
    assert asked == [each["text"] for each in QUESTIONS]
    assert [each["text"] for each in found["questions"]] == [each["text"] for each in without["questions"]]
    assert found["questions"] != without["questions"]


def test_an_embedding_model_that_gives_nothing_is_a_plain_error(faq: Path, questions: Path) -> None:
    with ToyEmbeddings((404, {"error": {"message": "no such model"}})) as server:
        result = run("--faq", faq, "--questions", questions, OPENAI_BASE_URL=server.base_url, **TOY)
    assert result.exit_code == 2
    assert "the embedding model gives no vectors: http_404" in result.stderr


def test_choices_stand_with_what_was_clarified_only(faq: Path, questions: Path) -> None:
    found = as_json("--faq", faq, "--questions", questions)["questions"]
    assert {each["outcome"] for each in found if "choices" in each} == {"clarify"}
    assert all(2 <= len(each["choices"]) <= 4 for each in found if each["outcome"] == "clarify")


def test_courtesy_counts_as_handed_over_and_keywords_are_left_aside(faq: Path, questions: Path) -> None:
    found = as_json("--faq", faq, "--questions", questions)["questions"]
    assert (found[3]["outcome"], found[3]["reason"]) == ("handoff", "courtesy")
    assert found[4]["outcome"] != "answer"


def test_promise_and_share_can_be_given_as_percent_or_fraction(faq: Path, questions: Path) -> None:
    summary = as_json("--faq", faq, "--questions", questions, "--promise", "2%", "--share", "0.3")["summary"]
    assert (summary["promise"], summary["share"]) == (0.02, 0.3)


@pytest.mark.parametrize("share", ["0", "100%", "many", "-5%", "nan"])
def test_no_share_is_refused(faq: Path, questions: Path, share: str) -> None:
    result = run("--faq", faq, "--questions", questions, "--share", share)
    assert result.exit_code == 2
    assert "--share" in result.stderr


def test_the_table_says_it_in_both_languages_and_owns_up_to_too_few_phrasings(faq: Path, questions: Path) -> None:
    result = run("--faq", faq, "--questions", questions)
    assert result.exit_code == 0
    assert "自動で回答" in result.stdout
    assert "answered" in result.stdout
    assert "お約束できません" in result.stdout


def test_the_table_has_a_column_for_what_the_faq_answers_and_one_for_what_it_does_not(
    faq: Path, questions: Path
) -> None:
    result = run("--faq", faq, "--questions", questions)
    assert "質問6件で試しました：FAQに答えがあるもの4件、ないもの2件。" in result.stdout
    (answered,) = (line for line in result.stdout.splitlines() if line.startswith("  自動で回答  answered"))
    assert answered.split()[2:] == ["2", "50%", "0", "0%"]
    (right,) = (line for line in result.stdout.splitlines() if "正しい回答" in line)
    assert right.split()[-1] == "2"


def test_entries_that_are_only_offered_as_choices_are_named(tmp_path: Path) -> None:
    file = tmp_path / "questions.jsonl"
    file.write_text('{"text": "駐車場はありますか", "entries": ["parking"]}\n', "utf-8")
    said = run("--faq", ROOT / "faq", "--questions", file).stdout
    assert "選択肢でしかお答えしないFAQが" in said
    assert "only offered as choices" in said


def test_several_folders_are_measured_at_once_and_drawn_in_one_picture(
    faq: Path, questions: Path, tmp_path: Path
) -> None:
    write_faq(tmp_path / "other", [entry("one", "一つ目の質問", "一つ目"), entry("two", "二つ目の質問", "二つ目")])
    picture = tmp_path / "plot.png"
    pairs = ("--faq", faq, "--questions", questions, "--faq", tmp_path / "other", "--questions", questions)
    result = run(*pairs, "--json", "--plot", picture)
    assert [each["faq"] for each in json.loads(result.stdout)["sets"]] == [str(faq), str(tmp_path / "other")]
    assert "no such entries" in result.stderr
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_each_folder_needs_its_questions(faq: Path, questions: Path) -> None:
    assert run("--faq", faq, "--faq", faq, "--questions", questions).exit_code == 2


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{", "truncated"),
        ('{"text": 1, "entries": []}', "Expected `str`"),
        ('{"text": "x"}', "missing required field `entries`"),
        ('{"text": "x", "entries": "hours"}', "Expected `array`"),
    ],
)
def test_a_line_that_is_no_question_is_named(faq: Path, questions: Path, line: str, words: str) -> None:
    questions.write_text(f'{{"text": "x", "entries": []}}\n{line}\n', "utf-8")
    result = run("--faq", faq, "--questions", questions)
    assert result.exit_code == 2
    assert f"{questions}:2: " in result.stderr
    assert words in result.stderr


def test_an_empty_file_a_folder_without_entries_and_an_impossible_picture_are_said(
    faq: Path, questions: Path, tmp_path: Path
) -> None:
    (tmp_path / "nothing.jsonl").write_text("\n")
    (tmp_path / "empty").mkdir()
    for words, said in (
        (("--faq", faq, "--questions", tmp_path / "nothing.jsonl"), "no questions"),
        (("--faq", tmp_path / "empty", "--questions", questions), ""),
        (("--faq", faq, "--questions", questions, "--plot", tmp_path / "x.nonsense"), "x.nonsense"),
    ):
        result = run(*words)
        assert result.exit_code == 2
        assert said in result.stderr
