"""What would be decided about a message, sending nothing; and the answers to what the web process asks the workers.

The web process holds no knowledge of its own: fitting it would keep the webhook waiting, and take its memory twice.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import msgspec
import structlog

from service.adapters.inquiries import Inquiries
from service.advising import Advisor, nothing_before
from service.core.additions import Added, Addition
from service.core.conversation import Conversation, Turn
from service.core.entries import Problem
from service.core.inquiry import Inquiry, Loaded, Tried
from service.core.knowledge import Knowledge
from service.core.records import Thresholds, ms
from service.core.texts import language_of
from service.core.wording import Voice, speak
from service.errors import StoreUnavailable
from service.replying import resolve
from service.sensing import Sense, judge

log = structlog.get_logger()
FAQ_PAGE = 100
# One may wait for the language model while the other answers.
_AT_ONCE = 2
_AWAY_S = 0.5


class Source(msgspec.Struct, frozen=True):
    """What answers come from: the knowledge that is current, what is wrong with its files, and the language model.

    `add` adds to its folder, or only tries to, and blocks; None where there is no folder.
    """

    knowledge: Callable[[], Knowledge]
    problems: Callable[[], Sequence[Problem]]
    advisor: Advisor | None
    sense: Sense | None = None
    add: Callable[[Addition, bool], Added] | None = None


async def decide(text: str, knowledge: Knowledge, advisor: Advisor | None, sense: Sense | None = None) -> Tried:
    """Decide about one message as if a new customer had written it."""
    now = datetime.now(UTC)
    turn = Turn(id="ask", at=ms(now), events=(), lines=(text,))
    step, knowledge = await judge(turn, knowledge, Conversation(customer="ask"), now, sense)
    decision, trace = await resolve(step, knowledge, advisor, nothing_before, now)
    speech = speak(decision, Voice(knowledge=knowledge, customer="ask", key=b"", now=now, lang=language_of(text)))
    return Tried(
        decision=decision,
        bubbles=speech.words if speech else (),
        thresholds=Thresholds(sure=knowledge.calibration.sure, clarify=knowledge.calibration.clarify),
        knowledge=knowledge.version,
        calibration=knowledge.calibration.id,
        model=trace,
    )


def show(knowledge: Knowledge, problems: Sequence[Problem], start: int) -> Loaded:
    """Show the entries behind the first `start`."""
    entries = sorted(knowledge.entries.values(), key=lambda entry: (entry.file, entry.line))
    end = start + FAQ_PAGE
    following = str(end) if end < len(entries) else None
    return Loaded(knowledge.version, tuple(problems), tuple(entries[start:end]), following)


async def inform(inquiries: Inquiries, source: Source) -> None:
    """Answer what the web process asks, for ever."""
    await asyncio.gather(*(_answer_all(inquiries, source) for _ in range(_AT_ONCE)))


async def _answer_all(inquiries: Inquiries, source: Source) -> None:
    published: Knowledge | None = None
    while True:
        try:
            knowledge = source.knowledge()
            if knowledge is not published:
                await inquiries.publish(knowledge)
                published = knowledge
            if inquiry := await inquiries.take():
                await inquiries.answer(inquiry, await _answer(inquiry, source))
        except StoreUnavailable:
            await asyncio.sleep(_AWAY_S)
        except Exception:  # a fault in our own code must not end it: the next question may be answered
            log.exception("inquiry_failed")


async def _answer(inquiry: Inquiry, source: Source) -> Tried | Loaded | Added:
    match inquiry.what:
        case "decide":
            return await decide(inquiry.text, source.knowledge(), source.advisor, source.sense)
        case "faq":
            return show(source.knowledge(), source.problems(), inquiry.start)
        case "add" | "try":
            if source.add is None or inquiry.addition is None:
                return Added(status="unwritable")
            return await asyncio.to_thread(source.add, inquiry.addition, inquiry.what == "try")
