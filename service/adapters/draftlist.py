"""Which handoffs are to get a draft, in Redis: written down by COMMIT with the customer's words, so never forgotten.

DRAFT hands one out, JOT writes what came of it, unless the customer has said something else since.
"""

from typing import Any

import msgspec

from service.adapters.store import Store
from service.core.counting import count_draft
from service.core.drafts import Judged, with_draft
from service.core.records import HandoffRecord
from service.core.searching import search_line

# Longer than a draft may take: a minute for the model, and the steps around it.
CLAIM_MS = 90_000


class DraftClaim(msgspec.Struct, frozen=True):
    """A handoff that is ours to draft for, for 90 s. `raw` is the record as it stood."""

    conversation: str
    tries: int
    raw: bytes
    handoff: HandoffRecord


class DraftList:
    """Raises StoreUnavailable when Redis is away, full or slow."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def claim(self) -> DraftClaim | None:
        """DRAFT: take a handoff that is due, None when none is."""
        found = await self._run("draft", {"claim_ms": CLAIM_MS})
        if not found:
            return None
        conversation, tries, raw = found
        return DraftClaim(conversation.decode(), tries, raw, msgspec.json.decode(raw, type=HandoffRecord))

    async def keep(self, claim: DraftClaim, judged: Judged, by: str, result: str) -> bool:
        """JOT: write into the handoff what may be kept, and count what came of it; `by` names who wrote.

        What staff have done to it meanwhile stays. False when there was nothing to write, when the customer has said
        more or taken something back since it was taken (which asked for another draft), or when it is over.
        """
        raw, handoff = claim.raw, claim.handoff
        while True:
            fits = handoff.turns == claim.handoff.turns and handoff.draft is None
            after = with_draft(handoff, judged, by) if fits else handoff
            call: dict[str, Any] = {
                "conv": claim.conversation,
                "tries": claim.tries,
                "id": handoff.id,
                "before": raw.decode(),
                "counts": [count_draft(result)],
            }
            if after != handoff:
                call |= {"after": msgspec.json.encode(after).decode(), "search": search_line(after)}
            status, raw = await self._run("jot", call)
            if status != b"changed":
                return status == b"done"
            handoff = msgspec.json.decode(raw, type=HandoffRecord)

    async def _run(self, name: str, call: dict[str, Any]) -> Any:
        return await self._store.run(name, msgspec.msgpack.encode(call))
