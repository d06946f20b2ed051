"""What the page shows of a chat, as JSON: made anew from the fake LINE's ledger each time, nothing is kept here.

`mark` tells what a bubble cost: `free` (reply), `billed` (the push that counts), `same` (further bubbles of that push),
`operator` and `auto` (written in LINE Official Account Manager).
"""

from service.tools.fakeline.ledger import Line
from service.tools.fakeline.records import Json, Seen, Wrote
from service.tools.fakeline.server import FakeLine
from service.tools.simulator import samples

# LINE takes only https addresses for pictures. The demo's shop has none: those below this one are fetched from it here.
PUBLIC_URL = "https://demo.invalid"


def chats(fake: FakeLine) -> list[Json]:
    """List customers, then groups, in the order in which they were added."""
    return [who(fake, chat) for chat in (*fake.users, *fake.platform.groups)]


def who(fake: FakeLine, chat: str) -> Json:
    """Tell whose chat it is: its name, a group's members, and whether the account can be written to there."""
    if chat in fake.users:
        user = fake.users[chat]
        return {"id": chat, "name": user.display_name, "open": user.state != "blocked"}
    group = fake.platform.groups[chat]
    members = [{"id": member, "name": fake.users[member].display_name} for member in group.members]
    return {"id": chat, "name": group.name, "members": members, "open": group.has_bot}


def chat(fake: FakeLine, chat_id: str) -> Json:
    """Show one chat: its lines, and for how long the loading animation still runs."""
    lines = fake.timeline(chat_id)
    failed, billed = _failed_events(fake), _billed_requests(lines)
    shown = [_own(fake, line, failed) if isinstance(line, Wrote) else _account(line, billed) for line in lines]
    loading_until = fake.users[chat_id].loading_until if chat_id in fake.users else 0.0
    loading_s = max(0.0, loading_until - fake.platform.clock())
    return {"who": who(fake, chat_id), "lines": shown, "loading_ms": int(loading_s * 1000)}


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
    kept = line.message_id in fake.platform.contents
    return {
        **_content(line.message),
        "key": line.event_id,
        "side": "customer",
        "at": line.at,
        "author": line.author,
        "message": line.message_id,
        "url": f"/contents/{line.message_id}" if kept else None,
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
        "url": str(line.message.get("previewImageUrl", "")).removeprefix(PUBLIC_URL) or None,
        "mark": "billed" if line.billed else marks.get(line.source, line.source),
        "buttons": [item["action"] for item in line.message.get("quickReply", {}).get("items", ())],
    }


def _content(message: Json) -> Json:
    shown = {
        "type": message.get("type"),
        "text": message.get("text") or message.get("altText"),
        "sticker": samples.sticker_name(message),
        "name": message.get("fileName") or message.get("title"),
        "address": message.get("address"),
        "size": message.get("fileSize"),
        "duration_ms": message.get("duration"),
    }
    return {name: value for name, value in shown.items() if value is not None}
