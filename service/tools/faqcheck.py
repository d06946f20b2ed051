"""`./henji faq check`: every problem of the FAQ folder, found by the same loader that serves it."""

from pathlib import Path

from service.adapters.faqfolder import read_sources
from service.core.contents import read_contents
from service.core.faq import format_problem


def check_folder(directory: Path) -> tuple[list[str], bool]:
    """Check a folder. Returns the problems, one line each, and whether there is an error among them.

    Raises KnowledgeError when there is no such folder.
    """
    problems = read_contents(read_sources(directory)).problems
    lines = [f"{format_problem(problem, 'ja')} ({problem.en})" for problem in problems]
    return lines, any(problem.severity == "error" for problem in problems)
