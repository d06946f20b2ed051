"""What is left of a message that was taken back."""

from service.core.conversation import make_turn
from service.core.decisions import Handoff
from service.core.events import MessageKind, Said
from service.core.handoffs import open_handoff
from service.core.media import File, Media, Sticker
from service.core.records import MessageItem, TurnRecord, utc
from service.core.unsending import blank_handoff, blank_items
from tests.support.shop import CUSTOMER, DUE, NOON, NOON_MS


def said(number: int, kind: MessageKind, media: Media) -> Said:
    return Said(f"01E{number}", NOON_MS, f"m{number}", kind, "", media=media, quoted="m0")


def test_of_a_file_taken_back_not_even_the_name_is_left_and_the_sticker_beside_it_stays() -> None:
    events = (said(1, "file", File(name="診断書.pdf", size=5)), said(2, "sticker", Sticker(text="おつかれ")))
    talk = [
        MessageItem(
            id=event.event,
            turn="01E1",
            at=NOON,
            type=event.kind,
            text="",
            message=event.message,
            media=event.media,
            quoted=event.quoted,
        )
        for event in events
    ]
    handoff = open_handoff(
        "h1", Handoff("media"), make_turn(events), customer=CUSTOMER, knowledge="v1", now=NOON, due_at=DUE
    )
    assert handoff.summary == "[ファイル：診断書.pdf] [スタンプ：おつかれ]"
    blanked = blank_items("m1", [*talk])
    assert blanked == [MessageItem(id="01E1", turn="01E1", at=NOON, type="file", text="", message="m1", unsent=True)]
    left = blank_handoff(handoff, blanked, [*talk])
    assert left.turns == (TurnRecord(id="01E1", at=utc(NOON_MS), text="", media=("sticker",), captions=("おつかれ",)),)
    assert left.summary == "[スタンプ：おつかれ]"
