"""Ladders: which rungs are due now, and when to wake next. Pure."""
