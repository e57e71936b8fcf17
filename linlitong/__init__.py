"""The command line and the supervisor: what a person starts, and what keeps the four processes running."""
