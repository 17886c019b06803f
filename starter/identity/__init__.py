"""Who asks: people who signed in, and systems with a token."""
