"""`./henji customer erase`: a person's right to have deleted what is kept about them."""

import msgspec

from service.adapters.caretaking import Caretaker


async def erase(caretaker: Caretaker, customer: str) -> list[str]:
    """Delete all that is kept about a customer. Returns what was deleted, in counts."""
    erased = await caretaker.erase(customer, who="cli")
    counts = [f"{name} {count}" for name, count in msgspec.structs.asdict(erased).items()]
    problem = await caretaker.rewrite_log()
    log = f"not rewritten ({problem})" if problem else "is being rewritten without it"
    return [f"erased: {', '.join(counts)}", f"append-only file of Redis: {log}"]
