"""What would run of a file's episodes if they began now."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from activities.policies import Policies
from starter.intake.table import RowVerdict
from workflows.clocks import plan
from workflows.vocabulary import ClockState


def clocks_that_would_run(rows: Iterable[RowVerdict], policies: Policies, now: datetime) -> dict[str, int]:
    """How many clocks of these rows' episodes would run, and how many would be overdue at once. `now` is UTC."""
    counts = Counter[str]()
    for row in rows:
        if row.report is None:
            continue
        pack = policies.pack(row.report.policy)
        facts = (*row.report.facts(str(row.report.report_id), now), *row.facts)
        clocks = plan(facts, row.report.circumstances(), pack, policies.calendar(pack.calendar), now)
        counts.update(clock.state.value for clock in clocks if clock.state.owed)
    return {"running": counts[ClockState.RUNNING], "overdue": counts[ClockState.OVERDUE]}
