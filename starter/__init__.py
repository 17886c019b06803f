"""What people and systems use: settings, the client, commands, the command line, the embedded stack."""
