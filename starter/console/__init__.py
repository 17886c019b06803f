"""The console: pages for people, over the same gate, sight and commands as the API."""
