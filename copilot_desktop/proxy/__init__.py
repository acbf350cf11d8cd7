"""The local server that editors talk to: the only place where client dialects meet Copilot."""
