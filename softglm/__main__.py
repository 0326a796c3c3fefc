"""The command line: ``python -m softglm``."""

import sys

from softglm.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
