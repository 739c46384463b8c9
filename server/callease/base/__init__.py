"""The ground floor: clock, ids, phones, errors, secrets, database, Redis and the outbox row."""
