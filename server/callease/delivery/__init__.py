"""The road of events to the outside: relay, signing, guarded HTTP."""
