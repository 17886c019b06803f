"""The steps by which the schema came to be what it is; `env.py` runs them, `versions/` holds them."""
