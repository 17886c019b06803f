"""What must happen and when: pure rules, and the workflows that keep them."""
