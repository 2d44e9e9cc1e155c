"""Questions asked of Estimates: change, targets, comparison."""
