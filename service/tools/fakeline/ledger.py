"""The ledger: what was said in each chat, in the order in which the customer saw it, and who listens for news."""

import asyncio
from collections import defaultdict
from collections.abc import Callable

from service.tools.fakeline.records import Seen, Wrote

Line = Seen | Wrote


class Bell:
    """Tells listeners that something changed in a chat (`chat` is empty when no chat is concerned)."""

    def __init__(self) -> None:
        self._listeners: list[Callable[[str], None]] = []

    def listen(self, listener: Callable[[str], None]) -> Callable[[], None]:
        """Call `listener(chat)` after every change; the function returned ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def ring(self, chat: str = "") -> None:
        """Tell all listeners."""
        for listener in tuple(self._listeners):
            listener(chat)

    async def until(self, condition: Callable[[], bool], timeout_s: float = 5.0) -> None:
        """Wait until `condition()` holds, looking again after every change. Raises TimeoutError."""
        woken = asyncio.Event()
        stop_listening = self.listen(lambda _chat: woken.set())
        try:
            async with asyncio.timeout(timeout_s):
                while not condition():
                    await woken.wait()
                    woken.clear()
        finally:
            stop_listening()


class Ledger:
    """Everything said, per chat and in order; `undelivered` holds what LINE accepted and no customer ever saw."""

    def __init__(self, bell: Bell) -> None:
        self._bell = bell
        self._lines: defaultdict[str, list[Line]] = defaultdict(list)
        self.undelivered: list[Seen] = []
        self.unsent: set[str] = set()

    def add(self, line: Line) -> None:
        """Put a bubble at the end of its chat."""
        self._lines[line.user].append(line)
        self._bell.ring(line.user)

    def add_undelivered(self, line: Seen) -> None:
        """Keep a bubble that was accepted and is never shown."""
        self.undelivered.append(line)
        self._bell.ring(line.user)

    def unsend(self, chat: str, message_id: str) -> None:
        """Note that a customer took a message back."""
        self.unsent.add(message_id)
        self._bell.ring(chat)

    def timeline(self, chat: str) -> list[Line]:
        """Both sides of a chat, in order. Unsent messages stay in it: see `unsent`."""
        return list(self._lines.get(chat, ()))

    def seen(self, chat: str | None = None) -> list[Seen]:
        """What the account's side said in a chat (None: in all chats), in order."""
        lines = self.timeline(chat) if chat is not None else [line for each in self._lines.values() for line in each]
        return [line for line in lines if isinstance(line, Seen)]

    def wrote(self, chat: str) -> list[Wrote]:
        """What customers sent in a chat, in order."""
        return [line for line in self.timeline(chat) if isinstance(line, Wrote)]
