"""The vector of a customer's message: asked for where it matters, never waited for long, and never needed."""

from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

import pytest

from service.core.conversation import Conversation, Turn
from service.core.decisions import AskModel, Decision
from service.core.features import Wording
from service.core.fitting import calibrate
from service.core.knowledge import Knowledge, build_knowledge
from service.core.ranking import to_embed
from service.core.triage import triage
from service.core.vectors import Meanings, unit
from service.sensing import Sense, judge
from service.tools.fakeline.server import FakeLine
from tests.support.embedding import embedder
from tests.support.needs import needs
from tests.support.real import Service, running, write_faq
from tests.support.shop import ENTRIES as SMALL
from tests.support.shop import NOON, entry
from tests.support.system import SECRET, TOKEN
from tests.support.toy_embeddings import ToyEmbeddings, vector_of
from tests.support.waiting import eventually

BUDGET_S = 0.3
NOBODY = Conversation(customer="U1")


ENTRIES = (
    *SMALL,
    entry("toilet", "トイレはありますか", "お手洗いはどこ", "トイレ借りれる?", "化粧室", "トイレの場所"),
    entry("wifi", "Wi-Fiは使えますか", "ワイファイある?", "ネットつながる?", "wifiのパスワード", "無料のWi-Fi"),
    entry("pets", "ペットは連れて行けますか", "犬も一緒でいい?", "犬を連れて行きたい", "ペット可?", "猫は入れますか"),
    entry("gift", "ギフト券はありますか", "商品券を買いたい", "プレゼント用の券", "ギフトカード", "贈り物にしたい"),
    entry("seats", "席はいくつありますか", "何席ある?", "席数を知りたい", "座席の数", "何人まで座れますか"),
)


def make_shop() -> Knowledge:
    given = Meanings("toy", {text: unit(vector_of(text)) for text in to_embed(ENTRIES, Wording())})
    fitted = calibrate(ENTRIES, None, given)
    return build_knowledge(ENTRIES, meanings=given, vector_calibration=fitted)


SHOP = make_shop()


@asynccontextmanager
async def sensing(server: ToyEmbeddings) -> AsyncGenerator[Sense]:
    async with embedder(server) as it:
        yield Sense(it, BUDGET_S)


def turn(*lines: str) -> Turn:
    return Turn(id="t", at=0, events=(), lines=lines)


async def judged(
    server: ToyEmbeddings, *lines: str, knowledge: Knowledge = SHOP, now: datetime = NOON
) -> tuple[Decision | AskModel, Knowledge]:
    async with sensing(server) as sense:
        return await judge(turn(*lines), knowledge, NOBODY, now, sense)


def best(step: Decision | AskModel) -> str:
    return getattr(step, "candidates")[0].entry  # noqa: B009, not every decision has candidates


async def test_a_message_in_other_words_is_judged_by_its_vector_and_what_was_fitted_for_that() -> None:
    with ToyEmbeddings() as server:
        step, knowledge = await judged(server, "マイカーで伺います")
    assert best(step) == "parking"
    assert knowledge.calibration == SHOP.vector_calibration


@pytest.mark.parametrize("answer", [None, (500, {}), (200, {"data": []}), (429, {})])
async def test_a_model_that_is_away_or_slow_leaves_everything_as_it_is_without_one(
    answer: tuple[int, object] | None,
) -> None:
    with ToyEmbeddings(answer) as server:
        step, knowledge = await judged(server, "料金を知りたい")
    assert step == triage(turn("料金を知りたい"), SHOP, NOBODY, NOON)
    assert knowledge is SHOP


async def test_the_same_text_is_asked_for_once_and_a_failure_again() -> None:
    with ToyEmbeddings((500, {})) as server:
        async with sensing(server) as sense:
            assert await sense.vector_of("料金") is None
            first, again = await sense.vector_of("料金"), await sense.vector_of("料金")
        assert first is again is not None
        assert server.texts == [["料金"], ["料金"]]


@pytest.mark.parametrize(
    "text", ["ありがとう", "スタッフと話したい", "こんにちは", "クーポン", "駐車場はありますか", "車停められる？"]
)
async def test_what_is_decided_without_its_meaning_never_leaves(text: str) -> None:
    with ToyEmbeddings() as server:
        step, _ = await judged(server, text)
        assert not server.texts
    assert step == triage(turn(text), SHOP, NOBODY, NOON)


async def test_lines_of_one_turn_are_one_text() -> None:
    with ToyEmbeddings() as server:
        await judged(server, "料金", "知りたいです")
        assert server.texts == [["料金\n知りたいです"]]


async def test_nothing_is_asked_while_nothing_is_fitted() -> None:
    with ToyEmbeddings() as server:
        step, _ = await judged(server, "料金を知りたい", knowledge=build_knowledge(ENTRIES))
        assert not server.texts
    assert step == triage(turn("料金を知りたい"), build_knowledge(ENTRIES), NOBODY, NOON)


async def test_a_model_that_fails_three_times_is_left_alone_for_half_a_minute() -> None:
    now = 0.0
    with ToyEmbeddings((500, {}), (500, {}), (500, {}), (500, {})) as server:
        async with embedder(server) as it:
            sense = Sense(it, BUDGET_S, lambda: now)
            for _ in range(5):
                assert await sense.vector_of("料金") is None
            assert len(server.texts) == 3
            now = 30.0
            assert await sense.vector_of("料金") is None
            assert await sense.vector_of("料金") is None
            assert len(server.texts) == 4
            now = 60.0
            assert await sense.vector_of("料金") is not None
            assert await sense.vector_of("値段") is not None


@pytest.fixture
async def fake() -> AsyncGenerator[FakeLine]:
    line = FakeLine(channel_secret=SECRET, access_token=TOKEN)
    await line.start()
    yield line
    await line.stop()


@pytest.fixture
def server() -> Iterator[ToyEmbeddings]:
    with ToyEmbeddings() as running_server:
        yield running_server


@pytest.fixture
def service(tmp_path: Path, fake: FakeLine, server: ToyEmbeddings) -> Service:
    needs(Path("/proc/self/environ").exists(), "/proc (Linux)")
    write_faq(tmp_path / "faq", ENTRIES)
    embeddings = {"OPENAI_BASE_URL": server.base_url, "OPENAI_EMBEDDING_MODEL": "toy"}
    return Service(tmp_path / "data", tmp_path / "faq", fake, **embeddings)


async def test_a_real_service_learns_the_vectors_and_masks_what_customers_write(
    service: Service, fake: FakeLine, server: ToyEmbeddings
) -> None:
    async with running(service):
        await eventually(lambda: b"vectors_learned" in service.log.read_bytes(), "the vectors are there", 90)
        customer = fake.add_user("佐藤 花子")
        await fake.send_text(customer, "マイカーで伺います 090-1234-5678")
        await fake.until(lambda: bool(fake.seen(customer)), 60)
    assert "駐車場はありますか" in (fake.seen(customer)[0].text or ""), "by its words alone nobody could tell"
    assert server.texts[-1] == ["マイカーで伺います ［電話番号］"]
