"""The salon of the design's example: its `_shop.yaml`, and instants of its wall clock."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from service.core.shop import Shop
from service.core.shopfile import read_shop

SALON_FILE = """\
name: ヘアサロン すみれ
timezone: Asia/Tokyo
hours: {tue-fri: "10:00-13:00, 14:00-20:00", sat+sun+holidays: "9:00-19:00", mon: closed}
closed: [3rd tue, 2026-12-31..2027-01-03]
special: {2026-12-30: "10:00-15:00"}
if_holiday: {mon: open, next day: closed}
when_open: bot_first         # or staff_first: everything to staff
when_closed: bot_first
max_wrong_answers: 5%        # of the automatic answers
unanswerable: 40%
first_reply_target: 1h
return_to_bot_after: 24h
phone: 03-1234-5678
privacy_url: https://shop.example/privacy
synonyms: [[カラー, 染める, ヘアカラー]]
starters: [hours, booking, menu]
"""


def read_salon(text: str) -> Shop:
    """Read a `_shop.yaml` that has no error."""
    file = read_shop(text)
    assert file.shop is not None, file.problems
    return file.shop


SALON = read_salon(SALON_FILE)


def wall(text: str, zone: str = "Asia/Tokyo") -> datetime:
    """The instant, in UTC, at which a clock on the shop's wall shows `2026-11-25 10:00`."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
