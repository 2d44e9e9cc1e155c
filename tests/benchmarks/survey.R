# R survey: design and estimates; reading the file is not counted.
arguments <- commandArgs(TRUE)
suppressMessages(library(survey))
rows <- read.csv(arguments[1])
for (i in seq_len(as.integer(arguments[2]))) {
  start <- proc.time()[["elapsed"]]
  design <- svydesign(id = ~psu, strata = ~stratum, weights = ~w, data = rows)
  found <- svyby(~passed, ~domain, denominator = ~inspected, design = design, FUN = svyratio)
  cat("seconds", proc.time()[["elapsed"]] - start, "\n")
}
cat("said", format(SE(found)[1], digits = 15), "\n")
