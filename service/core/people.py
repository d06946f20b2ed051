"""The people of the shop: names, roles, passwords, sessions and one-time links, and the rules for them."""

import ipaddress
import re
import unicodedata
from datetime import datetime, timedelta
from typing import Literal

import msgspec

Role = Literal["owner", "staff"]
LinkKind = Literal["invite", "reset", "login"]
Weakness = Literal["short", "long", "common"]
Standing = Literal["invited", "active", "disabled"]

LONGEST_NAME = 40
SHORTEST_PASSWORD = 10
LONGEST_PASSWORD = 200

IDLE = timedelta(hours=12)
LONGEST_SESSION = timedelta(days=14)
# A session's last use is written down again only when it is older than this: not every page is a write.
SEEN_IS_FRESH = timedelta(minutes=5)

LINK_LASTS: dict[LinkKind, timedelta] = {
    "invite": timedelta(days=7),
    "reset": timedelta(hours=1),
    "login": timedelta(hours=1),
}

# Attempts to log in, right or wrong, within the window that begins with the first of them.
ATTEMPTS_WINDOW = timedelta(minutes=15)
MOST_ATTEMPTS_BY_NAME = 10
MOST_ATTEMPTS_BY_ADDRESS = 30

# What guessers try first, without the digits and signs that people put around it. Of Japan, and of everywhere.
_WORDS = """
password passwd passw pass passcode passphrase secret letmein welcome admin administrator login user guest
root test testing changeme default qwerty qwertyuiop qwertyui asdfgh asdfghjkl zxcvbn zxcvbnm qazwsx
qazwsxedc azerty iloveyou monkey dragon football baseball soccer sunshine princess superman batman master
shadow michael computer internet sakura tokyo osaka kyoto japan nippon nihon doraemon pokemon pikachu naruto
arigatou arigato aishiteru konnichiwa himitsu pasuwado パスワード ぱすわーど ひみつ henji 返事 line salon shop
onepiece staff owner kanri kanrisha
"""
_COMMON = frozenset(_WORDS.split())
_AROUND = "0123456789 !\"#$%&'()*+,-./:;<=>?@[]^_`{|}~"
_SIGNS_AS_LETTERS = str.maketrans("01345@$7!", "oleasasti")
_ROWS = ("01234567890", "abcdefghijklmnopqrstuvwxyz", "qwertyuiop", "asdfghjkl", "zxcvbnm", "1qaz2wsx3edc4rfv5tgb6yhn")


class Staff(msgspec.Struct, frozen=True):
    """A person who is signed in. Customers see the name: スタッフ 佐藤."""

    name: str
    role: Role

    @property
    def is_owner(self) -> bool:
        """Whether this person looks after the others."""
        return self.role == "owner"


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """A person as kept. `password` is an Argon2 hash, empty until it is set.

    `epoch` counts what ends a person's sessions: a session of another epoch is over.
    """

    name: str
    role: Role
    created_at: datetime
    password: str = ""
    disabled: bool = False
    epoch: int = 0

    @property
    def staff(self) -> Staff:
        """Who signs in with it."""
        return Staff(self.name, self.role)

    @property
    def standing(self) -> Standing:
        """Whether the person may sign in, and if not, why."""
        if self.disabled:
            return "disabled"
        return "active" if self.password else "invited"


class Session(msgspec.Struct, frozen=True):
    """One browser that somebody signed in with."""

    name: str
    epoch: int
    created_at: datetime
    seen_at: datetime


class Link(msgspec.Struct, frozen=True):
    """What a one-time link is good for."""

    name: str
    kind: LinkKind
    until: datetime


def read_name(text: str) -> str:
    """Read a person's name as somebody typed it: full-width and half-width forms are the same. Raises ValueError."""
    name = " ".join(unicodedata.normalize("NFKC", text).split())
    if not name.isprintable() or not 1 <= len(name) <= LONGEST_NAME:
        raise ValueError(f"a name has 1 to {LONGEST_NAME} characters, on one line")
    return name


def name_key(name: str) -> str:
    """Give what makes two names the same: phones begin words with a capital letter by themselves."""
    return read_name(name).casefold()


def read_password(text: str) -> str:
    """Give the password that was meant: an input method may have typed it in full-width forms."""
    return unicodedata.normalize("NFKC", text)


def weakness(password: str, name: str) -> Weakness | None:
    """Say why a password is none: too short, too long to be worked on, or among what is guessed first."""
    if len(password) < SHORTEST_PASSWORD:
        return "short"
    if len(password) > LONGEST_PASSWORD:
        return "long"
    plain = password.casefold()
    known = _COMMON | {"".join(name.casefold().split())}
    weak = _is_run(plain) or _is_repeated(plain) or _holds_only(known, plain)
    return "common" if weak else None


def _holds_only(known: frozenset[str], plain: str) -> bool:
    """Whether all its words are known ones, also where signs stand for letters; or it has no words at all."""
    core = plain.strip(_AROUND)
    spellings = (re.findall(r"[^\W\d_]+", core), re.findall(r"[^\W\d_]+", core.translate(_SIGNS_AS_LETTERS)))
    return any(all(word in known for word in words) for words in spellings)


def _is_run(text: str) -> bool:
    """Whether it follows the keyboard or the alphabet, in pieces of three at least."""
    rows = [*_ROWS, *(row[::-1] for row in _ROWS)]
    return all(any(piece in row for row in rows) for piece in (text[at : at + 3] for at in range(len(text) - 2)))


def _is_repeated(text: str) -> bool:
    """Whether a short piece of it, said again and again, is all there is."""
    return any(text == (text[:size] * len(text))[: len(text)] for size in range(1, min(len(text) // 2, 8) + 1))


def is_live(session: Session, account: Account, now: datetime) -> bool:
    """Whether a session still stands for its person."""
    return (
        not account.disabled
        and session.epoch == account.epoch
        and now < session.seen_at + IDLE
        and now < session.created_at + LONGEST_SESSION
    )


def is_usable(link: Link, account: Account, now: datetime) -> bool:
    """Whether a link that was not used yet still leads somewhere."""
    return not account.disabled and now < link.until


def network_of(address: str) -> str:
    """Give what counts as one address: of IPv6 the /64, which one subscriber holds whole."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(parsed.ipv4_mapped or ipaddress.ip_network((int(parsed) >> 64 << 64, 64)))
    return str(parsed)
