"""What Alembic runs: the steps, over the connection it was given, in that connection's transaction."""

from collections.abc import Collection, Mapping
from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from alembic.runtime.migration import MigrationContext
from sqlalchemy import JSON, Connection, inspect, text

from activities.store.tables import Table, UtcInstant


def render_item(kind: str, item: Any, autogenerating: AutogenContext) -> str | Literal[False]:
    """Write our own types into a drafted step."""
    if kind == "type" and isinstance(item, UtcInstant):
        autogenerating.imports.add("from activities.store.tables import UtcInstant")
        return "UtcInstant()"
    if kind == "type" and isinstance(item, JSON):
        autogenerating.imports.add("from sqlalchemy.dialects import postgresql")
        return 'sa.JSON().with_variant(postgresql.JSONB(), "postgresql")'
    return False


def note_step(ctx: MigrationContext, step: Any, heads: Collection[Any], run_args: Mapping[str, Any]) -> None:  # noqa: ARG001 - Alembic names them
    """Write down how old a worker may be that goes on by the schema after a step.

    A step that is not backward compatible serves only those who know it; one
    that is serves whoever the step before it served.
    """
    connection = ctx.connection
    if connection is None or not inspect(connection).has_table("schema_note"):
        return
    about = {"revision": step.up_revision_id}
    connection.execute(text("DELETE FROM schema_note WHERE revision = :revision"), about)
    if not step.is_upgrade:
        return
    about |= {"back_to": step.up_revision_id}
    if step.up_revision.module.BACKWARD_COMPATIBLE:
        asked = text("SELECT compatible_back_to FROM schema_note WHERE revision = :revision")
        before = {"revision": step.up_revision.down_revision}
        about["back_to"] = connection.scalar(asked, before) or step.up_revision_id
    connection.execute(
        text("INSERT INTO schema_note (revision, compatible_back_to) VALUES (:revision, :back_to)"), about
    )


def run() -> None:
    """Run the steps that were asked for."""
    connection: Connection = context.config.attributes["connection"]
    context.configure(
        connection=connection,
        target_metadata=Table.metadata,
        render_item=render_item,
        render_as_batch=connection.dialect.name == "sqlite",
        compare_type=True,
        on_version_apply=note_step,
    )
    context.run_migrations()


run()
