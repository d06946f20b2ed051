"""What helps with a reply: an entry sent as the bot would send it, and what staff answered before."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import httpx
import pytest

from service.adapters.store import Store, connect
from service.core.entries import ImageBubble
from service.core.knowledge import build_knowledge
from service.core.records import BubbleItem
from tests.support.inbox import sign_in
from tests.support.pages import Clock, House
from tests.support.salon import SALON
from tests.support.shop import ENTRIES, entry
from tests.support.system import System, run_system, web_without_worker
from tests.support.web import add_handoff

PICTURE = ImageBubble(name="map.jpg", preview="map-small.jpg", path="img/map.jpg", alt="地図")
SHOP = build_knowledge(
    (
        *ENTRIES,
        entry(
            "perm",
            "パーマの料金はいくらですか",
            "パーマいくら?",
            answer=("パーマは8,800円です。", PICTURE, "お電話は{phone}へ。"),
        ),
        entry("skin", "頭皮がかぶれました", "薬剤で頭皮がかゆいです", action="handoff", answer=(), private=True),
    ),
    SALON,
)


class Seat:
    """A member of the staff at the inbox of a shop that runs."""

    def __init__(self, system: System, staff: httpx.AsyncClient) -> None:
        self.system = system
        self.staff = staff

    async def ask(self, name: str, text: str) -> tuple[str, str]:
        """Let a new customer ask something until they wait for a person. Returns who it is, and the handoff's path."""
        customer = self.system.fake.add_user(name)
        handoff: str | None = None
        for turns in (1, 2):
            if not handoff:
                await self.system.fake.send_text(customer, text)
                await self.system.decided(customer, turns)
                handoff = (await self.system.archive.conversation(customer)).handoff
        assert handoff
        return customer, f"/inbox/{handoff}"

    async def card(self, path: str) -> str:
        return (await self.staff.get(f"{path}/card")).text


@pytest.fixture
async def seat(redis_url: str, store: Store) -> AsyncIterator[Seat]:
    house = House(store, Clock(datetime.now(UTC)), public_url="https://henji.example")
    async with run_system(redis_url, SHOP) as system, house.browser(scheme="https") as staff:
        await sign_in(staff.http, store)
        yield Seat(system, staff.http)


def answers(card: str) -> list[str]:
    """What would be sent, of each suggestion."""
    return re.findall(r'name="text" value="([^"]*)"', card)


async def test_an_entry_goes_out_as_its_own_bubbles_with_its_picture(seat: Seat) -> None:
    customer, path = await seat.ask("田中", "料金いくら?")
    card = await seat.card(path)
    assert '<img src="/img/map-small.jpg" alt="地図"' in card
    assert "に届かなかったため、送っていません。" in card
    text = next(answer for answer in answers(card) if "8,800円" in answer)
    before = len(seat.system.fake.seen(customer))
    answer = await seat.staff.post(f"{path}/reply", data={"entry": "perm", "text": text})
    assert answer.status_code == 303
    sent = [seen.message for seen in seat.system.fake.seen(customer)[before:]]
    assert [message["type"] for message in sent] == ["text", "image", "text"]
    assert sent[0]["text"] == "パーマは8,800円です。"
    assert sent[1]["originalContentUrl"].endswith("/img/map.jpg")
    assert sent[2]["text"] == "お電話は03-1234-5678へ。"
    assert {message["sender"]["name"] for message in sent} == {"スタッフ 佐藤"}
    assert "地図" in (await seat.staff.get(f"{path}/talk")).text


async def test_an_answer_that_has_changed_since_it_was_shown_is_not_sent_and_comes_back(seat: Seat) -> None:
    customer, path = await seat.ask("田中", "料金いくら?")
    before = len(seat.system.fake.seen(customer))
    for fields in ({"entry": "perm", "text": "パーマは7,700円です。"}, {"entry": "gone", "text": "昔の答え"}):
        answer = await seat.staff.post(f"{path}/reply", data=fields)
        assert answer.status_code == 409
        assert "FAQが変わったため、送信していません" in answer.text
        assert fields["text"] in answer.text
    assert len(seat.system.fake.seen(customer)) == before


async def answer_and_close(seat: Seat, path: str, text: str) -> None:
    assert (await seat.staff.post(f"{path}/reply", data={"text": text, "then": "done", "sure": "1"})).status_code == 303


async def test_what_staff_answered_to_similar_questions_is_one_tap_away_without_names(seat: Seat) -> None:
    _, path = await seat.ask("田中 はるか", "ペットの犬を連れて行っても大丈夫でしょうか")
    await answer_and_close(
        seat, path, "田中様、小型犬でしたら店内でお待ちいただけます。090-1111-2222へお電話ください。"
    )
    _, path = await seat.ask("鈴木", "支払いにPayPayは使えますか")
    await answer_and_close(seat, path, "はい、PayPayをお使いいただけます。")
    _, path = await seat.ask("佐々木", "犬を連れて行ってもいいですか")
    card = await seat.card(path)
    assert "似た質問への過去の返信" in card
    shown = "［名前］様、小型犬でしたら店内でお待ちいただけます。［電話番号］へお電話ください。"
    assert f'data-put="{shown}"' in card
    assert "PayPay" not in card
    assert "田中" not in card
    asked = await seat.staff.post(f"{path}/reply", data={"text": shown})
    assert asked.status_code == 422
    assert "まだ埋めていないところ（［名前］）があります" in asked.text


async def test_nothing_that_has_to_do_with_a_private_entry_is_suggested_to_anybody(seat: Seat) -> None:
    _, path = await seat.ask("田中", "頭皮がかぶれました")
    await answer_and_close(seat, path, "お薬をお渡しします。すぐにお越しください。")
    _, path = await seat.ask("佐々木", "頭皮がかぶれました")
    assert "お薬をお渡しします" not in await seat.card(path)


async def test_without_a_worker_nothing_is_suggested_and_an_answer_goes_out_in_words(
    redis_url: str, store: Store
) -> None:
    async with web_without_worker(redis_url) as (fake, archive):
        house = House(store, Clock(datetime.now(UTC)))
        async with house.browser() as staff, connect(redis_url, timeout_s=5) as redis:
            await sign_in(staff.http, store)
            path = f"/inbox/{await add_handoff(redis, 1)}"
            assert "いま候補を読み込めません" in (await staff.http.get(f"{path}/card")).text
            answer = await staff.http.post(f"{path}/reply", data={"entry": "perm", "text": "パーマは8,800円です。"})
            assert answer.status_code == 303
            (bubble,) = await archive.talk("U1")
            assert isinstance(bubble, BubbleItem)
            assert (bubble.text, bubble.delivery) == ("パーマは8,800円です。", "pending")
            assert fake.seen() == []
