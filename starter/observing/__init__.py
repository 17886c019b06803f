"""How processes are watched: what they log, what they count, and the traces of what they do."""
