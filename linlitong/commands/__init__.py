"""One file for each command of the command line; see linlitong/cli.py."""
