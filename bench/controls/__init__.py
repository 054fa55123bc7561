"""Control studies: orderings that are known, and differences that cannot be. See ``__main__``."""
