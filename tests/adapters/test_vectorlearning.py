"""Vectors come beside the service: what is embedded and fitted when, and that words alone answer meanwhile."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from redis.asyncio import Redis

from service.adapters.calibrations import Calibrations
from service.adapters.faqfolder import FaqFolder
from service.adapters.store import PREFIX, Store
from service.adapters.vectorcache import VectorCache
from service.adapters.vectorlearning import learn_vectors
from service.core.fitting import calibrate
from service.core.vectors import unit
from tests.support.embedding import embedder
from tests.support.large import large_shop
from tests.support.real import write_faq
from tests.support.shop import entry
from tests.support.toy_embeddings import ToyEmbeddings, vector_of
from tests.support.waiting import cancel, eventually

SMALL = [msgspec.structs.replace(each, phrasings=each.phrasings[:5]) for each in large_shop()[:7]]
PARKING = entry("parking", "駐車場はありますか", "駐車できますか", "車を停めたい", "パーキングはどこ", "駐車場の場所")
NEW = "車停めていい?"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    write_faq(tmp_path / "faq", [*SMALL, PARKING])
    return tmp_path / "faq"


@asynccontextmanager
async def learning(directory: Path, store: Store, server: ToyEmbeddings) -> AsyncGenerator[FaqFolder]:
    """A loaded folder whose vectors are learned as in a worker."""
    folder = FaqFolder(directory, calibrations=Calibrations(store))
    await asyncio.to_thread(folder.load)
    async with embedder(server) as it:
        task = asyncio.create_task(learn_vectors(folder, VectorCache(store, it), Calibrations(store), try_again_s=0.05))
        try:
            yield folder
            assert not task.done(), "it goes on, whatever happened"
        finally:
            await cancel(task)


async def learned(folder: FaqFolder) -> None:
    await eventually(lambda: folder.current.uses_vectors, "the vectors are there", 60)


def edit(directory: Path, before: str, after: str) -> None:
    file = directory / "parking.md"
    text = file.read_text("utf-8")
    assert before in text
    file.write_text(text.replace(before, after), "utf-8")


def best(folder: FaqFolder, text: str) -> str:
    return folder.current.with_vector(text, unit(vector_of(text))).rank(text).candidates[0].entry


async def test_vectors_come_by_themselves_and_change_nothing_for_words(directory: Path, store: Store) -> None:
    with ToyEmbeddings() as server:
        async with learning(directory, store, server) as folder:
            before = folder.current
            assert not before.uses_vectors
            await learned(folder)
            after = folder.current
            assert best(folder, "マイカーで伺います") == "parking"
    assert (after.version, after.calibration) == (before.version, before.calibration)
    assert after.rank("鞄を修理に出したい") == before.rank("鞄を修理に出したい")
    assert after.vector_calibration
    assert after.vector_calibration.index == after.index.vector_id


async def test_a_restart_embeds_nothing_and_fits_nothing_again(directory: Path, store: Store, redis: Redis) -> None:
    with ToyEmbeddings() as server:
        async with learning(directory, store, server) as folder:
            await learned(folder)
            first = folder.current.vector_calibration
        sent = len(server.texts)
        kept = await redis.keys(f"{PREFIX}calibration:*")
        async with learning(directory, store, server) as folder:
            await learned(folder)
            assert folder.current.vector_calibration == first
        assert len(server.texts) == sent
        assert await redis.keys(f"{PREFIX}calibration:*") == kept


async def test_after_an_edit_only_what_is_new_is_embedded_and_words_answer_meanwhile(
    directory: Path, store: Store
) -> None:
    with ToyEmbeddings() as server:
        async with learning(directory, store, server) as folder:
            await learned(folder)
            sent = len(server.texts)
            edit(directory, "> - 駐車できますか", f"> - 駐車できますか\n> - {NEW}")
            await asyncio.to_thread(folder.load)
            assert not folder.current.uses_vectors
            assert folder.current.rank(NEW).candidates[0].entry == "parking"
            await learned(folder)
            assert server.texts[sent:] == [[NEW]]


async def test_another_answer_leaves_the_vectors_as_they_are(directory: Path, store: Store) -> None:
    with ToyEmbeddings() as server:
        async with learning(directory, store, server) as folder:
            await learned(folder)
            sent = len(server.texts)
            edit(directory, "の答えです。", "の新しい答えです。")
            await asyncio.to_thread(folder.load)
            assert folder.current.entries["parking"].bubbles == ("駐車場はありますかの新しい答えです。",)
            assert folder.current.uses_vectors
        assert len(server.texts) == sent


async def test_what_becomes_private_has_no_vector_any_more(directory: Path, store: Store, redis: Redis) -> None:
    with ToyEmbeddings() as server:
        async with learning(directory, store, server) as folder:
            await learned(folder)
            before = folder.current.index.vector_id
            (key,) = await redis.keys(f"{PREFIX}vectors:*")
            count = await redis.hlen(key)
            edit(directory, "match: meaning\n", "match: meaning\nprivate: yes\n")
            await asyncio.to_thread(folder.load)
            assert not folder.current.uses_vectors
            await learned(folder)
            assert folder.current.index.vector_id != before
            assert await redis.hlen(key) == count - 5


async def test_a_model_that_is_away_is_tried_again_and_words_answer_meanwhile(directory: Path, store: Store) -> None:
    with ToyEmbeddings((500, {}), (404, {})) as server:
        async with learning(directory, store, server) as folder:
            await eventually(lambda: len(server.texts) >= 1, "it was asked")
            assert not folder.current.uses_vectors
            await learned(folder)


async def test_the_calibration_is_the_one_that_would_be_fitted_here(directory: Path, store: Store) -> None:
    with ToyEmbeddings() as server:
        async with learning(directory, store, server) as folder:
            await learned(folder)
            entries, wording = list(folder.current.entries.values()), folder.current.index.lexicon.wording
        async with embedder(server) as it:
            texts = [text for each in entries for text in (each.question, *each.phrasings)]
            assert folder.current.vector_calibration == calibrate(
                entries, wording, await it.embed_all(list(dict.fromkeys(texts)))
            )
