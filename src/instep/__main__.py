"""``python -m instep``."""

import sys

from instep.cli.main import main

sys.exit(main())
