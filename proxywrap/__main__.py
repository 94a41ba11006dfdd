"""`python -m proxywrap` is `proxywrap`."""

from __future__ import annotations

import sys

from proxywrap.cli import main

sys.exit(main())
