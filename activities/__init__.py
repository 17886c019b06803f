"""What touches the world: the store, the channels, the policy files. Thin, and idempotent by key."""
