"""How many numbers each office needs, and what would come of it: sizing, the planner, replays and simulations."""
