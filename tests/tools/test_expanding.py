"""`./henji faq expand`: what is asked of the model, what is written into the files, and what nobody may lose."""

import asyncio
from pathlib import Path

import msgspec
import pytest
from aiohttp import web
from click.testing import CliRunner

from service.adapters.faqfiles import read_sources
from service.cli import main
from service.core.contents import read_contents
from service.core.proposing import insert, may_leave
from service.errors import InputError, StartError
from service.settings import ROOT, Settings, load_settings
from service.tools.expanding import expand
from tests.support.scripted_openai import ScriptedOpenAI, Step, says, status

INFO = """---
タグ: 営業案内
---

# 案内

## 営業時間を教えてください {#hours}

> - 何時まで開いていますか

10時からです。

## 駐車場はありますか {#parking}

> - 車停められる?
> - パーキングありますか

ございません。
"""
PRIVATE = "---\n非公開: はい\n---\n\n## 裏口の番号 {#door}\n\n> - 通用口の番号\n\n1234です。\n"
KEYWORD = "---\n一致: キーワード\n---\n\n## クーポン {#coupon}\n\n10%引きです。\n"
ASKED = ("なんじまでですか", "営業時間は?")


def proposes(*phrasings: str) -> Step:
    return says(msgspec.json.encode({"phrasings": phrasings}).decode())


@pytest.fixture
def faq(tmp_path: Path) -> Path:
    folder = tmp_path / "faq"
    folder.mkdir()
    for name, text in {"01-案内.md": INFO, "door.md": PRIVATE, "coupon.md": KEYWORD}.items():
        (folder / name).write_bytes(text.encode())
    return folder


def settings(faq: Path, base_url: str) -> Settings:
    return load_settings({"HENJI_FAQ_DIR": str(faq), "OPENAI_BASE_URL": base_url, "OPENAI_MODEL": "small-model"}, None)


async def run(
    faq: Path, *steps: Step, ids: tuple[str, ...] = (), fewer_than: int = 5, dry_run: bool = False
) -> tuple[bool, str, ScriptedOpenAI]:
    said: list[str] = []
    async with ScriptedOpenAI(*steps) as server:
        given = settings(faq, server.base_url)
        is_fine = await expand(given, ids, fewer_than=fewer_than, dry_run=dry_run, say=said.append)
    return is_fine, "\n".join(said), server


def text(faq: Path) -> str:
    return (faq / "01-案内.md").read_bytes().decode()


async def test_proposals_are_written_for_review_and_used_by_nothing(faq: Path) -> None:
    before = read_contents(read_sources(faq)).faq.entries
    is_fine, said, _ = await run(faq, proposes(*ASKED), proposes("駐車場ある?"))
    assert is_fine
    assert "> - 何時まで開いていますか\n> - ? なんじまでですか\n> - ? 営業時間は?\n\n10時" in text(faq)
    assert "> - パーキングありますか\n> - ? 駐車場ある?\n\nございません" in text(faq)
    assert (
        text(faq).replace("> - ? なんじまでですか\n> - ? 営業時間は?\n", "").replace("> - ? 駐車場ある?\n", "") == INFO
    )
    after = read_contents(read_sources(faq)).faq.entries
    assert [(each.id, each.phrasings) for each in after] == [(each.id, each.phrasings) for each in before]
    assert "3件の案をFAQに書きました" in said


async def test_the_model_sees_one_entry_and_its_nearest_others_but_nothing_private(faq: Path) -> None:
    _, _, server = await run(faq, proposes(), proposes())
    assert [request.model for request in server.requests] == ["small-model", "small-model"]
    asked = [request.messages[1].content for request in server.requests]
    assert '"question":"営業時間を教えてください"' in asked[0]
    assert '"language":"Japanese"' in asked[0]
    assert "駐車場はありますか" in asked[0].partition("others:")[2]
    words = "".join(message.content for request in server.requests for message in request.messages)
    assert not [secret for secret in ("裏口", "通用口", "1234") if secret in words]
    assert {request.response_format.json_schema.name for request in server.requests} == {"phrasings"}


async def test_a_second_run_asks_for_nothing_that_waits_already(faq: Path) -> None:
    await run(faq, proposes(*ASKED), proposes("駐車場ある?"))
    written = text(faq)
    is_fine, _, server = await run(faq)
    assert (is_fine, server.requests, text(faq)) == (True, [], written)


async def test_an_entry_that_is_named_gets_more_but_none_twice(faq: Path) -> None:
    await run(faq, proposes(*ASKED), ids=("hours",))
    _, said, _ = await run(faq, proposes("なんじまでですか", "閉店時間は何時まで"), ids=("hours",))
    assert text(faq).count("なんじまでですか") == 1
    assert "> - ? 閉店時間は何時まで" in text(faq)
    assert "なんじまでですか　すでにあります (is there already)" in said


async def test_what_another_entry_would_get_is_dropped_with_its_reason(faq: Path) -> None:
    _, said, _ = await run(faq, proposes("車停められる所", "駐車場ありますか"), ids=("hours",))
    assert (
        "車停められる所　ほかの質問の言い回しに近いです：駐車場はありますか (is nearer to another entry: parking)"
        in said
    )
    assert text(faq) == INFO


async def test_two_entries_never_get_the_same_proposal(faq: Path) -> None:
    await run(faq, proposes("おしえて"), proposes("おしえて"))
    assert text(faq).count("おしえて") == INFO.count("おしえて") + 1


async def test_only_entries_with_few_phrasings_are_asked_for(faq: Path) -> None:
    _, _, server = await run(faq, proposes(*ASKED), fewer_than=2)
    assert len(server.requests) == 1
    is_fine, said, server = await run(faq, fewer_than=1)
    assert (is_fine, server.requests) == (True, [])
    assert "1つ未満の質問はありません" in said


async def test_a_dry_run_writes_nothing(faq: Path) -> None:
    is_fine, said, _ = await run(faq, proposes(*ASKED), proposes(), dry_run=True)
    assert is_fine
    assert "? なんじまでですか" in said
    assert text(faq) == INFO


@pytest.mark.parametrize("bad", ["sorry", '{"phrasings": "何時"}', '{"phrasings": [1]}', "[]"])
async def test_an_answer_that_is_none_is_told_and_the_next_entry_comes(faq: Path, bad: str) -> None:
    is_fine, said, _ = await run(faq, says(bad), proposes("駐車場ある?"))
    assert not is_fine
    assert "not_phrasings" in said
    assert "> - ? 駐車場ある?" in text(faq)


async def test_an_answer_in_a_fence_with_lists_and_nonsense_is_cleaned(faq: Path) -> None:
    phrasings = ["- なんじまでですか", "<!-- 営業時間は?", "営業\n時間", "", "？"]
    fenced = f"```json\n{msgspec.json.encode({'phrasings': phrasings}).decode()}\n```"
    await run(faq, says(fenced), ids=("hours",))
    assert text(faq) == INFO.replace("開いていますか\n", "開いていますか\n> - ? なんじまでですか\n")


async def test_a_server_that_fails_ends_it_and_what_came_before_is_kept(faq: Path) -> None:
    is_fine, said, server = await run(faq, proposes(*ASKED), status(500))
    assert not is_fine
    assert "http_500" in said
    assert "> - ? なんじまでですか" in text(faq)
    assert len(server.requests) == 2


@pytest.mark.parametrize("end", ["\r\n", "\n"])
async def test_line_ends_and_everything_else_stay_byte_for_byte(faq: Path, end: str) -> None:
    (faq / "01-案内.md").write_bytes(INFO.replace("\n", end).encode())
    await run(faq, proposes("なんじまでですか"), ids=("hours",))
    expected = INFO.replace("開いていますか\n", "開いていますか\n> - ? なんじまでですか\n").replace("\n", end)
    assert (faq / "01-案内.md").read_bytes() == expected.encode()


def saving(file: Path, changed: str, then: Step) -> Step:
    """Have staff save the file while the model thinks."""

    async def step(request: web.Request) -> web.StreamResponse:
        await asyncio.to_thread(file.write_bytes, changed.encode())
        return await then(request)

    return step


async def test_what_staff_save_meanwhile_stays(faq: Path) -> None:
    changed = INFO.replace("10時から", "11時から").replace("# 案内", "# ご案内\n\n<!-- 直しました -->")
    await run(faq, saving(faq / "01-案内.md", changed, proposes("なんじまでですか")), ids=("hours",))
    assert text(faq) == changed.replace("開いていますか\n", "開いていますか\n> - ? なんじまでですか\n")


async def test_an_entry_that_went_meanwhile_gets_nothing(faq: Path) -> None:
    changed = INFO.replace("{#hours}", "{#open}")
    await run(faq, saving(faq / "01-案内.md", changed, proposes("なんじまでですか")), ids=("hours",))
    assert text(faq) == changed


async def test_a_file_that_went_meanwhile_is_told(faq: Path) -> None:
    async def remove(request: web.Request) -> web.StreamResponse:
        await asyncio.to_thread((faq / "01-案内.md").unlink)
        return await proposes("なんじまでですか")(request)

    is_fine, said, _ = await run(faq, remove, ids=("hours",))
    assert not is_fine
    assert "could not be written: the file is gone" in said


@pytest.mark.parametrize("entry_id", ["door", "coupon", "nowhere"])
async def test_what_may_not_be_asked_for_is_refused_before_anything_leaves(faq: Path, entry_id: str) -> None:
    async with ScriptedOpenAI() as server:
        with pytest.raises(InputError, match=entry_id):
            await expand(settings(faq, server.base_url), (entry_id,), fewer_than=5, dry_run=False)
        assert not server.requests


async def test_without_a_language_model_it_says_what_to_set(faq: Path) -> None:
    off = load_settings({"HENJI_FAQ_DIR": str(faq)}, None)
    with pytest.raises(StartError, match="set OPENAI_MODEL"):
        await expand(off, (), fewer_than=5, dry_run=False)


def test_the_command_ends_with_2_without_a_language_model(faq: Path) -> None:
    result = CliRunner().invoke(main, ["faq", "expand"], env={"HENJI_FAQ_DIR": str(faq)})
    assert result.exit_code == 2
    assert "set OPENAI_MODEL" in result.stderr


def test_every_entry_of_the_sample_shop_finds_its_place() -> None:
    for source in read_sources(ROOT / "faq"):
        if source.text and not source.name.startswith("_"):
            contents = read_contents([source])
            ids = {entry.id: (f"案 {entry.id}",) for entry in contents.faq.entries if may_leave(entry)}
            assert insert(source.name, source.text, ids) is not None
