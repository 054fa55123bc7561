"""One training run: ``run.run_trial`` takes a spec and returns a result."""
