"""Sites, advertisers, offices and listings."""
