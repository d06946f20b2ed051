"""The whole story of a draft: a reply that the language model proposes to staff, soon after a customer began to wait.

It stands apart from the turns: the notice is out by then, it holds no conversation's lease, and nobody waits for it.
Without one the card shows the nearest entry's own answer, as it does without a model.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

import structlog

from service.adapters.draftlist import DraftClaim, DraftList
from service.core.drafts import Judged, is_worth_asking, judge, lang_of, said_in, shown_for
from service.core.knowledge import Knowledge
from service.errors import ModelUnavailable, StoreUnavailable
from service.ports import Drafter

log = structlog.get_logger()

AT_ONCE = 2
LOOK_EVERY_S = 1.0


async def draft_replies(drafts: DraftList, drafter: Drafter, knowledge: Callable[[], Knowledge]) -> None:
    """Draft what is due, for ever. Cancel it to stop: another worker then drafts what was in hand.

    No TaskGroup: that cancels its tasks only once, and redis-py may swallow it. This passes on each cancellation.
    """
    one_by_one = (_draft_one_by_one(drafts, drafter, knowledge) for _ in range(AT_ONCE))
    await asyncio.gather(*one_by_one, return_exceptions=True)


async def _draft_one_by_one(drafts: DraftList, drafter: Drafter, knowledge: Callable[[], Knowledge]) -> None:
    while True:
        try:
            claim = await drafts.claim()
            if claim:
                await draft(claim, drafts, drafter, knowledge())
                continue
        except StoreUnavailable as error:
            log.warning("redis_away", error=str(error))
        except Exception:  # a fault in our own code must not end the drafting of all others; its tries are counted
            log.exception("draft_failed")
        await asyncio.sleep(LOOK_EVERY_S)


async def draft(claim: DraftClaim, drafts: DraftList, drafter: Drafter, knowledge: Knowledge) -> None:
    """Draft one reply, and write down what became of it."""
    handoff = claim.handoff
    shown = shown_for(handoff, knowledge.entries, knowledge.shop, datetime.now(UTC))
    judged, result = Judged(None, None, "empty"), "not_asked"
    if is_worth_asking(handoff, shown):
        try:
            names = (handoff.display_name, handoff.nickname)
            sketch = await drafter.draft(said_in(handoff), shown, lang_of(handoff), names)
            judged = judge(sketch, handoff, shown)
            result = judged.result
        except ModelUnavailable as error:
            result = str(error)
    kept = await drafts.keep(claim, judged, drafter.name, result)
    log.info("draft", handoff=handoff.id, result=result, summary=judged.summary is not None, kept=kept)
