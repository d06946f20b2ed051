"""Putting phrasings into the text of a FAQ file, every other character as it stands."""

import re
from collections.abc import Sequence

_QUOTE = re.compile(r"(\s*[>＞]+\s*(?:[-*+]\s+|・\s*)?)\S")
_LINE_END = re.compile(r"\r+\n|\r|\n")
# As `characters.split_lines` parts lines, each with its end.
_LINE = re.compile(r"[^\r\n]*(?:\r+\n|\r|\n)|[^\r\n]+")


def put_under(text: str, heading: int, phrases: Sequence[str]) -> str:
    """Put phrases below the last phrasing of the heading with that line number, written as that one; else right under
    the heading. Whether the file then reads as meant is for the caller to see.
    """
    lines = _LINE.findall(text)
    ends = _LINE_END.search(text)
    ending = ends[0] if ends else "\n"
    at, mark = heading, "> - "
    for number in range(heading, len(lines)):
        found = _QUOTE.match(lines[number])
        if found:
            at, mark = number + 1, found[1]
        elif lines[number].strip():
            break
    added = "".join(f"{mark}{phrase}{ending}" for phrase in phrases)
    if at == heading:
        is_followed = at < len(lines) and lines[at].strip()
        added = f"{ending}{added}{ending if is_followed else ''}"
    if not lines[at - 1].endswith(("\n", "\r")):
        lines[at - 1] += ending
        added = added.removesuffix(ending)
    return "".join((*lines[:at], added, *lines[at:]))
