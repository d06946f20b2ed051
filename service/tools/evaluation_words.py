"""An evaluation in words that a shop's owner understands, in Japanese and English."""

import unicodedata

from service.core.judging import Interval, Judged, Summary
from service.tools.questioning import ModelSummary

_MOST_NAMED = 5
# Columns of a terminal, where a Japanese sign takes two.
_NAME, _CELL = 52, 14


def in_words(
    place: str,
    summary: Summary,
    questions: tuple[Judged, ...],
    never_sure: tuple[str, ...],
    model: ModelSummary | None = None,
) -> str:
    """Write one evaluation as a table and sentences.

    `place` says what was held against what, `never_sure` are the questions of the entries that only clarify. `model`
    is what a language model was asked.
    """
    within = [judged for judged in questions if judged.entries]
    without = [judged for judged in questions if not judged.entries]
    s = summary
    lines = [
        place,
        "",
        f"  質問{len(questions)}件で試しました：FAQに答えがあるもの{len(within)}件、ないもの{len(without)}件。",
        f"  Tried {len(questions)} questions: {len(within)} that the FAQ answers, {len(without)} that it does not.",
        "",
        *_table(within, without),
        "",
        _line("自動回答のうち正しいもの", "right among the answers", s.kept, s.kept_interval),
        _line(f"　FAQにない質問が{percent(s.share)}なら", "at that share", s.kept_at_share, s.kept_at_share_interval),
        _line("FAQにある質問に正しく自動回答", "answered rightly", s.right, s.right_interval),
        _line("　選択肢に正解があるものも含めて", "or among the choices", s.near, s.near_interval),
        f"  {_padded('確率のずれ  calibration error', _NAME)}{s.calibration_error:.3f}",
        "",
        *_asked(model),
        *_verdict(s),
        *_only_clarified(never_sure, promises_anything=s.promises_anything),
    ]
    return "\n".join(lines)


def _table(within: list[Judged], without: list[Judged]) -> list[str]:
    """What became of the questions, a column for those with an answer and one for those without."""

    def counted(ja: str, en: str, outcome: str) -> str:
        cells = [_count([judged.outcome == outcome for judged in judged_ones]) for judged_ones in (within, without)]
        return _row(ja, en, *cells)

    answered = [judged for judged in within if judged.outcome == "answer"]
    right = sum(judged.right for judged in answered)
    astray = sum(judged.outcome == "answer" for judged in without)
    among = sum(judged.near and judged.outcome == "clarify" for judged in within)
    return [
        _row("", "", "FAQにある", "FAQにない"),
        _row("", "", "in the FAQ", "not in it"),
        counted("自動で回答", "answered", "answer"),
        _row("　正しい回答", "right", f"{right}"),
        _row("　まちがった回答", "wrong", f"{len(answered) - right}", f"{astray}"),
        counted("選択肢を表示", "asked back with choices", "clarify"),
        _row("　正しい答えを含む", "the right one among them", f"{among}"),
        counted("スタッフへ", "handed over", "handoff"),
    ]


def _asked(model: ModelSummary | None) -> list[str]:
    """What the language model was asked, and how it did on the probes."""
    if model is None:
        return []
    lines = [
        f"  AIに{model.asked}回たずねました（うち試験{model.probes}回、判定なし{model.failed}回）。",
        f"  Asked the model {model.asked} times: {model.probes} probes; {model.failed} times without a verdict.",
    ]
    if model.threshold is None:
        return [
            *lines,
            "  試験が足りず、AIの判定は、いちばん近いFAQと同じで確率50%以上のときだけ使いました。",
            "  Too few probes: its pick counted only where the ranking agreed, with 50% or more.",
            "",
        ]
    right, wrong, astray = percent(model.right), percent(model.wrong), percent(model.astray)
    return [
        *lines,
        f"  試験では、候補に正解があるとき、{right}で正解、{wrong}で別のFAQを選びました。",
        f"  候補に正解がないのに何かを選んだのは{astray}です。",
        f"  With the right entry shown it picked that {right}, another {wrong}; without it, one all the same {astray}.",
        f"  AIの判定で回答したのは、正しい確率が{percent(model.threshold)}以上のときです。",
        f"  Its pick was answered from a probability of {percent(model.threshold)} on.",
        "",
    ]


def _verdict(s: Summary) -> list[str]:
    limit = percent(s.promise)
    if not s.promises_anything:
        only = "言い回しと同じ文にだけ自動で回答し、ほかは選択肢をお見せします。"
        return [
            f"  言い回しが少なく、「まちがい{limit}以下」をお約束できません。{only}",
            f"  Too few phrasings to promise {limit}: only exact phrasings are answered; else we ask back.",
        ]
    match s.kept_at_share_interval:
        case None:
            ja, en = "自動回答がなく、確かめられません", "nothing was answered, so nothing is known"
        case (low, _) if low >= 1 - s.promise:
            ja, en = "守られています", "kept"
        case (_, high) if high < 1 - s.promise:
            ja, en = "守られていません", "broken"
        case _:
            ja, en = "誤差の範囲で守られています", "kept within the margin of error"
    return [f"  約束（まちがい{limit}以下）：{ja}  Promise of at most {limit} wrong: {en}."]


def _only_clarified(questions: tuple[str, ...], *, promises_anything: bool) -> list[str]:
    if not questions or not promises_anything:
        return []
    named = "、".join(f"「{question}」" for question in questions[:_MOST_NAMED])
    rest = " ほか" if len(questions) > _MOST_NAMED else ""
    return [
        f"  選択肢でしかお答えしないFAQが{len(questions)}件あります（{named}{rest}）。言い回しを足してみてください。",
        f"  {len(questions)} entries are only offered as choices; try adding phrasings to them.",
    ]


def percent(share: float | None) -> str:
    """Write a share with at most one decimal."""
    return "－" if share is None else f"{share * 100:.1f}%".replace(".0%", "%")


def _line(ja: str, en: str, share: float | None, interval: Interval | None) -> str:
    between = f"  95%区間 {percent(interval[0])}〜{percent(interval[1])}" if interval else ""
    return f"  {_padded(f'{ja}  {en}', _NAME)}{percent(share):>6}{between}"


def _count(hits: list[bool]) -> str:
    share = f"{percent(sum(hits) / len(hits)):>6}" if hits else ""
    return f"{sum(hits)} {share}"


def _row(ja: str, en: str, *cells: str) -> str:
    name = _padded(f"{ja}  {en}", _NAME)
    return f"  {name}{''.join(' ' * max(1, _CELL - _width(cell)) + cell for cell in cells)}".rstrip()


def _padded(text: str, width: int) -> str:
    return text + " " * max(1, width - _width(text))


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)
