"""What a booking must tell (`ask` of an entry): the template that the customer fills in, and reading it back.

The template opens in the customer's keyboard (LINE: postback action, `fillInText`): one line for each thing asked. It
comes back as an ordinary message, edited by hand on a phone, so it is read forgivingly.
"""

import re
import unicodedata
from collections.abc import Sequence

MAX_FILL_IN = 300  # LINE: fillInText, Max 300 characters
_LINE = re.compile(r"\s*[・\-*]?\s*([^:：]{1,40}?)\s*[:：]\s*(.*)")


def make_template(ask: Sequence[str]) -> str:
    """Make the text to be filled in: `お名前：` and so on, a line for each. What does not fit is left out."""
    template = ""
    for label in ask:
        longer = f"{template}{label}：\n"
        if len(longer) > MAX_FILL_IN:
            break
        template = longer
    return template.removesuffix("\n")


def read_filled(ask: Sequence[str], text: str) -> dict[str, str]:
    """Read what was filled in, by label, in the order asked; what is missing or empty is left out.

    A value goes on until the next line with a label. The last value of a label counts.
    """
    labels = {_fold(label): label for label in ask}
    found: dict[str, list[str]] = {}
    current: list[str] | None = None
    for line in text.splitlines():
        match = _LINE.fullmatch(line)
        label = labels.get(_fold(match[1])) if match else None
        if match and label:
            current = found[label] = [match[2].strip()]
        elif current is not None:
            current.append(line.strip())
    values = {label: "\n".join(found[label]).strip() for label in ask if label in found}
    return {label: value for label, value in values.items() if value}


def _fold(label: str) -> str:
    """Compare labels without width, case, spaces, and the polite お and ご."""
    folded = "".join(unicodedata.normalize("NFKC", label).casefold().split())
    return folded.removeprefix("お").removeprefix("ご").removeprefix("御")
