"""The choices of a Clarify: numbers that customers type, and the signed data their buttons carry.

A button lives on the customer's phone, so what comes back is signed for one conversation with a random key of this
shop: nobody can make the service say an entry that it never offered there.
"""

import hashlib
import hmac
import re
import unicodedata
from collections.abc import Sequence

from service.core.conversation import Tap

_NUMBER = re.compile(r"([0-9]{1,2})(?:番目?)?(?:です|で|でお願いします|をお願いします)?[。.!]?")


def read_number(text: str, choices: Sequence[str]) -> Tap | None:
    """Read a typed number (2, ２, ②, 2番) as a choice; the one after the last is "ask our staff"."""
    found = _NUMBER.fullmatch(unicodedata.normalize("NFKC", text).strip())
    if not found or not choices:
        return None
    number = int(found[1])
    if 1 <= number <= len(choices):
        return Tap(choices[number - 1])
    return Tap(None) if number == len(choices) + 1 else None


def button_data(key: bytes, customer: str, entry: str | None) -> str:
    """Make the data of a choice's button, at most 300 characters. `entry` None is "ask our staff"."""
    return f"choice:{_sign(key, customer, entry or '')}:{entry or ''}"


def read_button(key: bytes, customer: str, data: str) -> Tap | None:
    """Read a tapped button's data. None when it is not ours, not this customer's, or was changed."""
    kind, _, rest = data.partition(":")
    signature, _, entry = rest.partition(":")
    if kind != "choice" or not hmac.compare_digest(_bytes(signature), _sign(key, customer, entry).encode()):
        return None
    return Tap(entry or None)


def _sign(key: bytes, customer: str, entry: str) -> str:
    return hmac.new(key, _bytes(f"{customer}\n{entry}"), hashlib.sha256).hexdigest()[:32]


def _bytes(text: str) -> bytes:
    # Whoever sends the data may put half an emoji into it.
    return text.encode("utf-8", "surrogatepass")
