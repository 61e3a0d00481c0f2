"""The paper's figures, drawn from tidy CSV files and image arrays alone."""
