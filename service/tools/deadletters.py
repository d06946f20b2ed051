"""`./henji dead`: what failed for good, and putting it back.

The words of customers are shown only when they are asked for: the list is read over shoulders and pasted into tickets.
"""

import json
from collections.abc import Sequence
from typing import Any

from service.adapters.caretaking import Caretaker, Letter, Retried
from service.adapters.exporting import describe


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
