"""From ``conf/`` and the command line to frozen specs: the only package that sees a DictConfig."""
