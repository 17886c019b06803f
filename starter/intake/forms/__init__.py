"""Forms as others fill them in, as JSON documents: a children's home's, and a police force's notification."""
