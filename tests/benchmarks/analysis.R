# R surveillance: Farrington's bound of the last month, series by series; reading the file is not counted.
arguments <- commandArgs(TRUE)
suppressMessages(library(surveillance))
counts <- as.matrix(read.csv(arguments[1], header = FALSE))
n <- ncol(counts)
for (i in seq_len(as.integer(arguments[2]))) {
  start <- proc.time()[["elapsed"]]
  control <- list(b = 5, w = 3, alpha = 0.01, powertrans = "2/3", trend = TRUE, reweight = TRUE, range = n)
  found <- lapply(seq_len(nrow(counts)), function(row) {
    algo.farrington(create.disProg(week = 1:n, observed = counts[row, ], state = rep(0, n), freq = 12), control)
  })
  cat("seconds", proc.time()[["elapsed"]] - start, "\n")
}
alarms <- sum(sapply(found, function(f) f$alarm[1]))
cat("said", alarms, "alarms, bound of the first", sprintf("%.6f", found[[1]]$upperbound[1]), "\n")
