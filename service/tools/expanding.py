"""`./henji faq expand`: has the language model propose phrasings, and writes them into the FAQ files for review.

Nothing uses a proposal before a person accepts it (docs/faq-format.md). Each entry is written as soon as it is done, in
one step, into the file as it stands then: whoever edits the files meanwhile loses nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import click
import msgspec

from service import modelwiring
from service.adapters.expanding import load_expansion_prompt, propose
from service.adapters.faqfiles import list_files, load, read_sources, replace
from service.adapters.ledger import OpenLedger
from service.adapters.modelgate import ModelGate
from service.adapters.prompts import Prompt
from service.adapters.tokenizing import open_tokenizer
from service.core.contents import Contents, read_contents
from service.core.encoding import decode
from service.core.entries import Entry
from service.core.features import Wording
from service.core.normalize import normalize
from service.core.proposing import Dropped, insert, may_leave, screen, siblings
from service.core.ranking import build_index
from service.errors import InputError, KnowledgeError, ModelUnavailable, StartError
from service.settings import Settings

Say = Callable[[str], None]
# What one entry's answer was like; anything else is likely to happen to the next entry too.
_ONCE = {"not_phrasings", "refused", "truncated", "empty"}
_TRIES = 3
_WHY = {
    "repeated": ("すでにあります", "is there already"),
    "elsewhere": ("ほかの質問の言い回しに近いです", "is nearer to another entry"),
    "too_close": ("ほかの質問と区別できません", "could be another entry"),
    "unusable": ("言い回しとして使えません", "is no phrasing"),
}


async def expand(
    settings: Settings, ids: Sequence[str], *, fewer_than: int, dry_run: bool, say: Say = click.echo
) -> bool:
    """Propose phrasings for the entries with these ids, or for all that have fewer than so many.

    `dry_run` writes nothing. Returns whether all went well. Raises StartError without a language model, InputError for
    ids that there are not or that are never shown to a model, KnowledgeError without a folder or entries.
    """
    async with modelwiring.open_gate(settings, OpenLedger()) as gate:
        if gate is None:
            raise StartError("no language model: set OPENAI_MODEL, and OPENAI_BASE_URL or OPENAI_API_KEY")
        prompt = load_expansion_prompt(settings.prompts_dir)
        contents = read_contents(read_sources(settings.faq_dir))
        wanted = choose(contents, ids, fewer_than)
        if not wanted:
            say(f"言い回しが{fewer_than}つ未満の質問はありません (no entry has fewer than {fewer_than} phrasings)")
            return True
        return await _expand_all(wanted, contents, _Tools(settings, prompt, gate, say, dry_run))


class _Tools(msgspec.Struct, frozen=True):
    settings: Settings
    prompt: Prompt
    gate: ModelGate
    say: Say
    dry_run: bool


def choose(contents: Contents, ids: Sequence[str], fewer_than: int) -> list[Entry]:
    """Pick the entries to propose for. By itself none that has proposals waiting. Raises InputError."""
    entries = {entry.id: entry for entry in contents.faq.entries}
    if not entries:
        raise KnowledgeError("there is no entry to propose for: see ./henji faq check")
    if unknown := [entry_id for entry_id in ids if entry_id not in entries]:
        raise InputError(f"no entry has the id {', '.join(unknown)}")
    if kept_back := [entry_id for entry_id in ids if not may_leave(entries[entry_id])]:
        raise InputError(f"never shown to a model (private), or not found by meaning: {', '.join(kept_back)}")
    if ids:
        return [entries[entry_id] for entry_id in dict.fromkeys(ids)]
    waiting = _waiting(contents)
    return [
        entry
        for entry in contents.faq.entries
        if may_leave(entry) and len(entry.phrasings) < fewer_than and entry.id not in waiting
    ]


def _waiting(contents: Contents) -> Mapping[str, tuple[str, ...]]:
    return {entry_id: texts for file in contents.faq.files for entry_id, texts in file.proposals.items()}


async def _expand_all(wanted: Sequence[Entry], contents: Contents, tools: _Tools) -> bool:
    entries = {entry.id: entry for entry in contents.faq.entries}
    tokenizer = open_tokenizer(tools.settings.tokenizer)
    index = build_index(contents.faq.entries, Wording(tokenizer, contents.shop.synonyms))
    taken = {normalize(text) for entry in entries.values() for text in (entry.question, *entry.phrasings)}
    taken |= {normalize(text) for texts in _waiting(contents).values() for text in texts}
    proposed, is_fine = 0, True
    for entry in wanted:
        tools.say(f"{entry.file}:{entry.line}: {entry.question} [{entry.id}]")
        try:
            phrases = await propose(entry, siblings(entry, entries, index), tools.prompt, tools.gate)
        except ModelUnavailable as error:
            tools.say(f"    案をもらえませんでした：{error} (the model gave no proposals: {error})")
            is_fine = False
            if str(error) in _ONCE:
                continue
            break
        found = screen(entry, phrases, index, taken)
        for text in found.kept:
            tools.say(f"    ? {text}")
        for dropped in found.dropped:
            tools.say(f"    - {_in_words(dropped, entries)}")
        if tools.dry_run or not found.kept or _write(entry, found.kept, tools):
            proposed += len(found.kept)
        else:
            is_fine = False
    tools.say(_summary(proposed, dry_run=tools.dry_run))
    return is_fine


def _in_words(dropped: Dropped, entries: Mapping[str, Entry]) -> str:
    ja, en = _WHY[dropped.why]
    other = f"：{entries[dropped.entry].question}" if dropped.entry else ""
    name = f": {dropped.entry}" if dropped.entry else ""
    return f"{dropped.text.strip()}　{ja}{other} ({en}{name})"


def _summary(count: int, *, dry_run: bool) -> str:
    if dry_run:
        return f"案は{count}件です。ファイルには書いていません (proposals: {count}; nothing was written)"
    return (
        f"{count}件の案をFAQに書きました。使うものは行の「?」を、使わないものは行ごと消してください"
        f" ({count} written for review: delete the ? of those to use, and the lines of the rest)"
    )


def _write(entry: Entry, phrases: Sequence[str], tools: _Tools) -> bool:
    """Put proposals into the entry's file as it stands now. Says so and returns False where that is not possible."""
    path = list_files(tools.settings.faq_dir).get(entry.file)
    why = "the file is gone"
    for _ in range(_TRIES if path else 0):
        try:
            why = _write_once(entry, phrases, path) if path else why
        except OSError as error:
            why = str(error.strerror)
        if not why:
            return True
    tools.say(f"    {entry.file} に書けませんでした：{why} (could not be written: {why})")
    return False


def _write_once(entry: Entry, phrases: Sequence[str], path: Path) -> str:
    """Returns why it was not possible, or nothing."""
    before = load(path)
    text, problem = decode(entry.file, before)
    if text is None or problem:
        return "not UTF-8"
    after = insert(entry.file, text, {entry.id: phrases})
    if after is None:
        return "no good place for it"
    if after != text and not replace(path, before, after.encode()):
        return "saved by others meanwhile"
    return ""
