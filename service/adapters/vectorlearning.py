"""Keeps the vectors of a FAQ folder's phrasings with its knowledge, beside the service.

Until they are there, and whenever they are not, decisions are made by words alone.
"""

import asyncio

import structlog

from service.adapters.calibrations import Calibrations
from service.adapters.faqfolder import FaqFolder
from service.adapters.vectorcache import VectorCache
from service.core.calibration import Calibration
from service.core.knowledge import Knowledge
from service.core.ranking import Index, build_index, to_embed
from service.errors import FittingFailed, ModelUnavailable

log = structlog.get_logger()
LOOK_EVERY_S = 0.5
TRY_AGAIN_S = 60.0


async def learn_vectors(
    folder: FaqFolder, cache: VectorCache, calibrations: Calibrations, *, try_again_s: float = TRY_AGAIN_S
) -> None:
    """Have new phrasings embedded and a calibration fitted with them, for ever."""
    looked_at, learned = None, None
    while True:
        knowledge = folder.current
        if looked_at != (subject := _subject(knowledge)):
            try:
                learned = await _learn(knowledge, cache, calibrations)
                looked_at = subject
            except (ModelUnavailable, FittingFailed) as error:
                log.warning("vectors_not_learned", reason=str(error))
                await asyncio.sleep(try_again_s)
            except Exception:  # a fault in our own code must not end it for good
                log.exception("vectors_not_learned")
                await asyncio.sleep(try_again_s)
        # Also where a reload that was on its way has put the index without vectors back.
        elif learned and knowledge.index is not learned[0] and folder.take_vectors(*learned):
            log.info("vectors_learned", version=knowledge.version, calibration=learned[1].id)
        await asyncio.sleep(LOOK_EVERY_S)


def _subject(knowledge: Knowledge) -> tuple[str, tuple[str, ...]]:
    """What the vectors depend on: what is indexed, and what of it may leave."""
    return knowledge.index.id, tuple(sorted(entry.id for entry in knowledge.entries.values() if entry.private))


async def _learn(
    knowledge: Knowledge, cache: VectorCache, calibrations: Calibrations
) -> tuple[Index, Calibration] | None:
    """Give an index with vectors and what was fitted with them; None where nothing may or can be embedded."""
    entries, wording = tuple(knowledge.entries.values()), knowledge.index.lexicon.wording
    texts = await asyncio.to_thread(to_embed, entries, wording)
    if not texts:
        return None
    meanings = await cache.meanings(texts)
    index = await asyncio.to_thread(build_index, entries, wording, meanings)
    if index.vector_id is None:
        return None
    return index, await calibrations.make(entries, wording, index.vector_id, meanings)
