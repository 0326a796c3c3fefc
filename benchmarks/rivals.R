# Reads tolerances from standard input, one a line; answers each with the seconds of a fit, and writes the
# coefficients, an intercept first, class after class, to the file "theta". Started by r_rivals.py.
source("rows.R")
package <- given[1]
strength <- as.numeric(given[2])
suppressPackageStartupMessages(library(package, character.only = TRUE))

fit_nnet <- function(tol) {
  binary <- K == 2
  targets <- if (binary) matrix(y) else nnet::class.ind(factor(y, levels = seq_len(K) - 1))
  q <- ncol(targets)
  net <- nnet::nnet(
    X, targets, size = 0, skip = TRUE, entropy = binary, softmax = !binary, rang = 0, trace = FALSE,
    decay = rep(c(0, rep(strength, p)), q), reltol = tol, abstol = 0, maxit = 1e7, MaxNWts = 1e8
  )
  net$wts
}
fit_glmnet <- function(tol) {
  family <- if (K == 2) "binomial" else "multinomial"
  model <- glmnet::glmnet(
    X, factor(y), family = family, alpha = 0, lambda = strength, standardize = FALSE, thresh = tol, maxit = 1e9
  )
  if (K == 2) c(model$a0, as.numeric(model$beta)) else rbind(as.numeric(model$a0), sapply(model$beta, as.numeric))
}
fit <- list(nnet = fit_nnet, glmnet = fit_glmnet)[[package]]

# What happens once per process is not timed: R compiles functions at their second call.
for (i in 1:3) {
  small <- as.matrix(iris[, 1:4])
  if (package == "nnet") nnet::nnet(small, nnet::class.ind(iris$Species), size = 0, skip = TRUE, softmax = TRUE, trace = FALSE)
  if (package == "glmnet") glmnet::glmnet(small, iris$Species, family = "multinomial", alpha = 0, lambda = 1)
}
cat("ready\n")
input <- file("stdin", "r")
while (length(line <- readLines(input, 1)) == 1) {
  tol <- as.numeric(line)
  start <- Sys.time()
  theta <- suppressWarnings(fit(tol))
  seconds <- as.numeric(difftime(Sys.time(), start, units = "secs"))
  writeBin(as.double(theta), file.path(folder, "theta"))
  cat(seconds, "\n", sep = "")
}
