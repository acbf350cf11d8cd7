"""GitHub and Copilot as seen over the wire. Deals in bytes, frames and plain arguments."""
