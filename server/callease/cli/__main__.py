"""`python -m callease.cli`."""

from callease.cli.main import main

raise SystemExit(main())
