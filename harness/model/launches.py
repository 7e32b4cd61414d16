"""How many launches it takes for an interval."""

LEAST_LAUNCHES = 4
