"""Who may do what with the tables, on PostgreSQL: the application's user can add to the audit and cannot change it.

The owner makes the tables and brings them up; workers, the service and
commands work as another role, which has what they need and no more.
"""

from typing import Final

from sqlalchemy import Connection, inspect, text

AUDIT: Final = "audit"
_REVISION: Final = "alembic_version"
_EVERY_TABLE: Final = "SELECT, INSERT, UPDATE, DELETE"
_NOT_ON_THE_AUDIT: Final = ("UPDATE", "DELETE", "TRUNCATE", "TRIGGER")


def grant(connection: Connection, role: str) -> None:
    """Give a role what the application needs, and take from it what it does not, in the connection's transaction.

    Raises ValueError, one line, when the role could change the audit all the
    same, or whoever asks is not the owner of the tables.
    """
    if connection.dialect.name != "postgresql":
        raise ValueError("an SQLite file knows no roles; who may open the file may do all with it")
    if AUDIT not in inspect(connection).get_table_names():
        raise ValueError("there is no audit yet: run 'homeward database upgrade' before")
    _check(connection, role)
    name, schema = _quoted(connection, role), _quoted(connection, _schema(connection))
    audit = f"{schema}.{AUDIT}"
    for statement in (
        f"REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM {name}",
        f"REVOKE ALL ON SCHEMA {schema} FROM {name}",
        f"REVOKE ALL ON {audit} FROM PUBLIC",
        f"GRANT USAGE ON SCHEMA {schema} TO {name}",
        f"GRANT {_EVERY_TABLE} ON ALL TABLES IN SCHEMA {schema} TO {name}",
        f"REVOKE UPDATE, DELETE ON {audit} FROM {name}",
        f"REVOKE INSERT, UPDATE, DELETE ON {schema}.{_REVISION} FROM {name}",
        f"ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT {_EVERY_TABLE} ON TABLES TO {name}",
    ):
        connection.execute(text(statement))
    if still := _could_still(connection, role):
        raise ValueError(f"could change the audit all the same ({still}), by what another role that it is in may do")


def _check(connection: Connection, role: str) -> None:
    found = connection.execute(
        text("SELECT rolsuper, rolcanlogin FROM pg_roles WHERE rolname = :role"), {"role": role}
    ).first()
    if found is None:
        raise ValueError("there is no such role: CREATE ROLE ... LOGIN PASSWORD ... makes it")
    if found.rolsuper:
        raise ValueError("is a superuser's, who may do all; name a role that is not")
    owns = "SELECT pg_has_role(:role, relowner, 'MEMBER') FROM pg_class WHERE oid = CAST(:table AS regclass)"
    table = f"{_quoted(connection, _schema(connection))}.{AUDIT}"
    if not connection.scalar(text(owns.replace(":role", "current_user")), {"table": table}):
        raise ValueError("only the owner of the tables can give it anything: connect as the user that upgrades them")
    if connection.scalar(text(owns.replace(":role", "CAST(:role AS name)")), {"role": role, "table": table}):
        raise ValueError("owns the tables, or is in the role that does; name another")


def _could_still(connection: Connection, role: str) -> str:
    asked = text("SELECT has_table_privilege(CAST(:role AS name), CAST(:table AS text), :privilege)")
    table = f"{_quoted(connection, _schema(connection))}.{AUDIT}"
    values = {"role": role, "table": table}
    return ", ".join(one for one in _NOT_ON_THE_AUDIT if connection.scalar(asked, {**values, "privilege": one}))


def withhold_the_audit(connection: Connection) -> None:
    """Take from everybody but the owner what tables to come were promised, where the audit is one that just came."""
    if connection.dialect.name != "postgresql" or AUDIT not in inspect(connection).get_table_names():
        return
    held = text(
        "SELECT DISTINCT grantee.rolname FROM pg_class, aclexplode(relacl) AS given "
        "JOIN pg_roles AS grantee ON grantee.oid = given.grantee "
        "WHERE pg_class.oid = CAST(:table AS regclass) AND grantee.oid <> relowner "
        "AND given.privilege_type IN ('UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER')"
    )
    table = f"{_quoted(connection, _schema(connection))}.{AUDIT}"
    for role in connection.scalars(held, {"table": table}).all():
        name = _quoted(connection, role)
        connection.execute(text(f"REVOKE {', '.join(_NOT_ON_THE_AUDIT)} ON {table} FROM {name}"))


def _schema(connection: Connection) -> str:
    return str(connection.scalar(text("SELECT current_schema()")))


def _quoted(connection: Connection, name: str) -> str:
    # Whatever stands in a name, and text() takes no colon for a parameter's.
    return connection.dialect.identifier_preparer.quote_identifier(name).replace(":", r"\:")
