"""What replies cost, and what becomes of one that does not go out: by plain forms, without scripts."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import httpx
import pytest

from service.adapters.store import PREFIX, Store
from service.adapters.vitals import Vitals
from service.tools.fakeline.faults import Fault
from tests.support.inbox import make_salon, sign_in
from tests.support.system import System, run_system

REFUSED = Fault.status(400, b'{"message":"bad","details":[{"message":"x"}]}')
LINE = "LINEのチャットで返信（無料）"


class Counter(NamedTuple):
    """A customer who waits for a person, and a browser of the staff's."""

    system: System
    staff: httpx.AsyncClient
    customer: str
    path: str

    async def reply(self, text: str, **more: str) -> httpx.Response:
        return await self.staff.post(f"{self.path}/reply", data={"text": text, **more})


@pytest.fixture
async def counter(redis_url: str, store: Store) -> AsyncIterator[Counter]:
    async with run_system(redis_url, make_salon()) as system, httpx.AsyncClient(base_url=system.url) as staff:
        staff.headers["Accept"] = "text/html"
        await sign_in(staff, store)
        customer = system.fake.add_user("田中")
        await system.fake.send_text(customer, "スタッフと話したい")
        await system.seen(customer, 1)
        handoff = (await system.archive.conversation(customer)).handoff
        yield Counter(system, staff, customer, f"/inbox/{handoff}")


def box(answer: httpx.Response) -> str:
    found = re.search(r"<textarea id=\"text\"[^>]*>(.*?)</textarea>", answer.text, re.DOTALL)
    assert found, answer.text
    return found[1]


def main_buttons(answer: httpx.Response) -> list[str]:
    send = answer.text.split('<div class="send">')[1].split("</form>")[0]
    return re.findall(r'class="[^"]*\bmain"[^>]*>([^<]+)<', send)


async def test_a_reply_over_the_quota_comes_back_and_line_s_own_chat_is_offered_first(counter: Counter) -> None:
    counter.system.fake.platform.quota = 0
    answer = await counter.reply("土曜日は14時からです")
    assert answer.status_code == 200
    assert "今月の送信数の上限に達したため、送信できませんでした" in answer.text
    assert box(answer) == "土曜日は14時からです"
    assert main_buttons(answer) == [LINE]
    assert "今月の送信数の上限に達しました" in answer.text
    assert len(counter.system.fake.seen(counter.customer)) == 1


async def test_a_reply_that_line_refuses_comes_back_and_the_customer_still_waits(counter: Counter) -> None:
    counter.system.fake.faults.next("push", REFUSED)
    answer = await counter.reply("届かない返信")
    assert "送信できませんでした。文章は返信欄に残しています。" in answer.text
    assert box(answer) == "届かない返信"
    assert main_buttons(answer) == ["送信"]
    handoff = await counter.system.archive.handoff(counter.path.rpartition("/")[2])
    assert handoff.unreplied_since == handoff.turns[-1].at
    assert (handoff.status, handoff.assignee) == ("active", "佐藤")
    assert (await counter.reply("届く返信")).status_code == 303
    assert (await counter.system.archive.handoff(handoff.id)).unreplied_since is None


async def test_a_text_for_somebody_who_blocked_the_shop_comes_back_before_it_is_sent(counter: Counter) -> None:
    await counter.system.fake.unfollow(counter.customer)
    await counter.system.decided(counter.customer, 2)
    answer = await counter.reply("こんにちは")
    assert answer.status_code == 422
    assert "ブロックしているため、送っても届きません" in answer.text
    assert box(answer) == "こんにちは"
    assert "このまま送る" in answer.text
    assert "ブロックされています" in answer.text
    assert [call.path for call in counter.system.fake.calls if call.path.endswith("/push")] == []
    assert (await counter.reply("こんにちは", sure="1")).status_code == 303, "what we know may be old"


async def test_line_s_own_chat_is_first_only_where_few_messages_are_left_and_a_reply_costs_one(
    counter: Counter, store: Store
) -> None:
    vitals = Vitals(store)
    await vitals.note_quota(200, 100)
    page = await counter.staff.get(counter.path)
    assert main_buttons(page) == ["送信"]
    assert LINE in page.text
    assert 'href="https://chat.line.biz/" target="_blank" rel="noopener noreferrer"' in page.text
    await vitals.note_quota(200, 170)
    page = await counter.staff.get(counter.path)
    assert main_buttons(page) == [LINE]
    assert "1通消費（残り 30）" in page.text
    await counter.system.fake.send_text(counter.customer, "まだですか")
    await counter.system.decided(counter.customer, 2)
    page = await counter.staff.get(counter.path)
    assert "無料で返信できます" in page.text
    assert main_buttons(page) == ["送信"]


async def test_what_was_said_in_line_is_recorded_as_a_reply(counter: Counter) -> None:
    answer = await counter.staff.post(f"{counter.path}/replied-elsewhere")
    assert answer.status_code == 303
    handoff = await counter.system.archive.handoff(counter.path.rpartition("/")[2])
    assert handoff.unreplied_since is None
    assert len(counter.system.fake.seen(counter.customer)) == 1, "nothing is sent"


async def test_the_line_on_top_tells_today_s_figures_and_how_long_the_month_lasts(
    counter: Counter, store: Store
) -> None:
    other = counter.system.fake.add_user("佐々木")
    await counter.system.fake.send_text(other, "駐車場はありますか")
    await counter.system.seen(other, 1)
    await Vitals(store).note_quota(200, 142)
    front = (await counter.staff.get("/inbox/front")).text
    assert "今日 受信2・自動1・スタッフへ1" in front
    assert "今月 142/200通" in front


async def test_figures_of_yesterday_are_not_today_s(store: Store) -> None:
    now = datetime(2026, 11, 25, 3, tzinfo=UTC)
    for hours, count in ((13, 5), (11, 2), (0, 1)):
        hour = int((now - timedelta(hours=hours)).timestamp()) // 3600
        await store.call(lambda redis, h=hour, c=count: redis.hset(f"{PREFIX}turns:{h}", "turn answer sure", str(c)))
    midnight = now - timedelta(hours=12)
    assert await Vitals(store).turns_since(midnight, now) == {"turn answer sure": 3}
