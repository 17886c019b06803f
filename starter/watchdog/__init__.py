"""Watching whether Homeward itself goes on, apart from all that it watches, and telling somebody when it does not."""
