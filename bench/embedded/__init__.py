"""An embedded store of MLflow, read by its tables: what answers at once does not import MLflow."""
