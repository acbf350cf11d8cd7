"""The loopback control plane: page, terminal and second launch talk to the core through it."""
