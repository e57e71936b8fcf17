"""What every test may use. No setting of the machine's own reaches a test, but for those named LINLITONG_TEST_*."""

import os

pytest_plugins = [
    "tests.support.browser",
    "tests.support.databases",
    "tests.support.notrun",
    "tests.support.system",
    "tests.support.workers",
    "tests.support.models",
]

for _name in list(os.environ):
    if _name.startswith("TELEGRAM_") or (_name.startswith("LINLITONG_") and not _name.startswith("LINLITONG_TEST_")):
        del os.environ[_name]
