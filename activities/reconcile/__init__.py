"""Comparing the database's rows with the engine's workflows, and mending what disagrees."""
