"""The FAQ's pages: what answers now, what is wrong with it, and what staff add to it."""

import asyncio
import re
from collections.abc import AsyncIterator
from html import unescape
from pathlib import Path
from typing import cast

import httpx
import pytest
from redis.asyncio import Redis

from service.adapters.caretaking import Caretaker
from service.adapters.store import PREFIX, Store
from service.adapters.suggestions import Suggestions
from service.core.additions import NEW_FILE
from tests.support.dump import everything
from tests.support.faqhouse import FILES, add_talk, run_faq, write_files
from tests.support.pages import House, PageClient
from tests.support.waiting import tick

HOURS = "01-営業案内.md"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_files(tmp_path / "faq")


@pytest.fixture
async def worker(store: Store, redis_url: str, folder: Path) -> AsyncIterator[None]:
    async with run_faq(store, redis_url, folder):
        yield


@pytest.fixture
async def staff(house: House) -> AsyncIterator[PageClient]:
    async with house.browser() as it:
        await it.log_in("佐藤")
        yield it


def read(folder: Path, name: str = HOURS) -> str:
    return (folder / name).read_bytes().decode()


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def rename(folder: Path) -> Path:
    return folder.rename(folder.with_name("away"))


async def sight_of(who: PageClient, handoff: str, entry: str) -> str:
    """The choice of an entry, as the form offers it."""
    page = (await who.http.get(f"/inbox/{handoff}/faq")).text
    found = re.search(rf'<option value="({entry} [0-9a-f]+)"', page)
    assert found, page
    return found[1]


async def add_phrasing(
    who: PageClient, handoff: str, words: str, entry: str = "parking", **more: str
) -> httpx.Response:
    fields = {"kind": "phrasing", "entry": await sight_of(who, handoff, entry), "question": words, **more}
    return await who.post(f"/inbox/{handoff}/faq", fields, on=f"/inbox/{handoff}/faq")


async def add_entry(who: PageClient, handoff: str, question: str, answer: str, **more: str) -> httpx.Response:
    fields = {"kind": "entry", "question": question, "answer": answer, "file": HOURS, **more}
    return await who.post(f"/inbox/{handoff}/faq", fields, on=f"/inbox/{handoff}/faq")


# The page


@pytest.mark.usefixtures("worker")
async def test_every_entry_stands_under_its_file_with_what_it_does(owner: PageClient) -> None:
    page = (await owner.http.get("/faq")).text
    assert [unescape(name) for name in re.findall(r"<h2>(.+?)</h2>", page)] == list(FILES)
    assert "言い回し 2件" in page
    assert f"{HOURS}:3" in page
    for question, mark in (("カットの料金は", "期限切れ"), ("予約の確定", "下書き")):
        assert mark in page.partition(question)[2].partition("</li>")[0]


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize(
    ("words", "found"), [("アリマスカ", ["parking"]), ("裏 駐車", ["parking"]), ("4,400", ["cut"]), ("ない言葉", [])]
)
async def test_entries_are_found_by_question_phrasing_and_answer(
    owner: PageClient, words: str, found: list[str]
) -> None:
    page = (await owner.http.get("/faq", params={"q": words})).text
    assert re.findall(r'id="entry-(\w+)"', page) == found


@pytest.mark.parametrize(("language", "words"), [("ja", "の答えがありません"), ("en", "has no answer")])
async def test_what_is_wrong_is_told_with_its_place_in_the_readers_language(
    house: House, folder: Path, redis_url: str, language: str, words: str
) -> None:
    (folder / "03.md").write_text("## 質問だけ\n", encoding="utf-8")
    async with (
        Store(redis_url, timeout_s=5) as store,
        run_faq(store, redis_url, folder),
        house.browser(language=language) as browser,
    ):
        await browser.log_in("佐藤")
        page = unescape((await browser.http.get("/faq")).text)
    assert "03.md:1" in page
    assert words in page


async def test_without_a_worker_the_page_says_so_at_once(owner: PageClient) -> None:
    async with asyncio.timeout(3):
        answer = await owner.http.get("/faq")
    assert answer.status_code == 200
    assert "ただいまFAQを確認できません" in answer.text


# FAQに追加


@pytest.mark.usefixtures("worker")
async def test_the_form_holds_what_was_asked_on_one_line_and_the_whole_last_reply(
    owner: PageClient, redis: Redis
) -> None:
    handoff = await add_talk(redis, "車で\n行けますか？", "はい、行けます。\n\nお気をつけて。")
    page = unescape((await owner.http.get(f"/inbox/{handoff}/faq")).text)
    assert page.count('value="車で 行けますか？"') == 2
    assert ">はい、行けます。\nお気をつけて。</textarea>" in page
    assert f'href="/inbox/{handoff}/faq"' in (await owner.http.get(f"/inbox/{handoff}")).text


@pytest.mark.usefixtures("worker")
async def test_an_owners_phrasing_is_in_the_file_and_soon_in_effect(
    owner: PageClient, redis: Redis, store: Store, folder: Path
) -> None:
    handoff = await add_talk(redis, "車で行けますか")
    answer = await add_phrasing(owner, handoff, "車で行けますか")
    assert answer.status_code == 200
    assert "保存しました" in answer.text
    assert read(folder) == FILES[HOURS].replace("{#parking}\n", "{#parking}\n\n> - 車で行けますか\n")
    arrival = re.findall(r'hx-get="(/faq/arrived\?before=\w+)"', answer.text)[0]
    async with asyncio.timeout(5):
        while "反映されました" not in (await owner.http.get(arrival)).text:
            await tick()
    assert "車で行けますか" in (await owner.http.get("/faq")).text
    ((_, audited),) = cast("list[tuple[bytes, dict[bytes, bytes]]]", await redis.xrevrange(f"{PREFIX}audit", count=1))
    assert audited[b"what"] == b"faq_add"
    assert await Suggestions(store).all() == []


@pytest.mark.usefixtures("worker")
async def test_an_owners_new_entry_is_at_the_end_of_the_file_or_in_a_new_one(
    owner: PageClient, redis: Redis, folder: Path
) -> None:
    handoff = await add_talk(redis, "傘は借りられますか")
    await add_entry(owner, handoff, "傘は借りられますか", "はい。\r\n受付でどうぞ。")
    assert read(folder).startswith(FILES[HOURS])
    assert read(folder).endswith("}\n\nはい。\n受付でどうぞ。\n")
    await add_entry(owner, handoff, "犬を連れて行けますか", "はい。", file=NEW_FILE)
    assert read(folder, NEW_FILE).startswith("## 犬を連れて行けますか {#")
    assert (
        "すでに登録されています"
        in (await add_entry(owner, handoff, "犬を連れて行けますか", "はい。", file=NEW_FILE)).text
    )


@pytest.mark.usefixtures("worker")
async def test_what_does_not_do_comes_back_with_the_reasons_and_changes_nothing(
    owner: PageClient, redis: Redis, folder: Path
) -> None:
    handoff = await add_talk(redis, "?")
    rival = await add_phrasing(owner, handoff, "今日やってる？")
    unknown = await add_entry(owner, handoff, "電話番号は", "{telefone}です")
    empty = await add_entry(owner, handoff, "電話番号は", "")
    long = await add_entry(owner, handoff, "あ" * 201, "はい")
    elsewhere = await add_entry(owner, handoff, "傘は", "はい", file="../x.md")
    assert [each.status_code for each in (rival, unknown, empty, long, elsewhere)] == [422, 422, 422, 422, 409]
    assert f"「営業時間を教えてください」（{HOURS}:3）" in rival.text
    assert "差し込み語はありません" in unescape(unknown.text)
    assert 'value="?"' in rival.text, "the other form is as the conversation says"
    for answer, typed in ((rival, "今日やってる？"), (unknown, "{telefone}です"), (long, "あ" * 201)):
        assert typed in unescape(answer.text)
    assert {name: read(folder, name) for name in names(folder)} == FILES


@pytest.mark.usefixtures("worker")
async def test_personal_data_is_pointed_out_once_and_saved_only_when_that_is_meant(
    owner: PageClient, redis: Redis, folder: Path
) -> None:
    handoff = await add_talk(redis, "傘は")
    answer = "担当の携帯 090-1234-5678 か sato@shop.example までどうぞ。"
    asked = await add_entry(owner, handoff, "傘は", answer)
    assert asked.status_code == 422
    assert "［電話番号］" in asked.text
    assert "［メール］" in asked.text
    assert answer in asked.text
    assert read(folder) == FILES[HOURS]
    assert (await add_entry(owner, handoff, "傘は", answer, sure="1")).status_code == 200
    assert answer in read(folder)


@pytest.mark.usefixtures("worker")
async def test_an_entry_that_somebody_changes_meanwhile_is_looked_at_again(
    owner: PageClient, redis: Redis, folder: Path
) -> None:
    handoff = await add_talk(redis, "車で行けますか")
    seen = await sight_of(owner, handoff, "parking")
    edited = FILES[HOURS].replace("3台分あります", "5台分あります")
    (folder / HOURS).write_text(edited, encoding="utf-8")
    fields = {"kind": "phrasing", "entry": seen, "question": "車で行けますか"}
    answer = await owner.post(f"/inbox/{handoff}/faq", fields)
    assert answer.status_code == 409
    assert "ほかの人が書き換えました" in answer.text
    assert 'value="車で行けますか"' in answer.text
    assert read(folder) == edited


@pytest.mark.usefixtures("worker")
async def test_what_others_save_in_other_places_meanwhile_is_kept(
    owner: PageClient, redis: Redis, folder: Path
) -> None:
    handoff = await add_talk(redis, "車で行けますか")
    seen = await sight_of(owner, handoff, "parking")
    (folder / HOURS).write_text(FILES[HOURS].replace("19時", "20時"), encoding="utf-8")
    fields = {"kind": "phrasing", "entry": seen, "question": "車で行けますか"}
    assert (await owner.post(f"/inbox/{handoff}/faq", fields)).status_code == 200
    assert "20時" in read(folder)
    assert "> - 車で行けますか\n" in read(folder)


@pytest.mark.usefixtures("worker")
async def test_many_who_save_at_once_all_find_their_words_in_the_file(house: House, redis: Redis, folder: Path) -> None:
    handoff = await add_talk(redis, "車で行けますか")
    words = [f"車で{number}人で行けますか" for number in range(6)]

    async def save(text: str) -> int:
        async with house.browser() as browser:
            await browser.log_in("店長")
            return (await add_phrasing(browser, handoff, text)).status_code

    assert await asyncio.gather(*map(save, words)) == [200] * 6
    assert all(f"> - {text}\n" in read(folder) for text in words)


async def test_without_a_worker_what_was_typed_comes_back(owner: PageClient, redis: Redis) -> None:
    handoff = await add_talk(redis, "傘は")
    async with asyncio.timeout(20):
        answer = await add_entry(owner, handoff, "傘は", "受付でお貸しします。")
    assert answer.status_code == 503
    assert "受付でお貸しします。" in answer.text


# Suggestions


@pytest.mark.usefixtures("worker")
async def test_what_the_staff_suggest_waits_for_an_owner_who_may_change_it(
    owner: PageClient, staff: PageClient, redis: Redis, store: Store, folder: Path
) -> None:
    handoff = await add_talk(redis, "傘は借りられますか")
    answer = await add_entry(staff, handoff, "傘は借りられますか", "はい。")
    assert "提案しました" in answer.text
    assert read(folder) == FILES[HOURS]
    (suggestion,) = await Suggestions(store).all()
    assert (suggestion.by, suggestion.handoff) == ("佐藤", handoff)
    assert "1" in (await owner.http.get("/faq/count")).text
    page = (await owner.http.get("/faq")).text
    assert "佐藤さんから" in page
    path = f"/faq/suggestions/{suggestion.id}/accept"
    refused = await owner.post(path, {"kind": "entry", "question": "傘は", "answer": "{x}", "file": HOURS}, on="/faq")
    assert refused.status_code == 422
    assert len(await Suggestions(store).all()) == 1
    fields = {"kind": "entry", "question": "傘は借りられますか", "answer": "はい、受付でどうぞ。", "file": HOURS}
    accepted = await owner.post(path, fields, on="/faq")
    assert "保存しました" in accepted.text
    assert read(folder).endswith("はい、受付でどうぞ。\n")
    assert await Suggestions(store).all() == []
    assert (await owner.post(path, fields, on="/faq")).status_code == 404


@pytest.mark.usefixtures("worker")
async def test_a_suggestion_that_cannot_be_is_refused_before_it_waits(
    staff: PageClient, redis: Redis, store: Store
) -> None:
    handoff = await add_talk(redis, "?")
    assert (await add_phrasing(staff, handoff, "カットいくら")).status_code == 422
    assert await Suggestions(store).all() == []


@pytest.mark.usefixtures("worker")
async def test_an_owner_rejects_a_suggestion(
    owner: PageClient, staff: PageClient, redis: Redis, store: Store, folder: Path
) -> None:
    handoff = await add_talk(redis, "車で行けますか")
    await add_phrasing(staff, handoff, "車で行けますか")
    (suggestion,) = await Suggestions(store).all()
    for _ in range(2):
        answer = await owner.post(f"/faq/suggestions/{suggestion.id}/reject", on="/faq")
        assert answer.status_code == 303
    assert await Suggestions(store).all() == []
    assert read(folder) == FILES[HOURS]


@pytest.mark.usefixtures("worker")
async def test_only_owners_decide(owner: PageClient, staff: PageClient, redis: Redis, store: Store) -> None:
    handoff = await add_talk(redis, "車で行けますか")
    await add_phrasing(staff, handoff, "車で行けますか")
    (suggestion,) = await Suggestions(store).all()
    page = (await staff.http.get("/faq")).text
    assert "車で行けますか" in page
    assert "/accept" not in page
    for action in ("accept", "reject"):
        path = f"/faq/suggestions/{suggestion.id}/{action}"
        assert (await staff.post(path, {"question": "x"}, on="/faq")).status_code == 403
    assert len(await Suggestions(store).all()) == 1


@pytest.mark.usefixtures("worker")
async def test_suggestions_go_with_their_customer(staff: PageClient, redis: Redis, store: Store) -> None:
    handoff, other = await add_talk(redis, "車で行けますか"), await add_talk(redis, "傘は", number=2)
    await add_phrasing(staff, handoff, "車で行けますか")
    await add_entry(staff, other, "傘は借りられますか", "はい。")
    kept = await Caretaker(store).kept("U1")
    assert [suggestion.addition.question for suggestion in kept.suggestions] == ["車で行けますか"]
    assert (await Caretaker(store).erase("U1", who="test")).suggestions == 1
    assert "車で行けますか" not in await everything(redis)
    assert [suggestion.handoff for suggestion in await Suggestions(store).all()] == [other]


async def test_a_folder_that_takes_no_writes_leaves_a_suggestion_and_the_text_to_paste(
    owner: PageClient, redis: Redis, store: Store, redis_url: str, folder: Path
) -> None:
    handoff = await add_talk(redis, "傘は借りられますか")
    async with run_faq(store, redis_url, folder):
        away = rename(folder)
        answer = await add_entry(owner, handoff, "傘は借りられますか", "はい。")
        assert "FAQフォルダーに書き込めません" in answer.text
        assert re.search(r"readonly>## 傘は借りられますか \{#[0-9a-f]{8}\}\n\nはい。\n</textarea>", answer.text)
        (suggestion,) = await Suggestions(store).all()
        assert suggestion.is_unwritable
        page = (await owner.http.get("/faq")).text
        assert "FAQフォルダーに書き込めません" in page
        assert "## 傘は借りられますか" in page
    assert read(away) == FILES[HOURS]


@pytest.mark.parametrize("path", ["/faq", "/faq/count", "/faq/arrived", "/inbox/h0001/faq"])
async def test_strangers_are_sent_to_the_login(browser: PageClient, path: str) -> None:
    assert (await browser.http.get(path)).headers["location"].startswith("/login")
