"""`./henji faq check`: every problem of the FAQ folder, found by the loader that serves it; `--fix` mends."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby
from pathlib import Path
from zoneinfo import ZoneInfo

from service.adapters.faqfiles import list_files, load, read_sources, replace
from service.adapters.images import ImageFolder
from service.core.characters import split_lines
from service.core.contents import read_contents
from service.core.encoding import decode
from service.core.entries import Problem
from service.core.faq import fix_lines
from service.core.features import Tokenizer, Wording
from service.core.fitting import calibrate
from service.core.folder import format_problem, what_is_due, what_is_not_sent
from service.core.knowledge import build_knowledge

# Fitting more phrasings takes longer than a check may.
_MOST_TO_FIT = 1_000
_MOST_NAMED = 10


def check_folder(directory: Path, *, now: datetime, can_send_images: bool) -> tuple[list[str], bool]:
    """Check a folder. Returns the problems, one line each, and whether there is an error among them.

    Dates are those of the shop's time zone; without a public address (`can_send_images`) pictures are sent as words.
    Raises KnowledgeError when there is no such folder.
    """
    contents = read_contents(read_sources(directory), images=ImageFolder(directory).look)
    today = now.astimezone(ZoneInfo(contents.shop.timezone)).date()
    problems = {*contents.problems, *what_is_due(contents.faq.files, today)}
    if not can_send_images:
        problems.update(what_is_not_sent(contents.faq.entries))
    ordered = sorted(problems, key=lambda problem: (problem.file, problem.line, problem.en))
    return list(map(_line, ordered)), any(problem.severity == "error" for problem in ordered)


def find_never_sure(directory: Path, tokenizer: Tokenizer | None) -> list[str]:
    """Say which entries are only ever offered as choices: a hint, no problem. Fits the folder, which takes seconds.

    Says nothing of a folder with errors, of one that takes longer, and of one too small to be fitted.
    """
    contents = read_contents(read_sources(directory))
    entries, shop = contents.faq.entries, contents.shop
    has_errors = any(problem.severity == "error" for problem in contents.problems)
    if has_errors or not entries or sum(len(entry.phrasings) for entry in entries) > _MOST_TO_FIT:
        return []
    calibration = calibrate(entries, Wording(tokenizer, shop.synonyms))
    if not calibration.evidence:
        return []
    knowledge = build_knowledge(entries, shop, contents.texts, tokenizer=tokenizer, calibration=calibration)
    found = [knowledge.entries[entry] for entry in knowledge.never_sure]
    if not found:
        return []
    places = "、".join(f"{entry.file}:{entry.line}" for entry in found[:_MOST_NAMED])
    rest = " ほか" if len(found) > _MOST_NAMED else ""
    ja = f"言い回しと同じ文のほかは、選択肢でしかお答えしないFAQが{len(found)}件あります（{places}{rest}）。"
    en = f"{len(found)} entries are only offered as choices: try adding phrasings."
    return [f"ヒント：{ja}言い回しを足してみてください。 ({en})"]


def _line(problem: Problem) -> str:
    kind = "エラー：" if problem.severity == "error" else "注意："
    hint = "［--fix で直せます］" if problem.is_mendable else ""
    place = format_problem(problem, "ja").removesuffix(problem.ja)
    return f"{place}{kind}{problem.ja}{hint} ({problem.en})"


def fix_folder(directory: Path) -> tuple[list[str], bool]:
    """Mend every file of a folder in place. Returns what was done, in lines, and whether all could be written.

    A file that cannot be read as text, or that somebody saves meanwhile, is left alone.
    """
    lines: list[str] = []
    all_written = True
    for name, path in list_files(directory).items():
        try:
            lines += _fix(name, path)
        except OSError as error:
            lines.append(f"{name}: 直せませんでした：{error.strerror} (could not be mended: {error.strerror})")
            all_written = False
        except _SavedMeanwhile:
            lines.append(f"{name}: ほかで保存されたので、直しませんでした (saved by others meanwhile, left alone)")
            all_written = False
    return lines, all_written


class _SavedMeanwhile(Exception):
    """The file is not any more what was mended."""


def _fix(name: str, path: Path) -> Iterator[str]:
    before = load(path)
    text, problem = decode(name, before)
    if text is None:
        return
    # Our own files (`_shop.yaml`, `_messages.md`) are written otherwise: only their encoding is mended.
    fixed = [] if name.startswith("_") else fix_lines(text)
    after = ("\n".join(line for _, line in fixed) if fixed else text).encode()
    if after == before:
        return
    if not replace(path, before, after):
        raise _SavedMeanwhile
    yield f"{name}: 直しました (mended)"
    if problem:
        yield "    文字コードを UTF-8 にしました (now saved as UTF-8)"
    if fixed:
        yield from _changes(split_lines(text), fixed)


def _changes(before: Sequence[str], fixed: Sequence[tuple[int, str]]) -> Iterator[str]:
    """Show each line that changed, as it was and as it is now."""
    now = {number: [line for _, line in lines] for number, lines in groupby(fixed, key=lambda line: line[0])}
    for number, was in enumerate(before, start=1):
        lines = now.get(number, [])
        if lines != [was]:
            yield f"    {number}: - {was}"
            yield from (f"    {number}: + {line}" for line in lines)
