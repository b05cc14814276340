"""Execute, validate and tidy the notebooks, which are kept with their outputs."""
