"""The source fonts: digits drawn from font files, as the paper has them."""
