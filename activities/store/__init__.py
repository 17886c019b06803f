"""The database: what people read, search, count and keep. Production: PostgreSQL; embedded default: SQLite."""

from activities.store.engine import Store, StoreUnavailableError

__all__ = ["Store", "StoreUnavailableError"]
