"""A FAQ folder that is too large to be fitted while it is loaded."""

from itertools import islice, permutations
from pathlib import Path

from service.core.entries import Entry
from tests.support.real import write_faq
from tests.support.shop import entry

_SIGNS = "靴鞄傘帽時計指輪財布眼鏡"
_ASKED = (
    "{}の修理はできますか",
    "{}を直してほしい",
    "壊れた{}をなおせる?",
    "{}の修理代はいくら",
    "{}の直しをお願いしたい",
    "{}は直りますか",
    "{}が壊れてしまいました",
    "{}の部品はありますか",
    "古い{}も見てもらえますか",
    "{}の修理にかかる日数",
    "{}を預けたいのですが",
    "{}の見積もりをお願いします",
    "今日{}を持っていっていいですか",
    "{}が動かないんだけど",
)
THINGS = tuple(map("".join, islice(permutations(_SIGNS, 2), 75)))


def large_shop() -> list[Entry]:
    """1,050 phrasings."""
    return [
        entry(f"e{number}", f"{thing}について", *(said.format(thing) for said in _ASKED))
        for number, thing in enumerate(THINGS)
    ]


def write_large(directory: Path) -> None:
    write_faq(directory, large_shop())


def by_meaning(number: int) -> str:
    """A question about entry `e{number}` that is none of its phrasings."""
    return f"すみません、家にある{THINGS[number]}を修理に出したい"
