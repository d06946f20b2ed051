"""The two ways in which LINE counts characters: UTF-16 code units and grapheme clusters.

Source: LINE Developers, "Character counting in a text"; fact sheet section 2.7 says which limit uses which.
"""

import unicodedata

ZERO_WIDTH_JOINER = "\u200d"
REGIONAL_INDICATORS = range(0x1F1E6, 0x1F200)
SKIN_TONES = range(0x1F3FB, 0x1F400)
TAGS = range(0xE0020, 0xE0080)


def utf16_units(text: str) -> int:
    """Count UTF-16 code units: 2 for an emoji outside the basic plane."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def graphemes(text: str) -> int:
    """Count what a reader takes for one character. Covers marks, emoji sequences and flags, not all of UAX 29."""
    count, joined, open_flag = 0, False, False
    for character in text:
        extends = joined or _is_extension(character)
        is_indicator = ord(character) in REGIONAL_INDICATORS
        if is_indicator and open_flag:
            extends = True
        open_flag = is_indicator and not extends
        joined = character == ZERO_WIDTH_JOINER
        count += not extends
    return count


def _is_extension(character: str) -> bool:
    code = ord(character)
    return (
        unicodedata.category(character) in {"Mn", "Me", "Mc"}
        or character == ZERO_WIDTH_JOINER
        or code in SKIN_TONES
        or code in TAGS
    )
