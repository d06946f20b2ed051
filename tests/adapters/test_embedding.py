"""The embedding adapter gives back checked vectors, or says in one word why there are none."""

import json
from collections.abc import Sequence

import pytest

from service.adapters.embedding import BATCH, BATCH_S
from service.core.spending import Usage, estimate
from service.core.vectors import Vector
from service.errors import ModelUnavailable
from service.ports import Admission, Settlement
from tests.support.embedding import embedder
from tests.support.toy_embeddings import LENGTH, ToyEmbeddings, as_answer, vector_of


async def embed(server: ToyEmbeddings, texts: Sequence[str], batch_s: float = BATCH_S) -> list[Vector]:
    async with embedder(server, batch_s) as it:
        return list((await it.embed_all(texts)).of.values())


async def test_each_text_gets_its_own_vector_whatever_the_order_of_the_answer() -> None:
    texts = ["駐車場ありますか", "何時から", "\ud83d", ""]
    with ToyEmbeddings() as server:
        vectors = await embed(server, texts)
        assert server.models == ["toy"]
        assert server.texts == [["駐車場ありますか", "何時から", "?", " "]]
    for sent, vector in zip(server.texts[0], vectors, strict=True):
        right = vector_of(sent)
        assert len(vector) == LENGTH
        assert vector @ vector == pytest.approx(1, abs=1e-2)
        assert vector @ right == pytest.approx(sum(value**2 for value in right) ** 0.5, abs=1e-2)


async def test_many_texts_go_in_batches_and_each_is_told() -> None:
    texts = [f"質問{number}" for number in range(2 * BATCH + 3)]
    told: list[int] = []
    with ToyEmbeddings() as server:
        async with embedder(server) as it:
            meanings = await it.embed_all(texts, told.append)
        assert [len(batch) for batch in server.texts] == told == [BATCH, BATCH, 3]
    assert list(meanings.of) == texts
    assert meanings.model == "toy"


async def test_what_people_say_leaves_masked_and_what_the_shop_shows_as_it_is() -> None:
    with ToyEmbeddings() as server:
        async with embedder(server) as it:
            vector = await it.embed("山田です、090-1234-5678 花子", ["花子"], within_s=5)
            said = await it.embed_all(["090-1234-5678"], said=True)
            await it.embed_all(["03-1111-2222"])
        assert server.texts == [["［名前］です、［電話番号］ ［名前］"], ["［電話番号］"], ["03-1111-2222"]]
    assert len(vector) == LENGTH
    assert list(said.of) == ["090-1234-5678"]


RIGHT = vector_of("a")
EMPTY: list[list[float]] = [[], []]
NOTHING: dict[str, object] = as_answer([])


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ((500, {"error": {"message": "no"}}), "http_500"),
        ((404, {"error": {"message": "no such model"}}), "http_404"),
        ((429, {"error": {"message": "slow down"}}), "rate_limited"),
        ((200, b"<html>"), "not_embeddings"),
        ((200, NOTHING), "not_embeddings"),
        ((200, as_answer([RIGHT])), "not_embeddings"),
        ((200, as_answer([RIGHT, RIGHT, RIGHT])), "not_embeddings"),
        ((200, as_answer([RIGHT, RIGHT[1:]])), "not_embeddings"),
        ((200, as_answer(EMPTY)), "not_embeddings"),
        ((200, {"data": [{"index": 0, "embedding": RIGHT}, {"index": 0, "embedding": RIGHT}]}), "not_embeddings"),
        ((200, {"data": [{"index": 0, "embedding": RIGHT}, {"index": 1, "embedding": "AAAA"}]}), "not_embeddings"),
        ((200, json.dumps(as_answer([RIGHT, [1e308, 1e308]])).encode()), "not_embeddings"),
        (None, "timeout"),
    ],
)
async def test_what_is_no_answer_gives_its_reason(answer: tuple[int, object] | None, reason: str) -> None:
    with ToyEmbeddings(answer) as server, pytest.raises(ModelUnavailable) as raised:
        await embed(server, ["a", "b"], batch_s=0.5)
    assert str(raised.value) == reason
    assert len(server.texts) == 1


async def test_a_server_that_is_away_gives_its_reason() -> None:
    with ToyEmbeddings() as server:
        pass
    with pytest.raises(ModelUnavailable, match=r"^unreachable$"):
        await embed(server, ["a"])


class Book:
    """A ledger that notes everything."""

    def __init__(self) -> None:
        self.admitted: list[tuple[str, Usage, bool]] = []
        self.settled: list[Settlement] = []

    async def admit(self, task: str, expected: Usage, *, background: bool) -> Admission:
        self.admitted.append((task, expected, background))
        return Admission(task)

    async def settle(self, admission: Admission, settlement: Settlement) -> None:
        assert admission.task == "embed"
        self.settled.append(settlement)


async def test_requests_are_counted_and_say_nothing_about_the_language_model() -> None:
    """Another model behind the same address: it may be missing or too slow while that one works, and the reverse."""
    book, cost = Book(), estimate(["料金"], 0)
    with ToyEmbeddings((200, as_answer([RIGHT])), (404, {}), None) as server:
        async with embedder(server, ledger=book) as it:
            await it.embed_all(["料金"])
            for _ in range(2):
                with pytest.raises(ModelUnavailable):
                    await it.embed("料金", (), within_s=0.2)
    assert book.admitted == [("embed", cost, True), ("embed", cost, False), ("embed", cost, False)]
    assert book.settled == [
        Settlement("ok", cost, None),
        Settlement("http_404", Usage(), None),
        Settlement("timeout", cost, None),
    ]
