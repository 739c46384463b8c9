"""Users, roles, tokens and the wall between advertisers."""
