"""The prompts that belong to an episode as it stands: what to ask, say and think of now. Pure."""

from collections.abc import Iterable, Iterator

from workflows.clocks import Clock
from workflows.facts import Child, Known
from workflows.instants import london_day
from workflows.policy import Pack, Prompt


def prompts_now(pack: Pack, clocks: Iterable[Clock], known: Known, child: Child) -> Iterator[tuple[str, Prompt]]:
    """Each prompt whose clock is owed, or has fired unsettled, or whose fact is known, for this child."""
    owed = {clock.id for clock in clocks if clock.state.owed}
    happened = {fact.kind for fact in known.facts}
    gone_on = london_day(known.missing_since() or known.as_of)
    described = known.child(child)
    for prompt_id, prompt in pack.prompts.items():
        if not prompt.applies.to(described, gone_on):
            continue
        if owed & set(prompt.beside) or happened & set(prompt.after):
            yield prompt_id, prompt
