"""What traffic leaves in Redis: counts of days, the newest turns, samples, checks; and how all of it goes again."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from redis.asyncio import Redis

from service.adapters.archive import Archive
from service.adapters.caretaking import Caretaker
from service.adapters.exporting import export
from service.adapters.inquiries import Inquiries
from service.adapters.mailbox import Mailbox
from service.adapters.store import PREFIX, Store
from service.adapters.traffic import MOST_OF_A_WEEK, Traffic
from service.core.auditing import Label, place_in_sample
from service.core.thresholds import NOTHING_LEARNED, Learned
from service.core.traffic import Heard
from service.studying import study
from tests.support.shop import CUSTOMER, make_shop
from tests.support.turns import say

SHOP = make_shop()
IN_JAPAN = timedelta(hours=9)


@pytest.fixture
def mailbox(store: Store) -> Mailbox:
    return Mailbox(store, keep_days=2)


@pytest.fixture
def found(store: Store) -> Traffic:
    return Traffic(store, keep_days=2)


def label(heard: Heard, *, right: bool = True) -> Label:
    now = int(datetime.now(UTC).timestamp() * 1000)
    return Label(turn=heard.turn, entry="parking", reason="sure", probability=0.98, right=right, by="佐藤", at=now)


async def test_each_decided_turn_is_counted_by_the_day_and_kept_without_its_words(
    mailbox: Mailbox, found: Traffic, redis: Redis
) -> None:
    at = await say(mailbox, SHOP, "駐車場はありますか", "ありがとう", "カットかカラーの料金")
    day = (at + IN_JAPAN).date()
    (today,) = await found.days([day])
    assert (today["turn answer sure"], today["entry parking"], today["turn silent courtesy"]) == (1, 1, 1)
    (second, later), (first, earlier) = await found.heard()
    assert (first, second) == (CUSTOMER, CUSTOMER)
    assert (earlier.reason, earlier.entry, later.decision) == ("sure", "parking", "clarify")
    assert await found.words([earlier, later]) == ["駐車場はありますか", "カットかカラーの料金"]
    assert "駐車" not in str(await redis.zrange(f"{PREFIX}heard", 0, -1))
    this, last = await found.sample(day)
    assert ([heard.turn for _, heard in this], last) == ([earlier.turn], [])
    assert await found.answers([earlier]) == ["駐車場はありますかの答えです。"]
    assert 0 < await redis.ttl(f"{PREFIX}day:{day}") <= 100 * 86_400
    assert 0 < await redis.ttl(f"{PREFIX}heard") <= 2 * 86_400


async def test_of_a_week_the_answers_with_the_lowest_places_are_kept(
    mailbox: Mailbox, found: Traffic, redis: Redis
) -> None:
    at = await say(mailbox, SHOP, *["駐車場はありますか"] * (MOST_OF_A_WEEK + 20))
    this, _ = await found.sample((at + IN_JAPAN).date())
    places = sorted(place_in_sample(heard.turn) for _, heard in await found.heard())
    assert [place_in_sample(heard.turn) for _, heard in this] == places[:MOST_OF_A_WEEK]


async def test_a_check_is_written_once_however_often_it_is_sent_and_can_be_taken_back(
    mailbox: Mailbox, found: Traffic
) -> None:
    await say(mailbox, SHOP, "駐車場はありますか")
    ((_, heard),) = await found.heard()
    assert await found.label(CUSTOMER, heard, label(heard))
    assert await found.label(CUSTOMER, heard, label(heard, right=False))
    ((customer, kept),) = await found.labels()
    assert (customer, kept.turn, kept.right) == (CUSTOMER, heard.turn, False)
    await found.take_back(CUSTOMER, heard.turn)
    await found.take_back(CUSTOMER, heard.turn)
    assert await found.labels() == []


async def test_of_a_customer_who_is_erased_nothing_is_left_and_nothing_comes_back(
    mailbox: Mailbox, found: Traffic, store: Store, redis: Redis
) -> None:
    await say(mailbox, SHOP, "駐車場はありますか", "パーキングありますか")
    ((_, heard), (_, other)) = await found.heard()
    await found.label(CUSTOMER, heard, label(heard))
    document = msgspec.json.decode(await export(Caretaker(store), CUSTOMER, who="cli"))
    assert [each["turn"] for each in document["labels"]] == [heard.turn]
    erased = await Caretaker(store).erase(CUSTOMER, who="cli")
    assert erased.numbers == 5, "heard twice, twice in the sample, checked once"
    assert not await found.label(CUSTOMER, other, label(other)), "a tap on a page that was open"
    assert (await found.heard(), await found.labels()) == ([], [])
    kept = str(await redis.keys(f"{PREFIX}*"))
    assert ("label" in kept, "sample" in kept) == (False, False)
    assert await found.words([heard]) == [""]


async def test_a_worker_says_what_it_answers_from(store: Store, found: Traffic) -> None:
    archive = Archive(store)
    assert await archive.answering() is None
    await Inquiries(store).publish(SHOP)
    answering = await archive.answering()
    assert answering is not None
    assert answering.calibration == SHOP.calibration.id
    assert await found.headings(["cut", "gone"]) == {"cut": "カットの料金はいくらですか"}
    assert await found.headings([]) == {}


async def test_one_worker_studies_and_all_are_told(mailbox: Mailbox, found: Traffic, redis: Redis) -> None:
    assert await found.learned() == NOTHING_LEARNED
    assert [await found.may_study("x"), await found.may_study("x"), await found.may_study("y")] == [True, False, True]
    await say(mailbox, SHOP, *["駐車場はありますか"] * 10)
    for _, heard in await found.heard():
        await found.label(CUSTOMER, heard, label(heard, right=False))
    learned = await study(found, SHOP)
    assert learned.at_least > 1, "all ten were wrong"
    await found.note_learned(learned)
    assert await found.learned() == learned
    assert SHOP.taught(learned).calibration.sure > 1
    await redis.set(f"{PREFIX}learned", msgspec.json.encode(Learned(share=0.2)))
    assert (await study(found, SHOP)).share == 0.2, "a folder that was not fitted teaches nothing new"
