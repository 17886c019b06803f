"""The database: what people read, search, count and keep. Production: PostgreSQL; embedded default: SQLite."""

from activities.store.engine import Store
from activities.store.failures import SchemaError, StoreUnavailableError

__all__ = ["SchemaError", "Store", "StoreUnavailableError"]
