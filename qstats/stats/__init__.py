"""Formulas on arrays: no labels, no files."""
