"""The composite index: frameworks, scores, contributions."""
