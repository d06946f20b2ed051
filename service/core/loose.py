"""JSON that somebody else wrote, read without trust."""

from typing import TypeVar

import msgspec

_T = TypeVar("_T")
_LARGEST = 2**53  # beyond it JSON's readers disagree about whole numbers


class LooseObject:
    """A JSON object: what is missing, or of another kind than was promised, reads as empty."""

    def __init__(self, raw: bytes | msgspec.Raw) -> None:
        self._fields = _decode(raw, dict[str, msgspec.Raw], {})

    def inside(self, name: str) -> "LooseObject":
        return LooseObject(self._fields.get(name, b""))

    def text(self, name: str) -> str:
        # LINE's reference calls some ids numbers that are strings in life.
        return self.read(name, str, "") or str(self.read(name, int, 0) or "")

    def texts(self, name: str) -> tuple[str, ...]:
        """Read a list of texts; whatever else stands in it is left out."""
        read = (_decode(raw, str, "") for raw in self.read(name, list[msgspec.Raw], []))
        return tuple(text for text in read if text)

    def objects(self, name: str) -> "tuple[LooseObject, ...]":
        """Read a list of objects."""
        return tuple(LooseObject(raw) for raw in self.read(name, list[msgspec.Raw], []))

    def count(self, name: str) -> int | None:
        """Read a whole number, 0 or more."""
        number = self.read(name, float, -1.0)
        return int(number) if 0 <= number <= _LARGEST else None

    def degrees(self, name: str, most: float) -> float | None:
        """Read a number between `-most` and `most`."""
        number = self.read(name, float, most + 1)
        return number if -most <= number <= most else None

    def read(self, name: str, kind: "type[_T]", default: _T) -> _T:
        return _decode(self._fields.get(name, b""), kind, default)


def _decode(raw: bytes | msgspec.Raw, kind: "type[_T]", default: _T) -> _T:
    if not raw:  # the commonest case by far, and an exception costs more than everything that is read
        return default
    try:
        return msgspec.json.decode(raw, type=kind)
    except (ValueError, RecursionError):
        return default
