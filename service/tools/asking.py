"""`./henji ask`: the decision for one message, with its reasons, sending nothing."""

from typing import Any

import msgspec

from service import wiring
from service.adapters.faqfolder import FaqFolder
from service.adapters.tokenizing import open_tokenizer
from service.core.alerting import REASONS
from service.core.decisions import Answer, Clarify, Greet, Handoff, Silent
from service.core.inquiry import Tried
from service.core.knowledge import Knowledge
from service.informing import decide
from service.settings import Settings

_KINDS = {"answer": "回答", "clarify": "確認", "handoff": "スタッフへ", "greet": "あいさつ", "silent": "応答なし"}
_REASONS = {
    "sure": "確信あり",
    "keyword": "キーワードに一致",
    "choice": "選択肢から",
    "model": "AIの判定",
    "model_unclear": "AIの判定が分かれた",
    "courtesy": "お礼のみ",
    "greeting": "あいさつのみ",
    **REASONS,
}


async def ask(settings: Settings, text: str) -> tuple[dict[str, Any], str]:
    """Decide about one message as if a new customer had written it. Returns the decision as data and in words."""
    folder = FaqFolder(settings.faq_dir, tokenizer=open_tokenizer(settings.tokenizer))
    folder.load()
    async with wiring.open_model(settings) as model:
        tried = await decide(text, folder.current, model)
    return msgspec.to_builtins(tried), _in_words(tried, folder.current)


def _in_words(tried: Tried, knowledge: Knowledge) -> str:
    decision, trace = tried.decision, tried.model
    kind = str(type(decision).__struct_config__.tag)
    lines = [f"{_KINDS[kind]}（{_REASONS.get(decision.reason, decision.reason)}）"]
    match decision:
        case Answer(entry):
            found = knowledge.entries[entry]
            lines += [
                f"{found.question}  [{entry}]  {found.file}:{found.line}",
                "",
                *"\n---\n".join(tried.bubbles).split("\n"),
            ]
        case Clarify(choices):
            lines += [f"{number}. {knowledge.entries[entry].question}" for number, entry in enumerate(choices, 1)]
        case Greet() | Handoff():
            lines += ["", *"\n---\n".join(tried.bubbles).split("\n")] if tried.bubbles else []
        case Silent():
            pass
    if trace:
        lines += ["", f"AI: {trace.verdict}  ({trace.name}, {trace.prompt}, {trace.ms} ms)"]
    candidates = () if isinstance(decision, Greet | Silent) else decision.candidates
    if candidates:
        sure, clarify = knowledge.calibration.sure, knowledge.calibration.clarify
        lines += ["", f"候補（{sure:.3f} 以上で回答、上位4件の合計が {clarify:.3f} 未満は該当なし）"]
        lines += [
            f"  {candidate.probability:.3f}  {knowledge.entries[candidate.entry].question}  [{candidate.entry}]"
            for candidate in candidates[:5]
        ]
    return "\n".join(lines)
