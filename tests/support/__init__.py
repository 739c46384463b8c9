"""What tests of all kinds stand on: waiting, servers, the outside world's side of every conversation."""
