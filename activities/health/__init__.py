"""What does not move, and why: found by the rows and by the engine, and told without a word about a child."""
