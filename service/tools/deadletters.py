"""`./henji dead`: what failed for good, and putting it back.

The words of customers are shown only when they are asked for: the list is read over shoulders and pasted into tickets.
"""

import json
from collections.abc import Sequence
from typing import Any

import msgspec

from service.adapters.caretaking import Caretaker, Letter, Retried
from service.core.events import Other, Said, TakenBack, Tapped, Timer, read_event
from service.core.plan import OutKind
from service.core.records import BubbleItem, utc


class _Item(msgspec.Struct):
    kind: OutKind
    bubbles: tuple[BubbleItem, ...]


async def list_letters(caretaker: Caretaker, *, as_json: bool, with_text: bool) -> list[str]:
    """Show all dead letters, the oldest first: a line each, or one JSON list."""
    rows = [describe(letter, with_text=with_text) for letter in await caretaker.letters()]
    if as_json:
        return [json.dumps(rows, ensure_ascii=False, indent=2)]
    return [_line(row) for row in rows]


async def retry(caretaker: Caretaker, ids: Sequence[str], *, force: bool) -> tuple[list[str], bool]:
    """Put dead letters back, all of them when no id is given. Returns a line for each, and whether all went back."""
    letters = {letter.id: letter for letter in await caretaker.letters()}
    lines: list[str] = []
    all_done = True
    for letter_id in dict.fromkeys(ids or letters):
        letter = letters.get(letter_id)
        outcome = await caretaker.retry(letter, force=force) if letter else "gone"
        lines.append(f"{letter_id}  {_outcome(outcome, letter)}")
        all_done = all_done and outcome == "done"
    return lines or ["there are no dead letters"], all_done


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


def _line(row: dict[str, Any]) -> str:
    cells = [row["id"], row["at"], row["why"], row["conversation"], row["what"]]
    # What somebody else wrote must neither break the line nor steer the terminal.
    text = "".join(char if char.isprintable() else " " for char in row.get("text", ""))
    return "  ".join([*cells, *([text] if text else [])])


def _outcome(outcome: Retried, letter: Letter | None) -> str:
    match outcome:
        case "done":
            place = "mailbox" if letter and letter.is_event else "outbox"
            return f"is back in the {place} of {letter.conversation if letter else ''}"
        case "gone":
            return "is no dead letter, or not any more"
        case "old":
            return (
                "is older than 23 hours: the customer may see it twice, or too late. --force puts it back all the same"
            )
        case "full":
            return "has to wait: the mailbox is full"
