"""What is wrong with one file, collected while it is read."""

from service.core.entries import Problem
from service.core.linetext import Finding


class Reporter:
    """Collects the problems of the file `name`, each by its line and in both languages."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.problems: list[Problem] = []

    def error(self, line: int, ja: str, en: str) -> None:
        self.problems.append(Problem(file=self.name, line=line, severity="error", ja=ja, en=en))

    def warn(self, line: int, ja: str, en: str) -> None:
        self.problems.append(Problem(file=self.name, line=line, severity="warning", ja=ja, en=en))

    def markup(self, finding: Finding) -> None:
        """Tell of markup that LINE cannot show: it would be sent as it stands."""
        line, kind, markup = finding
        if kind == "html":
            ja = f"HTML の {markup} は送れません。その部分を消してください。"
            self.error(line, ja, f"HTML cannot be sent: {markup}. Remove that part.")
        elif kind == "strike":
            ja = f"取り消し線 {markup} は LINE では表示できません。その部分を消してください。"
            self.error(line, ja, f"LINE cannot strike text out: {markup}. Remove that part.")
        else:
            ja = f"画像 {markup} は文の中には置けません。画像だけの行にしてください。"
            self.error(line, ja, f"An image cannot stand inside a line: {markup}. Put it on a line of its own.")
