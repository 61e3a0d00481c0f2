"""Files: arrays, trees of arrays, tables, checkpoints, downloads."""
