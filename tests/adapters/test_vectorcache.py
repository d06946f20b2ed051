"""The vectors of phrasings in Redis: only what is new is embedded, and nothing is kept that is not wanted."""

from pathlib import Path

import numpy as np
import pytest
import redis

from service.adapters.embedding import BATCH
from service.adapters.store import Store
from service.adapters.vectorcache import VectorCache
from service.core.vectors import Meanings
from service.errors import ModelUnavailable
from tests.support.embedding import embedder
from tests.support.toy_embeddings import LENGTH, ToyEmbeddings, as_answer

TEXTS = ["駐車場ありますか", "何時から", "いくら"]


async def meanings(store: Store, server: ToyEmbeddings, texts: list[str], model: str = "toy") -> Meanings:
    async with embedder(server, model=model) as it:
        return await VectorCache(store, it).meanings(texts)


def hashes(redis_url: str) -> dict[bytes, dict[bytes, bytes]]:
    with redis.Redis.from_url(redis_url) as client:
        keys: list[bytes] = client.keys("{henji}:vectors:*")  # pyright: ignore[reportAssignmentType]
        return {key: client.hgetall(key) for key in keys}  # pyright: ignore[reportReturnType]


async def test_a_restart_embeds_nothing_again_and_has_the_same_vectors(store: Store) -> None:
    with ToyEmbeddings() as server:
        first = await meanings(store, server, TEXTS)
        again = await meanings(store, server, TEXTS[::-1])
        assert server.texts == [TEXTS]
    assert first.of.keys() == again.of.keys()
    assert all(np.array_equal(first.of[text], again.of[text]) for text in TEXTS)


async def test_an_edit_embeds_only_what_is_new_and_forgets_what_went(store: Store, redis_url: str) -> None:
    with ToyEmbeddings() as server:
        await meanings(store, server, TEXTS)
        found = await meanings(store, server, ["何時から", "新しい質問"])
        assert server.texts == [TEXTS, ["新しい質問"]]
    assert list(found.of) == ["何時から", "新しい質問"]
    (kept,) = hashes(redis_url).values()
    assert len(kept) == 2


async def test_what_is_kept_is_small_holds_no_words_and_ends_one_day(store: Store, redis_url: str) -> None:
    with ToyEmbeddings() as server:
        await meanings(store, server, TEXTS)
    ((key, kept),) = hashes(redis_url).items()
    assert {len(value) for value in kept.values()} == {2 * LENGTH}
    assert not any(text.encode() in field for text in TEXTS for field in kept)
    with redis.Redis.from_url(redis_url) as client:
        assert client.ttl(key) > 89 * 24 * 3600  # pyright: ignore[reportOperatorIssue]


async def test_each_model_has_vectors_of_its_own(store: Store, redis_url: str) -> None:
    with ToyEmbeddings() as server:
        await meanings(store, server, TEXTS, "toy")
        await meanings(store, server, TEXTS, "other")
        assert server.texts == [TEXTS, TEXTS]
    assert len(hashes(redis_url)) == 2


async def test_a_batch_that_came_is_kept_though_the_next_one_fails(store: Store) -> None:
    texts = [f"質問{number}" for number in range(BATCH + 1)]
    with ToyEmbeddings() as server:
        await meanings(store, server, texts[:BATCH])
    with ToyEmbeddings((500, {})) as server:
        with pytest.raises(ModelUnavailable, match="http_500"):
            await meanings(store, server, texts)
        assert server.texts == [texts[BATCH:]]


async def test_another_model_under_the_old_name_has_all_embedded_anew(store: Store) -> None:
    with ToyEmbeddings((200, as_answer([[1, 0], [0, 1]]))) as server:
        await meanings(store, server, TEXTS[:2])
        found = await meanings(store, server, TEXTS)
        assert server.texts == [TEXTS[:2], TEXTS[2:], TEXTS]
    assert {len(vector) for vector in found.of.values()} == {LENGTH}


async def test_a_model_that_cannot_make_up_its_mind_is_refused(store: Store) -> None:
    texts = [f"質問{number}" for number in range(BATCH + 1)]
    short = as_answer([[1.0, 0.0]] * BATCH)
    with ToyEmbeddings((200, short)) as server, pytest.raises(ModelUnavailable, match="not_embeddings"):
        await meanings(store, server, texts)


@pytest.mark.parametrize("damaged", [b"", b"x", b"xx"])
async def test_what_is_damaged_is_embedded_anew(store: Store, redis_url: str, damaged: bytes) -> None:
    with ToyEmbeddings() as server:
        await meanings(store, server, TEXTS)
        ((key, kept),) = hashes(redis_url).items()
        with redis.Redis.from_url(redis_url) as client:
            client.hset(key, next(iter(kept)), damaged)
        found = await meanings(store, server, TEXTS)
    assert {len(vector) for vector in found.of.values()} == {LENGTH}


async def test_without_redis_all_is_embedded(tmp_path: Path) -> None:
    async with Store(f"unix://{tmp_path}/none.sock", timeout_s=1) as away:
        with ToyEmbeddings() as server:
            found = await meanings(away, server, TEXTS)
    assert list(found.of) == TEXTS
