"""Taking in episodes that another system has recorded: its export read row by row, nothing guessed in silence."""
