"""`./henji evaluate`: how many of a file's questions would be answered, how many rightly, and is the promise kept.

Questions go the way of production (triage, settle), each as the first message of a new customer, without a language
model; with vectors where an embedding model is configured. Shop hours, states and keyword rules are left aside.
"""

import asyncio
import dataclasses
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import click
import msgspec

from service.adapters.faqfiles import read_sources
from service.adapters.ledger import OpenLedger
from service.adapters.tokenizing import open_tokenizer
from service.core.contents import read_contents
from service.core.conversation import Conversation, Turn
from service.core.decisions import Answer, AskModel, Candidate, Clarify, Decision
from service.core.features import Tokenizer, Wording
from service.core.fitting import calibrate
from service.core.folder import format_problem
from service.core.judging import Judged, Question, Summary, summarize
from service.core.knowledge import Knowledge, build_knowledge
from service.core.ranking import to_embed
from service.core.triage import settle, triage
from service.core.vectors import Meanings
from service.errors import InputError, KnowledgeError, ModelUnavailable, StartError
from service.settings import Settings, load_settings
from service.tools.evaluation_words import in_words
from service.wiring import open_embedder


class Evaluation(msgspec.Struct, frozen=True):
    """One folder held against one file of questions. `never_sure` are the headings of the entries that only clarify."""

    faq: str
    file: str
    summary: Summary
    questions: tuple[Judged, ...]
    never_sure: tuple[str, ...]


class Embed(Protocol):
    """Gives the vectors of texts; `what` says what they are, for people, `said` whether customers say them."""

    def __call__(self, texts: Sequence[str], what: str, *, said: bool) -> Meanings:
        """Raise StartError when the embedding model gives none."""
        ...


def learn(
    directory: Path,
    tokenizer: Tokenizer | None = None,
    embed: Embed | None = None,
    *,
    promise: float | None = None,
    share: float | None = None,
) -> Knowledge:
    """Read a FAQ folder and fit it for a promise and a share of unanswerable messages, else the shop's own.

    With `embed`, fit it once more with the vectors of its phrasings. May take minutes. Keywords are left out.
    """
    contents = read_contents(read_sources(directory))
    entries = contents.faq.entries
    if not entries:
        raise KnowledgeError("\n".join(format_problem(problem, "en") for problem in contents.problems))
    shop = msgspec.structs.replace(
        contents.shop,
        when_open="bot_first",
        when_closed="bot_first",
        max_wrong_answers=promise or contents.shop.max_wrong_answers,
        unanswerable=share or contents.shop.unanswerable,
    )
    wording = Wording(tokenizer, shop.synonyms)
    meanings = embed(to_embed(entries, wording), str(directory), said=False) if embed else None
    knowledge = build_knowledge(
        entries,
        shop,
        contents.texts,
        tokenizer=tokenizer,
        calibration=calibrate(entries, wording),
        meanings=meanings,
        vector_calibration=calibrate(entries, wording, meanings) if meanings else None,
    )
    return dataclasses.replace(knowledge, keywords={})


def read_questions(file: Path) -> list[Question]:
    """Read one JSON object a line. Raises InputError with file and line."""
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{file}: cannot be read: {error}") from error
    questions: list[Question] = []
    for number, line in enumerate(lines, 1):
        if line.strip():
            questions.append(_read_question(line, f"{file}:{number}"))
    if not questions:
        raise InputError(f"{file}: no questions")
    return questions


def _read_question(line: str, place: str) -> Question:
    try:
        return msgspec.json.decode(line, type=Question)
    except msgspec.DecodeError as error:
        shape = '{"text": "...", "entries": ["id", ...]}'
        raise InputError(f"{place}: {error}. Expected {shape} on each line") from error


def unknown_entries(questions: Iterable[Question], knowledge: Knowledge) -> list[str]:
    """List the entries that questions name and the folder does not have."""
    return sorted({entry for question in questions for entry in question.entries} - set(knowledge.entries))


def ask_all(questions: Iterable[Question], knowledge: Knowledge, meanings: Meanings | None = None) -> Iterator[Judged]:
    """Decide about each question as production would, with its vector if `meanings` has it."""
    nobody, now = Conversation(customer="evaluate"), datetime.now(UTC)
    for question in questions:
        known = knowledge.with_vector(meanings.of.get(question.text)) if meanings else knowledge
        step = triage(Turn(id="evaluate", at=0, events=(), lines=(question.text,)), known, nobody, now)
        decision = settle(step, known, None) if isinstance(step, AskModel) else step
        yield _judge(question, decision, known)


def evaluate(faq: Path, file: Path, judged: Iterable[Judged], knowledge: Knowledge) -> Evaluation:
    """Add up what was decided."""
    if knowledge.vector_calibration and knowledge.uses_vectors:
        knowledge = dataclasses.replace(knowledge, calibration=knowledge.vector_calibration)
    calibration, questions = knowledge.calibration, tuple(judged)
    summary = summarize(
        questions,
        promise=calibration.promise,
        share=calibration.share,
        promises_anything=calibration.promises,
    )
    headings = tuple(knowledge.entries[entry].question for entry in knowledge.never_sure)
    return Evaluation(str(faq), str(file), summary, questions, headings)


def _judge(question: Question, decision: Decision, knowledge: Knowledge) -> Judged:
    candidates: tuple[Candidate, ...] = getattr(decision, "candidates", ())
    candidates = candidates or knowledge.rank(question.text).candidates
    best = candidates[0] if candidates else None
    return Judged(
        text=question.text,
        entries=question.entries,
        outcome="answer" if isinstance(decision, Answer) else "clarify" if isinstance(decision, Clarify) else "handoff",
        reason=decision.reason,
        entry=best.entry if best else None,
        probability=best.probability if best else 0.0,
        candidates=candidates,
        choices=decision.choices if isinstance(decision, Clarify) else (),
    )


def in_json(evaluations: list[Evaluation]) -> str:
    """Write one evaluation as one object, several under `sets`."""
    objects: list[dict[str, Any]] = [_as_object(evaluation, named=len(evaluations) > 1) for evaluation in evaluations]
    whole: Any = objects[0] if len(objects) == 1 else {"sets": objects}
    return msgspec.json.encode(whole).decode()


def _as_object(evaluation: Evaluation, *, named: bool) -> dict[str, Any]:
    names = {"faq": evaluation.faq, "file": evaluation.file} if named else {}
    return {**names, "summary": evaluation.summary, "questions": [_without_choices(q) for q in evaluation.questions]}


def _without_choices(judged: Judged) -> dict[str, Any]:
    """Choices stand only where some were shown."""
    data: dict[str, Any] = msgspec.to_builtins(judged)
    if judged.outcome != "clarify":
        del data["choices"]
    return data


def _embedding(settings: Settings) -> Embed | None:
    """What gives vectors, with a bar that shows how far it is; None where no embedding model is configured."""
    if not settings.embeddings_are_on:
        return None

    async def embed(texts: Sequence[str], done: Callable[[int], None], *, said: bool) -> Meanings:
        async with open_embedder(settings, OpenLedger()) as embedder:
            return await embedder.embed_all(texts, done, said=said)

    def with_bar(texts: Sequence[str], what: str, *, said: bool) -> Meanings:
        different = list(dict.fromkeys(texts))
        with click.progressbar(length=len(different), label=f"{what}: ベクトル vectors", file=sys.stderr) as bar:
            try:
                return asyncio.run(embed(different, bar.update, said=said))
            except ModelUnavailable as error:
                settings_named = "OPENAI_BASE_URL, OPENAI_API_KEY, OPENAI_EMBEDDING_MODEL"
                raise StartError(f"the embedding model gives no vectors: {error} ({settings_named})") from error

    return with_bar


def run(
    pairs: list[tuple[Path, Path]], *, as_json: bool, picture: Path | None, promise: float | None, share: float | None
) -> str:
    """Evaluate folders with their files, showing how far it is on stderr. Returns what is to be printed."""
    settings = load_settings()
    tokenizer = open_tokenizer(settings.tokenizer)
    embed = _embedding(settings)
    evaluations: list[Evaluation] = []
    for faq, file in pairs:
        questions = read_questions(file)
        click.echo(f"{faq}: 学習中… fitting", err=True)
        knowledge = learn(faq, tokenizer, embed, promise=promise, share=share)
        if unknown := unknown_entries(questions, knowledge):
            click.echo(f"{file}: no such entries in {faq}: {', '.join(unknown)}", err=True)
        meanings = embed([question.text for question in questions], str(file), said=True) if embed else None
        with click.progressbar(questions, label=str(file), file=sys.stderr) as bar:
            evaluations.append(evaluate(faq, file, ask_all(bar, knowledge, meanings), knowledge))
    if picture:
        from service.tools.plotting import plot

        plot(evaluations, picture)
    if as_json:
        return in_json(evaluations)
    return "\n\n".join(
        in_words(f"{each.faq}  {each.file}", each.summary, each.questions, each.never_sure) for each in evaluations
    )
