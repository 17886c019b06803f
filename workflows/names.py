"""Names shared by all who speak to the engine: ids, queues, handlers. Nothing about a child is ever in one."""

from typing import Final
from uuid import UUID, uuid5

TASK_QUEUE: Final = "homeward-episodes"
EPISODE_WORKFLOW: Final = "MissingEpisode"
POSTBOX_WORKFLOW: Final = "Postbox"
MESSAGE_WORKFLOW: Final = "Message"
DIGEST_WORKFLOW: Final = "Digest"
RECONCILE_WORKFLOW: Final = "Reconcile"

SIGNAL_REPORTED: Final = "reported"
SIGNAL_FOUND: Final = "found"
SIGNAL_RHI_DONE: Final = "rhi_done"
SIGNAL_FACT: Final = "fact"
SIGNAL_LOOK_AGAIN: Final = "look_again"
SIGNAL_DIRECTORY_CHANGED: Final = "directory_changed"
SIGNAL_WRITE_AGAIN: Final = "write_again"
SIGNAL_NOTICE_POSTED: Final = "notice_posted"
SIGNAL_NOTICE_WAITS: Final = "notice_waits"
SIGNAL_RECEIPT: Final = "receipt"
SIGNAL_TRY_NOW: Final = "try_now"
UPDATE_RECORD: Final = "record"
QUERY_STATE: Final = "state"
QUERY_CLOCKS: Final = "clocks"
QUERY_TIMELINE: Final = "timeline"
QUERY_CARRIED: Final = "carried"

INTERVIEW_CLOCK: Final = "rhi"
"""The clock, in every pack that has one, of the interview itself."""

BREAK_GLASS: Final = "break_glass"
"""What stands in the place of a clock in the notice that a restricted record was opened."""

ACTION_DUTY: Final = "action-"
"""What the duty of an agreed action's task begins with; the id of the fact that agreed it follows."""

UNRETURNED_DUTY: Final = "unreturned-"
"""What the duty begins with of the task that asks for the return of another of the child's episodes; its id follows."""

ROLES_UNHELD: Final = "unheld-roles"
"""The duty of the task that asks for roles to be given to somebody."""

_WORKFLOW_PREFIX: Final = "episode-"
_POSTBOX_PREFIX: Final = "postbox-"
_MESSAGE_PREFIX: Final = "message-"
_NAMESPACE: Final = UUID("6f1d2e52-8a0e-5d0c-9a54-1d6f3a3f7b11")


def workflow_id(episode_id: str) -> str:
    """The engine's id of an episode's workflow. Episode ids are random."""
    return f"{_WORKFLOW_PREFIX}{episode_id}"


def episode_id_of(workflow: str) -> str:
    """The episode whose workflow this is."""
    return workflow.removeprefix(_WORKFLOW_PREFIX)


def postbox_id(person: str) -> str:
    """The engine's id of a person's postbox. `person` is Homeward's own random id."""
    return f"{_POSTBOX_PREFIX}{person}"


def person_of_postbox(workflow: str) -> str:
    """The person whose postbox this is."""
    return workflow.removeprefix(_POSTBOX_PREFIX)


def message_workflow_id(message: str) -> str:
    """The engine's id of the workflow that sends a message. Message ids are random."""
    return f"{_MESSAGE_PREFIX}{message}"


def message_of_workflow(workflow: str) -> str:
    """The message that this workflow sends."""
    return workflow.removeprefix(_MESSAGE_PREFIX)


def subject_of_message(message: str) -> str:
    """What a message is called where its id, the key of its page, must not be shown."""
    return derived_id(message, "message")


def digest_id(authority: str) -> str:
    """The engine's id of the schedule of an authority's digests."""
    return f"digest-{authority}"


def reconcile_id(authority: str) -> str:
    """The engine's id of the schedule by which an authority's rows are compared with its workflows."""
    return f"reconcile-{authority}"


def notice_key(episode_id: str, clock: str, rung: str, times: int, role: str) -> str:
    """The idempotency key of one notice: (episode, clock, rung and which climb of it, recipient)."""
    return f"{episode_id}/{clock}/{rung}/{times}/{role}"


def episode_of_notice(key: str) -> str:
    """The episode whose notice has this key."""
    return key.partition("/")[0]


def task_key(episode_id: str, duty: str) -> str:
    """The idempotency key of one task of an episode; `duty` is the clock it serves, or what raised it."""
    return f"{episode_id}/{duty}"


def episode_of_task(key: str) -> str:
    """The episode whose task has this key."""
    return key.partition("/")[0]


def duty_of(key: str) -> str:
    """What a task of this key serves: the clock, or what raised it."""
    return key.partition("/")[2]


def other_episode_of(duty: str) -> str | None:
    """The other episode that a task of this duty is about; None for a task that is about its own alone."""
    return duty.removeprefix(UNRETURNED_DUTY) if duty.startswith(UNRETURNED_DUTY) else None


def derived_id(parent: str, part: str) -> str:
    """An id that is the same each time it is worked out, for a part of something that has an id."""
    return str(uuid5(_NAMESPACE, f"{parent}/{part}"))
