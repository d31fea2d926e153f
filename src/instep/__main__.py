"""``python -m instep``."""

import sys

# ``-m`` looks for modules in the current directory first, and that may be anybody's.
if not sys.flags.safe_path and sys.path and not __file__.startswith(sys.path[0] + "/instep/"):
    del sys.path[0]

from instep.cli.main import main

sys.exit(main())
