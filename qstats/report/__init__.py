"""The only layer that formats or draws."""
