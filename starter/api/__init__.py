"""The HTTP service: what providers and people ask of Homeward over the network."""
