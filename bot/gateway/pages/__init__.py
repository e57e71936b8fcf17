"""The resident page: what a browser or ``linlitong chat`` asks for over HTTP."""
