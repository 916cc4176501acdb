"""CloudEvents, written with the state they tell of and relayed at least once."""
