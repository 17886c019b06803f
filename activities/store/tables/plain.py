"""References as they are looked for: without what people write otherwise each time."""

from typing import Any, Final

from sqlalchemy import ColumnElement, Computed, String, func, literal_column
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import DDLCompiler

_LEFT_OUT: Final = " \u00a0-\u2013/._"

PLAIN: Final = String().with_variant(String(collation="C"), "postgresql")
"""Compared letter by letter, so that an index finds what begins alike."""


def plainly(written: ColumnElement[Any]) -> ColumnElement[str]:
    """A reference without capitals, spaces, dashes, strokes, dots and underscores, as a database works it out."""
    for sign in _LEFT_OUT:
        written = func.replace(written, sign, "")
    return func.lower(written)


def letters_of(reference: str) -> int:
    """How many letters and figures of a reference are looked for."""
    return sum(letter not in _LEFT_OUT for letter in reference)


def plain_of(expression: str) -> Computed:
    """A column that the database keeps itself, whoever writes the row: another, plainly."""
    return Computed(plainly(literal_column(expression)))


@compiles(Computed, "postgresql")
def _stored(column: Computed, compiler: DDLCompiler, **_: Any) -> str:
    """PostgreSQL has indexes only of what is stored, and SQLite adds to a table only what is not."""
    expression = compiler.sql_compiler.process(column.sqltext, include_table=False, literal_binds=True)
    return f"GENERATED ALWAYS AS ({expression}) STORED"
