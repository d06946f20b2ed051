"""`./henji customer`: a person's right to see what is kept about them, and to have it deleted."""

import re
from datetime import UTC, datetime
from typing import Any

import msgspec

from service.adapters.caretaking import Caretaker
from service.core.records import utc
from service.tools.deadletters import describe

# With a reply token somebody else could write to the customer in the shop's name. In JSON only a name stands between
# bare quotes and before a colon: quotes in what somebody wrote are escaped.
_TOKEN = re.compile(r'"(replyToken|markAsReadToken|quoteToken|read_token)"\s*:\s*"(?:[^"\\]|\\.)*"')
_SECRET_FIELDS = {"token", "lease"}


async def export(caretaker: Caretaker, customer: str) -> str:
    """Write all that is kept about a customer as one JSON document, secrets left out."""
    kept = await caretaker.kept(customer)
    document: dict[str, Any] = {
        "customer": customer,
        "exported_at": datetime.now(UTC),
        "conversation": {name: value for name, value in kept.fields.items() if name not in _SECRET_FIELDS},
        "items": [msgspec.Raw(raw) for raw in kept.items],
        "handoffs": [msgspec.Raw(raw) for raw in kept.handoffs],
        "dead_letters": [describe(letter, with_text=False) | {"body": _record(letter.body)} for letter in kept.letters],
        "waiting": [_waiting(element) for element in kept.waiting],
        "outgoing": [_record(element) for element in kept.outgoing],
        "labels": kept.labels,
        "timers": {name: utc(due) for name, due in kept.timers.items()},
        # Inside the document, in base64: one output stays one document, whatever becomes of it.
        "photos": [{"message": message, **msgspec.structs.asdict(photo)} for message, photo in kept.photos.items()],
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode()


async def erase(caretaker: Caretaker, customer: str) -> list[str]:
    """Delete all that is kept about a customer. Returns what was deleted, in counts."""
    erased = await caretaker.erase(customer, who="cli")
    counts = [f"{name} {count}" for name, count in msgspec.structs.asdict(erased).items()]
    problem = await caretaker.rewrite_log()
    log = f"not rewritten ({problem})" if problem else "is being rewritten without it"
    return [f"erased: {', '.join(counts)}", f"append-only file of Redis: {log}"]


def _waiting(element: str) -> dict[str, Any]:
    head, _, raw = element.partition("\n")
    return {"arrived_at": utc(int(head.split(" ")[1])), "event": _without_tokens(raw)}


def _record(body: str) -> Any:
    """Read an event, or an element of the outbox (common.lua says how it is written)."""
    if body.startswith("{"):
        return _without_tokens(body)
    head, _, raw = body.partition("\n")
    item_id, who, mode, _, tries, first_try, *_ = head.split(" ")
    tried_at = utc(int(first_try)) if first_try != "0" else None
    header = {"id": item_id, "who": who, "mode": mode, "tries": int(tries), "first_try_at": tried_at}
    return header | {"request": _without_tokens(raw)}


def _without_tokens(raw: str) -> msgspec.Raw:
    return msgspec.Raw(_TOKEN.sub(r'"\1":null', raw).encode())
