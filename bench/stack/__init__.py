"""Many trials of one task and model, trained at once."""
