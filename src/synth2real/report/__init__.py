"""The report stage: what an experiment came to and what it was, in one page and one manifest."""
