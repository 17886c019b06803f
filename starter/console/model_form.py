"""A form that is made of a model: a field for each of its fields, a group for each model within. Pure."""

from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import Enum
from functools import cached_property
from types import UnionType
from typing import Annotated, Any, Final, Literal, Union, cast, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from starter.console.fields import MOST_LETTERS, Field, Label, Options, Shape, Written, asks, chosen_by, text_said
from starter.console.forms import Mistakes, Posted
from workflows.fact_kinds import YES_NO
from workflows.plain_errors import BadInputError

_YES, _NO = YES_NO
_EITHER_WAY: Final = ((_YES, "Yes"), (_NO, "No"))
_NOT_KNOWN: Final = ("", "Not known")


@dataclass(frozen=True)
class FormWords:
    """The words of a form, by the paths of its fields: what they are called, what can be chosen, which are long."""

    label: Callable[[str], Label]
    choice: Callable[[str, str], str]
    long: Container[str]


@dataclass(frozen=True)
class Group:
    """Fields that stand together under a legend; without one they stand by themselves."""

    fields: tuple[Field, ...]
    legend: str = ""
    hint: str = ""


@dataclass(frozen=True)
class _Slot:
    """A field and its place in what the form says; `must` be there when anything else of the same thing is."""

    field: Field
    path: tuple[str, ...]
    truth: bool
    must: bool


@dataclass(frozen=True)
class ModelForm:
    """The form of a model, in these words. `besides` are fields of the model that the form does not ask for."""

    model: type[BaseModel]
    words: FormWords
    besides: frozenset[str] = frozenset()

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """Its fields in the model's order, what belongs together in groups."""
        made: list[Group] = []
        for group, _ in self._made:
            if made and not group.legend and not made[-1].legend:
                made[-1] = Group((*made[-1].fields, *group.fields))
            else:
                made.append(group)
        return tuple(made)

    @property
    def names(self) -> frozenset[str]:
        """The names of its fields."""
        return frozenset(slot.field.name for slot in self._slots)

    def filled(self, body: Mapping[str, Any]) -> Written:
        """The form as it would have said what a model says as JSON data."""
        written = Written()
        for slot in self._slots:
            value = _at(body, slot.path)
            if isinstance(value, list):
                written.many[slot.field.name] = tuple(str(one) for one in cast("list[object]", value))
            elif value is not None:
                said = (_YES if value else _NO) if slot.truth else str(value)
                written.said[slot.field.name] = said
        return written

    def posted(self, posted: Posted) -> Written:
        """The form as it was posted."""
        written = Written(said=posted.said(*(slot.field.name for slot in self._slots)))
        boxes = [slot.field.name for slot in self._slots if slot.field.shape == "boxes"]
        written.many = {name: posted.many(name) for name in boxes}
        return written

    def said(self, written: Written, wrong: Mistakes) -> dict[str, Any]:
        """What a form says, as JSON data for the model; what cannot be used goes into `wrong`, by its field."""
        found: dict[str, Any] = {}
        for slot in self._slots:
            try:
                text = text_said(slot.field, written)
            except BadInputError as error:
                wrong.take(error, slot.field.name)
                continue
            if text:
                _put(found, slot.path, _read(slot, text))
            elif slot.field.asked:
                wrong.add(slot.field.name, asks(slot.field))
        for slot in self._slots:
            if slot.must and slot.field.name not in written.said and _at(found, slot.path[:-1]):
                wrong.add(slot.field.name, asks(slot.field))
        return {name: _in_a_row(value) for name, value in found.items()}

    @cached_property
    def _made(self) -> list[tuple[Group, tuple[_Slot, ...]]]:
        return list(self._made_of(self.model, (), asked=True))

    @property
    def _slots(self) -> Iterator[_Slot]:
        for _, slots in self._made:
            yield from slots

    def _made_of(
        self, model: type[BaseModel], path: tuple[str, ...], *, asked: bool
    ) -> Iterator[tuple[Group, tuple[_Slot, ...]]]:
        for name, about in model.model_fields.items():
            if name in self.besides:
                continue
            kind, each = _plain(about.annotation), _each(about)
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                yield self._group(kind, (*path, name), "")
            elif isinstance(each, type) and issubclass(each, BaseModel):
                most = next(_limits(None, about.metadata))
                for number in range(most):
                    yield self._group(each, (*path, name, str(number)), f": {number + 1} of {most}")
            else:
                slot = self._slot(about, (*path, name), asked=asked)
                yield Group((slot.field,)), (slot,)

    def _group(self, model: type[BaseModel], path: tuple[str, ...], place: str) -> tuple[Group, tuple[_Slot, ...]]:
        within = tuple(slot for _, slots in self._made_of(model, path, asked=False) for slot in slots)
        label, hint = self.words.label(_named(path))
        return Group(tuple(slot.field for slot in within), f"{label}{place}", hint), within

    def _slot(self, about: FieldInfo, path: tuple[str, ...], *, asked: bool) -> _Slot:
        kind, each, named = _plain(about.annotation), _each(about), _named(path)
        label, hint = self.words.label(named)
        options = _options(each or kind, named, self.words)
        shape = _shape(kind, options, many=each is not None, long=named in self.words.long)
        must = about.is_required()
        if shape == "radios" and not must:
            # What was chosen once could else never be taken back.
            options = (*options, _NOT_KNOWN)
        most = next(_limits(about.annotation, about.metadata), MOST_LETTERS)
        field = Field(".".join(path), label, hint, shape, asked and must, options, most)
        return _Slot(field, path, kind is bool, must and not asked)


def in_fields_words(line: str) -> str:
    """A line about a model, 'people[0].name: ...', by the name that the form has for the field."""
    field, colon, sentence = line.partition(": ")
    return f"{field.replace('[', '.').replace(']', '')}{colon}{sentence}"


def _shape(kind: Any, options: Options, *, many: bool, long: bool) -> Shape:
    if many:
        return "boxes"
    if kind is date:
        return "day"
    if options:
        return chosen_by(options)
    return "lines" if long else "line"


def _options(kind: Any, named: str, words: FormWords) -> Options:
    if kind is bool:
        return _EITHER_WAY
    if isinstance(kind, type) and issubclass(kind, Enum):
        return tuple((one.value, words.choice(named, one.value)) for one in kind)
    values = get_args(kind) if get_origin(kind) is Literal else ()
    return tuple((value, words.choice(named, value)) for value in values)


def _plain(annotation: Any) -> Any:
    """A type without None and without what is asked of it besides."""
    if get_origin(annotation) is Annotated:
        return _plain(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return next(_plain(one) for one in get_args(annotation) if one is not type(None))
    return annotation


def _each(about: FieldInfo) -> Any:
    """The type of each of several; None where there is only one."""
    kind = _plain(about.annotation)
    return _plain(get_args(kind)[0]) if get_origin(kind) is tuple else None


def _limits(annotation: Any, besides: Iterable[object] = ()) -> Iterator[int]:
    """How long something may be, by all that is said of it."""
    for one in besides:
        most = getattr(one, "max_length", None)
        if isinstance(most, int):
            yield most
    if get_origin(annotation) is Annotated:
        yield from _limits(get_args(annotation)[0], get_args(annotation)[1:])
    elif get_origin(annotation) in (Union, UnionType):
        for one in get_args(annotation):
            yield from _limits(one)


def _named(path: tuple[str, ...]) -> str:
    """A field's path, the same for each of several."""
    return ".".join(step for step in path if not step.isdigit())


def _at(body: Any, path: tuple[str, ...]) -> Any:
    """What stands at a path; None where nothing does."""
    here = body
    for step in path:
        if isinstance(here, list):
            several = cast("list[object]", here)
            here = several[int(step)] if int(step) < len(several) else None
        else:
            here = cast("Mapping[str, object]", here).get(step) if here else None
    return here


def _put(body: dict[str, Any], path: tuple[str, ...], value: object) -> None:
    for step in path[:-1]:
        body = body.setdefault(step, {})
    body[path[-1]] = value


def _read(slot: _Slot, text: str) -> object:
    if slot.field.shape == "boxes":
        return text.split(",")
    return text == _YES if slot.truth else text


def _in_a_row(value: Any) -> Any:
    """Several things by their places as a list, without gaps; anything else as it is."""
    if not isinstance(value, dict):
        return value
    by_place = cast("dict[str, object]", value)
    return list(by_place.values()) if all(step.isdigit() for step in by_place) else by_place
