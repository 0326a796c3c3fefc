# Reads lines "thresh budget" from standard input; answers each with the CPU seconds of a path by glmnet, the mean of
# repetitions that fill the budget, and writes its points, class after class, strength after strength, an intercept
# first, to the file "theta". Arguments: the share of L1, "grouped" or "ungrouped", the number of strengths, which are in
# the file "strengths". Started by path_rivals.py.
source("rows.R")
l1_ratio <- as.numeric(given[1])
type <- given[2]
strengths <- numbers("strengths", as.integer(given[3]))
suppressPackageStartupMessages(library(glmnet))
# Every strength is asked for: a path does not end where little is left to explain.
glmnet.control(fdev = 0, devmax = 1, mnlam = length(strengths))
classes <- factor(y)
family <- if (K == 2) "binomial" else "multinomial"

path <- function(thresh) {
  suppressWarnings(glmnet(
    X, classes, family = family, alpha = l1_ratio, lambda = strengths, standardize = FALSE, thresh = thresh,
    maxit = 1e9, type.multinomial = type
  ))
}
cpu <- function() sum(proc.time()[c("user.self", "sys.self")])

# What happens once per process is not timed: R compiles functions at their second call.
for (i in 1:3) glmnet(as.matrix(iris[, 1:4]), iris$Species, family = "multinomial", lambda = c(0.1, 0.05))
for (i in 1:3) glmnet(as.matrix(iris[, 1:4]), iris$Species == "virginica", family = "binomial", lambda = c(0.1, 0.05))
cat("ready\n")
input <- file("stdin", "r")
while (length(line <- readLines(input, 1)) == 1) {
  asked <- as.numeric(strsplit(line, " ")[[1]])
  invisible(gc())
  start <- cpu()
  repetitions <- 0
  while (repetitions == 0 || cpu() - start < asked[2]) {
    model <- path(asked[1])
    repetitions <- repetitions + 1
  }
  seconds <- (cpu() - start) / repetitions
  betas <- if (K == 2) list(model$beta) else model$beta
  intercepts <- rbind(model$a0)
  output <- file(file.path(folder, "theta"), "wb")
  for (k in seq_along(betas)) writeBin(as.double(rbind(intercepts[k, ], as.matrix(betas[[k]]))), output)
  close(output)
  cat(seconds, "\n", sep = "")
}
