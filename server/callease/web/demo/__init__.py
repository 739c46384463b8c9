"""The demo: an invented property portal of Kazakhstan and a telephone to ring it with."""
