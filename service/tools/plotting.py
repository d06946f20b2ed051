"""The pictures of `./henji evaluate --plot`: are the probabilities true, and what does answering more cost."""

from pathlib import Path
from typing import Any, cast

from service.core.judging import reliability, risk_coverage
from service.errors import InputError
from service.tools.evaluating import Evaluation


def plot(evaluations: list[Evaluation], file: Path) -> None:
    """Draw a row for each evaluation: reliability diagram and risk-coverage curve. Raises InputError."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = cast("Any", plt).subplots(
        len(evaluations), 2, figsize=(10, 4.5 * len(evaluations)), squeeze=False, layout="constrained"
    )
    for (left, right), evaluation in zip(axes, evaluations, strict=True):
        _draw_reliability(left, evaluation)
        _draw_risk(right, evaluation)
    try:
        figure.savefig(file, dpi=120)
    except (OSError, ValueError) as error:
        raise InputError(f"{file}: the plot cannot be written: {error}") from error
    finally:
        cast("Any", plt).close(figure)


def _draw_reliability(axes: Any, evaluation: Evaluation) -> None:
    summary = evaluation.summary
    curve = reliability(evaluation.questions, summary.share)
    axes.plot([0, 1], [0, 1], color="0.7", linewidth=1)
    axes.plot(curve.x, curve.y, marker="o", color="#06703a")
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="probability of the best entry", ylabel="share that was right")
    axes.set_title(
        f"{Path(evaluation.file).parent.name or evaluation.file}: reliability ({summary.calibration_error:.3f} off)"
    )


def _draw_risk(axes: Any, evaluation: Evaluation) -> None:
    summary = evaluation.summary
    curve = risk_coverage(evaluation.questions, summary.share)
    axes.plot(curve.x, curve.y, color="#06703a")
    axes.axhline(summary.promise, color="#b3261e", linewidth=1, label=f"promise {summary.promise:.0%}")
    if summary.kept_at_share is not None:
        answered = _answered_at_share(evaluation)
        axes.plot([answered], [1 - summary.kept_at_share], "o", color="#b3261e", label="as answered")
    axes.set(xlim=(0, 1), ylim=(0, None), xlabel="share of messages answered", ylabel="share of answers that was wrong")
    axes.set_title(f"risk and coverage at {summary.share:.0%} unanswerable")
    axes.legend()


def _answered_at_share(evaluation: Evaluation) -> float:
    shares = [
        sum(each.outcome == "answer" for each in kind) / len(kind)
        for answerable in (True, False)
        if (kind := [each for each in evaluation.questions if bool(each.entries) == answerable])
    ]
    share = evaluation.summary.share
    return (1 - share) * shares[0] + share * shares[1] if len(shares) > 1 else shares[0]
