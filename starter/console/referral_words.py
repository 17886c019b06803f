"""What an interview provider's referrals and answers are called, and how their forms are asked. Pure."""

from collections.abc import Mapping
from typing import Final

from starter.console.episode.detail_words import choice_in_words, label_of
from starter.console.episode.kinds import COMES_OF_IT
from starter.console.episode.record_form import LONG
from starter.console.fields import Label
from starter.console.model_form import FormWords, ModelForm
from starter.referrals import ANSWERS, BECOMES, Referral, ReferralState

STATE_WORDS: Final[Mapping[ReferralState, str]] = {
    "handed_over": "Not offered yet",
    "offered": "Offered, and not answered",
    "accepted": "Accepted, and to be held",
    "declined": "Declined",
    "done": "Held, and to be written up",
}
"""How an interview stands that was not written up."""

WRITTEN_UP: Final = "Held, and written up"

ANSWER_TITLES: Final[Mapping[str, str]] = {
    "offered": "The interview was offered",
    "accepted": "The offer was accepted",
    "declined": "The offer was declined",
    "delayed": "The interview is delayed",
    "done": "The interview was held",
    "written_up": "The interview was written up",
}

WHEN_WORDS: Final[Mapping[str, str]] = {
    "offered": "When was it offered?",
    "accepted": "When was it accepted?",
    "declined": "When was it declined?",
    "delayed": "When did you learn that it is delayed?",
    "done": "When was it held?",
    "written_up": "When was it written up?",
}

LIKELY: Final[Mapping[ReferralState, tuple[str, ...]]] = {
    "handed_over": ("offered", "delayed"),
    "offered": ("accepted", "declined", "delayed"),
    "accepted": ("done", "delayed"),
    "declined": ("offered", "accepted"),
    "done": ("written_up",),
}
"""What is answered most often of an interview that stands so."""

_COMES: Final[Mapping[str, str]] = {
    "delayed": "The interview stays owed by the same time. The authority sees why it is late.",
}
_BY: Final[Mapping[str, str]] = {
    "offered": "Who offered it?",
    "accepted": "Who heard it?",
    "declined": "Who heard it?",
    "delayed": "Who says so?",
    "done": "Who held it?",
    "written_up": "Who wrote it up?",
}
_BY_HINT: Final = "A name. If you leave it empty, your organisation's name stands"
_OWN_CHOICES: Final[Mapping[tuple[str, str], str]] = {("reason", "other"): "Another reason"}
_NOT_ASKED: Final = frozenset({"answer", "at"})


def state_in_words(referral: Referral) -> str:
    """How a referral's interview stands."""
    return WRITTEN_UP if referral.written_up else STATE_WORDS[referral.state]


def is_to_do(referral: Referral) -> bool:
    """Whether the provider still has something to do for a referral."""
    return referral.state in ("handed_over", "offered", "accepted") or (
        referral.state == "done" and not referral.written_up
    )


def comes_of(answer: str) -> str | None:
    """What people must know before they send an answer; None for one of which nothing must be known."""
    return _COMES.get(answer) or COMES_OF_IT.get(BECOMES[answer])


def form_of_answer(answer: str) -> ModelForm:
    """The form of an answer, but for when it happened. Its labels raise KeyError for a field without words."""

    def label(field: str) -> Label:
        return Label(_BY[answer], _BY_HINT) if field == "by" else label_of(BECOMES[answer], field)

    def choice(field: str, value: str) -> str:
        return _OWN_CHOICES.get((field, value)) or choice_in_words(field, value)

    return ModelForm(ANSWERS[answer], FormWords(label, choice, LONG), besides=_NOT_ASKED)
