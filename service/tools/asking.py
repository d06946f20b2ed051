"""`./henji ask`: the decision for one message, with its reasons, sending nothing."""

import json
import time
from typing import Any

import msgspec

from service import wiring
from service.adapters.faqfolder import FaqFolder
from service.core.alerting import REASONS
from service.core.conversation import Conversation, Turn
from service.core.decisions import Answer, Clarify, Decision, Handoff, Silent
from service.core.knowledge import Knowledge
from service.core.ranking import POSSIBLE, SURE
from service.core.records import ModelTrace
from service.core.triage import triage
from service.replying import resolve
from service.settings import Settings

_KINDS = {"answer": "回答", "clarify": "確認", "handoff": "スタッフへ", "silent": "応答なし"}
_REASONS = {
    "sure": "確信あり",
    "keyword": "キーワードに一致",
    "choice": "選択肢から",
    "model": "AIの判定",
    "model_unclear": "AIの判定が分かれた",
    "courtesy": "お礼・あいさつのみ",
    **REASONS,
}


async def ask(settings: Settings, text: str) -> tuple[dict[str, Any], str]:
    """Decide about one message as if a new customer had written it. Returns the decision as data and in words."""
    folder = FaqFolder(settings.faq_dir)
    folder.load()
    turn = Turn(id="ask", at=time.time_ns() // 1_000_000, events=(), lines=(text,))
    async with wiring.open_model(settings) as model:
        decision, trace = await resolve(
            triage(turn, folder.current, Conversation(customer="ask")), folder.current, model
        )
    return _as_data(decision, trace, folder.current), _in_words(decision, trace, folder.current)


def as_json(data: dict[str, Any]) -> str:
    """Write the decision as one JSON object."""
    return json.dumps(data, ensure_ascii=False, indent=2)


def _as_data(decision: Decision, trace: ModelTrace | None, knowledge: Knowledge) -> dict[str, Any]:
    bubbles = knowledge.entries[decision.entry].bubbles if isinstance(decision, Answer) else ()
    return {
        "decision": msgspec.to_builtins(decision),
        "bubbles": list(bubbles),
        "thresholds": {"sure": SURE, "possible": POSSIBLE},
        "knowledge": knowledge.version,
        "model": msgspec.to_builtins(trace),
    }


def _in_words(decision: Decision, trace: ModelTrace | None, knowledge: Knowledge) -> str:
    kind = str(type(decision).__struct_config__.tag)
    lines = [f"{_KINDS[kind]}（{_REASONS.get(decision.reason, decision.reason)}）"]
    match decision:
        case Answer(entry):
            found = knowledge.entries[entry]
            lines += [
                f"{found.question}  [{entry}]  {found.file}:{found.line}",
                "",
                *"\n---\n".join(found.bubbles).split("\n"),
            ]
        case Clarify(choices):
            lines += [f"{number}. {knowledge.entries[entry].question}" for number, entry in enumerate(choices, 1)]
        case Handoff() | Silent():
            pass
    if trace:
        lines += ["", f"AI: {trace.verdict}  ({trace.name}, {trace.prompt}, {trace.ms} ms)"]
    candidates = () if isinstance(decision, Silent) else decision.candidates
    if candidates:
        lines += ["", f"候補（{SURE:.3f} 以上で回答、{POSSIBLE:.3f} 未満は該当なし）"]
        lines += [
            f"  {candidate.probability:.3f}  {knowledge.entries[candidate.entry].question}  [{candidate.entry}]"
            for candidate in candidates[:5]
        ]
    return "\n".join(lines)
