"""`python -m proxywrap` is `proxywrap`."""

from __future__ import annotations

import sys

from proxywrap.entry import main

sys.exit(main())
