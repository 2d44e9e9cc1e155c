"""Customer satisfaction by path models: a study of a survey, its index, and the tables behind it."""
