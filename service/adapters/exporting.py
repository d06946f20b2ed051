"""All that is kept about a customer as one JSON document, which they have a right to see; and a dead letter as data."""

import re
from datetime import UTC, datetime
from typing import Any

import msgspec

from service.adapters.caretaking import Caretaker, Letter
from service.core.events import Other, Said, TakenBack, Tapped, Timer, read_event
from service.core.plan import OutKind
from service.core.records import BubbleItem, utc

# With a reply token somebody else could write to the customer in the shop's name. In JSON only a name stands between
# bare quotes and before a colon: quotes in what somebody wrote are escaped.
_TOKEN = re.compile(r'"(replyToken|markAsReadToken|quoteToken|read_token)"\s*:\s*"(?:[^"\\]|\\.)*"')
_SECRET_FIELDS = {"token", "lease"}


class _Item(msgspec.Struct):
    kind: OutKind
    bubbles: tuple[BubbleItem, ...]


async def export(caretaker: Caretaker, customer: str, *, who: str) -> str:
    """Write all that is kept about a customer as one JSON document, secrets left out; `who` asked for it."""
    kept = await caretaker.kept(customer)
    await caretaker.note_export(customer, who=who)
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
        "suggestions": kept.suggestions,
        "timers": {name: utc(due) for name, due in kept.timers.items()},
        # Inside the document, in base64: one output stays one document, whatever becomes of it.
        "photos": [{"message": message, **msgspec.structs.asdict(photo)} for message, photo in kept.photos.items()],
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode()


def describe(letter: Letter, *, with_text: bool) -> dict[str, Any]:
    """Say what a dead letter is, as data."""
    what, text = _event(letter) if letter.is_event else _item(letter)
    row: dict[str, Any] = {
        "id": letter.id,
        "at": _time(letter.at_ms),
        "why": letter.why,
        "conversation": letter.conversation,
        "what": what,
        "said_at": _time(letter.said_at_ms),
    }
    return row | {"text": text} if with_text else row


def _event(letter: Letter) -> tuple[str, str]:
    match read_event(letter.id, letter.body):
        case Said(kind=kind, text=text):
            return f"message ({kind})", text
        case Tapped():
            return "button", ""
        case TakenBack():
            return "unsend", ""
        case Timer(name=name):
            return f"timer ({name})", ""
        case Other(what=what):
            return f"event ({what})", ""


def _item(letter: Letter) -> tuple[str, str]:
    item = msgspec.json.decode(letter.body.partition("\n")[2], type=_Item)
    return f"to send ({item.kind})", "\n".join(bubble.text for bubble in item.bubbles)


def _time(at_ms: int) -> str:
    return utc(at_ms).isoformat(timespec="seconds")


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
