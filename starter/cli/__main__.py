"""The `homeward` program."""

import gc
import os
import sys
from typing import NoReturn


def main() -> NoReturn:
    """Run and leave.

    What is loaded stays: to look through it for garbage while it is loaded
    would take nearly half of a command's time.

    The engine's client can crash an interpreter that tears itself down just
    after the last call, so the process leaves at once when all is written.
    """
    gc.disable()
    from starter.cli.main import run  # noqa: PLC0415 - this is the loading

    gc.freeze()
    gc.enable()
    status = run(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    main()
