"""What the page shows of a chat, as JSON: made anew from the fake LINE's ledger each time, nothing is kept here.

`mark` tells what a bubble cost: `free` (reply), `billed` (the push that counts), `same` (further bubbles of that push),
`operator` and `auto` (written in LINE Official Account Manager).
"""

from service.tools.fakeline.ledger import Line
from service.tools.fakeline.records import Json, Seen, Wrote
from service.tools.fakeline.server import FakeLine


def customers(fake: FakeLine) -> list[Json]:
    """List the customers in the order in which they were added."""
    return [{"id": user.user_id, "name": user.display_name} for user in fake.users.values()]


def chat(fake: FakeLine, user_id: str) -> Json:
    """Show one customer's chat: its lines, and for how long the loading animation still runs."""
    user = fake.users[user_id]
    lines = fake.timeline(user_id)
    failed, billed = _failed_events(fake), _billed_requests(lines)
    shown = [_own(fake, line, failed) if isinstance(line, Wrote) else _account(line, billed) for line in lines]
    loading_s = max(0.0, user.loading_until - fake.platform.clock())
    return {"customer": {"id": user_id, "name": user.display_name}, "lines": shown, "loading_ms": int(loading_s * 1000)}


def find_event(fake: FakeLine, event_id: str) -> Json | None:
    """Find an event that was posted to the bot, to post it again."""
    events = (event for delivery in reversed(fake.deliveries) for event in delivery.events)
    return next((event for event in events if event["webhookEventId"] == event_id), None)


def _failed_events(fake: FakeLine) -> set[str]:
    """Collect the events whose last delivery failed."""
    outcomes = {
        event["webhookEventId"]: delivery.reason is not None
        for delivery in fake.deliveries
        for event in delivery.events
    }
    return {event_id for event_id, has_failed in outcomes.items() if has_failed}


def _billed_requests(lines: list[Line]) -> set[str]:
    return {line.request_id for line in lines if isinstance(line, Seen) and line.billed}


def _own(fake: FakeLine, line: Wrote, failed: set[str]) -> Json:
    photo = line.message_id if line.message.get("type") == "image" else None
    return {
        **_content(line.message),
        "key": line.event_id,
        "side": "customer",
        "at": line.at,
        "photo": photo and f"/photos/{photo}",
        "read": fake.platform.is_read(line.user, line.message_id),
        "failed": line.event_id in failed,
        "unsent": line.message_id in fake.ledger.unsent,
    }


def _account(line: Seen, billed: set[str]) -> Json:
    marks = {"reply": "free", "push": "same" if line.request_id in billed else "free"}
    return {
        **_content(line.message),
        "key": line.message_id,
        "side": "shop",
        "at": line.at,
        "sender": line.sender,
        "photo": line.message.get("previewImageUrl"),
        "mark": "billed" if line.billed else marks.get(line.source, line.source),
        "buttons": [item["action"] for item in line.message.get("quickReply", {}).get("items", ())],
    }


def _content(message: Json) -> Json:
    return {"type": message.get("type"), "text": message.get("text") or message.get("altText")}
