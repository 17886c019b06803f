"""Whether a form is about an episode that is there, about a new one, or whether a person must say. Pure.

Sure is: the same police reference; or the same child, in an absence that the
form's times fall into. Whatever speaks against one of these makes it unsure:
then a person is asked and nothing is recorded meanwhile, since a child counted
twice is told about twice, and what is added to the wrong child's episode stops
the right one's clocks. Nobody is asked about what is hidden from them.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final, Literal

from activities.store.placing import KnownEpisode, plain
from starter.intake.forms.reading import ReadForm

BEFORE: Final = timedelta(hours=12)
"""How long before an episode is known to have begun a form may speak of the same absence: homes tell late."""


@dataclass(frozen=True)
class Placed:
    """Where a form belongs: 'there' with the episode, 'new', or 'unsure' with those it may be about; and why.

    `perhaps_a_duplicate`: it is new as far as its sender may see, and may be about an episode that is hidden.
    """

    where: Literal["there", "new", "unsure"]
    why: str
    episodes: tuple[str, ...] = ()
    perhaps_a_duplicate: bool = False


def place(form: ReadForm, known: Sequence[KnownEpisode]) -> Placed:
    """Where a form belongs among the episodes that it may be about."""
    by_reference = [
        one for one in known if form.police_reference and plain(form.police_reference) in one.police_references
    ]
    if by_reference:
        return _by_reference(form, by_reference, known)
    if form.child.reference:
        return _by_child(form, [one for one in known if one.child_reference == form.child.reference], known)
    return _by_birth(form, [one for one in known if one.away])


def place_without(form: ReadForm, known: Sequence[KnownEpisode], hidden: Collection[str]) -> Placed:
    """Where a form that is unsure belongs, told to somebody from whom some of the episodes are hidden.

    What is hidden is neither named nor asked about, and the words are those for
    an absence that nobody knows. The form is not left unrecorded for that: with
    nothing to ask, it is new, since a child told about twice is better than one
    nobody looks for, and somebody who may see all looks whether it is a duplicate.
    """
    placed = place(form, [one for one in known if one.episode_id not in hidden])
    if placed.where == "new":
        return replace(placed, perhaps_a_duplicate=True)
    if placed.where == "there":
        return Placed("unsure", "it may be about an episode that is there", placed.episodes)
    return placed


def _by_reference(form: ReadForm, found: list[KnownEpisode], known: Sequence[KnownEpisode]) -> Placed:
    ids = tuple(one.episode_id for one in found)
    if len(found) > 1:
        return Placed("unsure", "more than one episode has that police reference", ids)
    (one,) = found
    if form.child.reference and one.child_reference and form.child.reference != one.child_reference:
        others = (e.episode_id for e in known if e.child_reference == form.child.reference and e.away)
        return Placed("unsure", "the episode of that police reference is another child's", (*ids, *others))
    if form.born and one.born and form.born != one.born:
        return Placed("unsure", "the child of that police reference has another date of birth", ids)
    if one.closed:
        return Placed("unsure", "the episode of that police reference is closed", ids)
    return Placed("there", "the same police reference", ids)


def _by_child(form: ReadForm, own: list[KnownEpisode], known: Sequence[KnownEpisode]) -> Placed:
    fits = [one for one in own if _same_absence(form, one)]
    ids = tuple(one.episode_id for one in fits)
    if len(fits) > 1:
        return Placed("unsure", "the child has more than one episode at that time", ids)
    away = tuple(one.episode_id for one in own if one.away)
    if not fits and away:
        return Placed("unsure", "the child is away already, by an episode that began at another time", away)
    if not fits:
        return _unless_unnamed(form, known)
    (one,) = fits
    mine = plain(form.police_reference or "")
    if mine and one.police_references and mine not in one.police_references:
        return Placed("unsure", "the child's episode has another police reference", ids)
    if form.born and one.born and form.born != one.born:
        return Placed("unsure", "the child of that number has another date of birth", ids)
    return Placed("there", "the same child, and the same absence", ids)


def _same_absence(form: ReadForm, one: KnownEpisode) -> bool:
    """Whether the form's times fall into an episode that is not closed."""
    first, _ = form.gone
    began = one.since is None or first >= one.since - BEFORE
    return began and not one.closed and (one.returned is None or first <= one.returned)


def _unless_unnamed(form: ReadForm, known: Sequence[KnownEpisode]) -> Placed:
    """New, unless a child without a number is away who was born on the same day."""
    unnamed = [one for one in known if one.away and one.child_reference is None]
    like = tuple(one.episode_id for one in unnamed if form.born and one.born == form.born)
    if like:
        return Placed("unsure", "a child without a number is away who was born on the same day", like)
    return Placed("new", "no episode of the child that you may see is about that time")


def _by_birth(form: ReadForm, away: list[KnownEpisode]) -> Placed:
    """A child who is not named by a number can only be like another: that is for a person to say."""
    like = [one for one in away if form.born is None or one.born is None or one.born == form.born]
    like = [one for one in like if _same_absence(form, one)]
    if like:
        why = "a child is away who may be the same" if form.born else "the form tells neither number nor date of birth"
        return Placed("unsure", why, tuple(one.episode_id for one in like))
    return Placed("new", "no child whom you may see is away who could be the same")
