"""Learning from the shop's own traffic, now and then: one worker studies, all of them take over what it found."""

import asyncio
from collections.abc import Callable

import msgspec
import structlog

from service.adapters.traffic import Traffic
from service.core.auditing import needed
from service.core.knowledge import Knowledge
from service.core.thresholds import Learned
from service.core.traffic import learn_from, traffic
from service.errors import StoreUnavailable

log = structlog.get_logger()
LOOK_EVERY_S = 15.0
MOST_MESSAGES = 1_000


async def keep_learning(found: Traffic, current: Callable[[], Knowledge], teach: Callable[[Learned], None]) -> None:
    """Study and teach again and again, for ever."""
    while True:
        try:
            if await found.may_study(current().calibration.index):
                await found.note_learned(await study(found, current()))
            teach(await found.learned())
        except StoreUnavailable as error:
            log.info("not_studied", error=str(error))
        except Exception:  # a fault in our own code must not end it: what comes in next may be learnt from
            log.exception("study_failed")
        await asyncio.sleep(LOOK_EVERY_S)


async def study(found: Traffic, knowledge: Knowledge) -> Learned:
    """Learn what there is to learn: from the words that are still kept, and from the checks of staff.

    Ranking a thousand messages takes a second, so it is done beside the event loop.
    """
    words = await found.words(traffic(await found.heard())[:MOST_MESSAGES])
    texts = [text for text in words if text]
    labels = [label for _, label in await found.labels()]
    learned = await asyncio.to_thread(learn_from, texts, knowledge, await found.learned())
    return msgspec.structs.replace(learned, at_least=needed(labels, knowledge.shop.max_wrong_answers))
