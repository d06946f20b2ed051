"""The answer of an entry: its lines parted into bubbles of LINE text and pictures, and what cannot be sent."""

import posixpath
import re
from collections.abc import Callable, Iterator, Sequence

from service.core.bubbles import MAX_BUBBLES, MAX_UNITS, utf16_units
from service.core.entries import Bubble, ImageBubble, ImageFile
from service.core.linetext import Line, code_roles, is_open_fence, to_line_text
from service.core.mending import RULE
from service.core.placeholders import NAMES
from service.core.reporting import Reporter
from service.core.spelling import nearest

ImageLookup = Callable[[str], ImageFile | None]

# LINE takes pictures of up to 10 MB, and shows them small at first in a preview of up to 1 MB.
IMAGE_BYTES_MAX = 10_000_000
PREVIEW_BYTES_MAX = 1_000_000

_IMAGE = re.compile(r"""\s*!\[([^\[\]]*)\]\(\s*<?([^()<>"]+?)>?(?:\s+"[^"]*")?\s*\)\s*$""")
_CODE = re.compile(r"(`+)[^`]+\1")
_WORD_IN_BRACES = re.compile(r"(?<!\\)[{｛]\s*([A-Za-zＡ-Ｚａ-ｚ][A-Za-zＡ-Ｚａ-ｚ0-9０-９_＿ -]*?)\s*[}｝]")


def no_images(_: str) -> ImageFile | None:
    """Know of no picture at all."""
    return None


def read_answer(lines: Sequence[Line], name: str, images: ImageLookup, report: Reporter) -> tuple[Bubble, ...]:
    """Read the lines of an answer in the file `name`.

    Empty bubbles are left out: people also write --- between entries.
    """
    filled: list[tuple[int, Bubble]] = []
    _check_words(lines, report)
    for part in _parts(lines):
        bubble = _read_image(part[0], name, images, report) if _is_image(part) else _read_text(part, report)
        if bubble:
            filled.append((part[0].number, bubble))
    if len(filled) > MAX_BUBBLES:
        ja = f"吹き出しは{MAX_BUBBLES}つまでです（「---」と画像で{len(filled)}つに分かれています）。"
        en = f"An answer has at most {MAX_BUBBLES} bubbles; the --- lines and images make {len(filled)}."
        report.error(filled[MAX_BUBBLES][0], ja, en)
    return tuple(bubble for _, bubble in filled)


def _parts(lines: Sequence[Line]) -> Iterator[list[Line]]:
    """Part the lines at each `---` and around each picture; a picture's part is its line alone."""
    part: list[Line] = []
    for line, role in zip(lines, code_roles([line.text for line in lines]), strict=True):
        is_image = not role and _IMAGE.match(line.text) is not None
        if not role and (is_image or (set(line.text.strip()) == {"-"} and line.text.strip().startswith(RULE))):
            yield from filter(None, [part, [line] if is_image else []])
            part = []
        elif part or line.text.strip():
            part.append(line)
    if part:
        yield part


def _is_image(part: list[Line]) -> bool:
    return len(part) == 1 and _IMAGE.match(part[0].text) is not None


def _read_text(part: list[Line], report: Reporter) -> str:
    number = part[0].number
    shown = to_line_text(part)
    for finding in shown.findings:
        report.markup(finding)
    if (units := utf16_units(shown.text)) > MAX_UNITS:
        ja = f"吹き出しひとつは{MAX_UNITS:,}文字までです（{units:,}文字あります）。「---」で分けてください。"
        en = f"A bubble holds at most {MAX_UNITS:,} characters; this one has {units:,}. Part it with ---."
        report.error(number, ja, en)
    return shown.text


def _check_words(lines: Sequence[Line], report: Reporter) -> None:
    """Tell of words in braces that nothing will fill, and of code that never ends."""
    for line, role in zip(lines, code_roles([line.text for line in lines]), strict=True):
        if not role and is_open_fence(line.text):
            ja = "「```」で始めた部分が「```」で閉じられていません。"
            report.error(line.number, ja, "What ``` begins is never closed by another ```.")
        for word in () if role else _WORD_IN_BRACES.finditer(_CODE.sub("", line.text)):
            if word[0][1:-1] not in NAMES:
                report.error(line.number, *_unknown(word))


def _unknown(word: re.Match[str]) -> tuple[str, str]:
    ja, en = f"「{word[0]}」という差し込み語はありません。", f'There is no placeholder "{word[0]}".'
    if near := nearest(word[1], NAMES):
        return f"{ja}「{{{near}}}」のことですか。", f'{en} Did you mean "{{{near}}}"?'
    known = "、".join(f"{{{name}}}" for name in NAMES)
    return f"{ja}使えるのは {known} です。", f"{en} Allowed are {known}."


def _read_image(line: Line, name: str, images: ImageLookup, report: Reporter) -> ImageBubble:
    alt, written = _IMAGE.sub(r"\1", line.text).strip(), _IMAGE.sub(r"\2", line.text)
    path, file = _find(written, name, images)
    if not alt:
        ja = "画像の説明を書いてください。「![店の前の地図](img/map.jpg)」のように書きます。"
        report.error(line.number, ja, "Describe the image, like `![Map of the shop](img/map.jpg)`.")
    if re.match(r"[a-z]+:", written, re.IGNORECASE):
        ja = f"画像「{written}」は外のアドレスです。画像ファイルを FAQ のフォルダに入れ、その名前を書いてください。"
        en = f'The image "{written}" is elsewhere. Put its file into the FAQ folder and write its name.'
        report.error(line.number, ja, en)
    elif file is None:
        ja = f"画像ファイル「{written}」が FAQ のフォルダにありません。"
        report.error(line.number, ja, f'There is no image file "{written}" in the FAQ folder.')
    elif file.size > IMAGE_BYTES_MAX:
        ja = f"画像「{written}」が大きすぎます。LINE で送れるのは {IMAGE_BYTES_MAX // 10**6}MB までです。"
        en = f'The image "{written}" is too large: LINE takes at most {IMAGE_BYTES_MAX // 10**6} MB.'
        report.error(line.number, ja, en)
    elif not file.kind:
        ja = f"「{written}」は JPEG でも PNG でもないか、壊れています。LINE で送れる画像は JPEG と PNG だけです。"
        en = f'"{written}" is neither JPEG nor PNG, or broken. LINE sends no other images.'
        report.error(line.number, ja, en)
    return ImageBubble(file.name, file.preview, path, alt) if file else ImageBubble("", "", written, alt)


def _find(written: str, name: str, images: ImageLookup) -> tuple[str, ImageFile | None]:
    """Look for a picture beside the file that names it, else in the FAQ folder itself; never outside of that."""
    for folder in dict.fromkeys((posixpath.dirname(name), "")):
        path = posixpath.normpath(posixpath.join(folder, written.lstrip("/")))
        if not path.startswith("..") and (file := images(path)):
            return path, file
    return "", None
