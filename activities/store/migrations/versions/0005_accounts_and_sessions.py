"""Local accounts with their secrets and tokens, sessions, sign-ins begun at a provider, wrong guesses.

Undone, every local account is lost, and everybody who signed in must do so again.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from activities.store.tables import UtcInstant

revision = "0005_accounts_and_sessions"
down_revision = "0004_disagreements"
branch_labels = None
depends_on = None

BACKWARD_COMPATIBLE = True
"""Whether workers of the version before go on while this is in place."""


def upgrade() -> None:
    """Make the tables."""
    _accounts()
    _sessions()


def _accounts() -> None:
    op.create_table(
        "account",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("authority", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("name_key", sa.String(), nullable=False),
        sa.Column("roles", sa.String(), nullable=False),
        sa.Column("person", sa.String()),
        sa.Column("provider", sa.String()),
        sa.Column("made_at", UtcInstant(), nullable=False),
        sa.Column("locked_at", UtcInstant()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
        sa.UniqueConstraint("authority", "name_key", name=op.f("uq_account_authority_name_key")),
    )
    op.create_table(
        "account_secret",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("made_at", UtcInstant(), nullable=False),
        sa.Column("until", UtcInstant()),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_account_secret_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_secret")),
    )
    op.create_index(op.f("ix_account_secret_account_id"), "account_secret", ["account_id"])
    op.create_table(
        "access_token",
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("issued_at", UtcInstant(), nullable=False),
        sa.Column("expires_at", UtcInstant(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_access_token_account_id")),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_access_token")),
    )
    op.create_index(op.f("ix_access_token_account_id"), "access_token", ["account_id"])
    op.create_index(op.f("ix_access_token_expires_at"), "access_token", ["expires_at"])


def _sessions() -> None:
    op.create_table(
        "web_session",
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("authority", sa.String(), nullable=False),
        sa.Column("principal_id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String()),
        sa.Column("principal", sa.JSON().with_variant(postgresql.JSONB(), "postgresql")),
        sa.Column("began_at", UtcInstant(), nullable=False),
        sa.Column("seen_at", UtcInstant(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_web_session_account_id")),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_web_session")),
    )
    op.create_index(op.f("ix_web_session_authority_principal_id"), "web_session", ["authority", "principal_id"])
    op.create_index(op.f("ix_web_session_account_id"), "web_session", ["account_id"])
    op.create_index(op.f("ix_web_session_began_at"), "web_session", ["began_at"])
    op.create_table(
        "sign_in",
        sa.Column("state_digest", sa.String(), nullable=False),
        sa.Column("browser_digest", sa.String(), nullable=False),
        sa.Column("back_to", sa.Text(), nullable=False),
        sa.Column("begun_at", UtcInstant(), nullable=False),
        sa.PrimaryKeyConstraint("state_digest", name=op.f("pk_sign_in")),
    )
    op.create_index(op.f("ix_sign_in_begun_at"), "sign_in", ["begun_at"])
    op.create_table(
        "wrong_guess",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("last_at", UtcInstant(), nullable=False),
        sa.Column("wait_until", UtcInstant()),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_wrong_guess")),
    )
    op.create_index(op.f("ix_wrong_guess_last_at"), "wrong_guess", ["last_at"])


def downgrade() -> None:
    """Take the tables away."""
    for table in ("wrong_guess", "sign_in", "web_session", "access_token", "account_secret", "account"):
        op.drop_table(table)
