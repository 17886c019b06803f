"""The ways out: one module for each provider."""
