"""The first version of the API: a router for each thing that people and systems speak of."""
