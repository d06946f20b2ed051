"""Identifiers in the shapes LINE uses: user ids, ULID event ids, numeric message ids, opaque tokens.

Shapes: fact sheet section 6, point 21. Everything is unguessable except message ids, which grow as LINE's do.
"""

import itertools
import secrets
import uuid

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
ULID_LENGTH = 26

_message_ids = itertools.count(500_000_000_000_000_000 + secrets.randbelow(10**16))


def new_user_id() -> str:
    """Make a user id: `U` and 32 hex digits."""
    return f"U{secrets.token_hex(16)}"


def new_group_id() -> str:
    """Make a group id: `C` and 32 hex digits."""
    return f"C{secrets.token_hex(16)}"


def new_event_id(now: float) -> str:
    """Make a ULID for a webhook event that happened at `now` (seconds since 1970)."""
    value = (int(now * 1000) << 80) | secrets.randbits(80)
    return "".join(CROCKFORD[(value >> shift) & 31] for shift in range(5 * (ULID_LENGTH - 1), -1, -5))


def new_message_id() -> str:
    """Make a message id: a string of 18 digits."""
    return str(next(_message_ids))


def new_reply_token() -> str:
    """Make a reply token: 32 hex digits."""
    return secrets.token_hex(16)


def new_opaque_token() -> str:
    """Make a quote token, mark-as-read token or access token: long and URL-safe."""
    return secrets.token_urlsafe(48)


def new_request_id() -> str:
    """Make a value for the header `x-line-request-id`."""
    return str(uuid.uuid4())
