# Reads tolerances from standard input, one a line; answers each with the seconds of a fit, and writes the
# coefficients, an intercept first, class after class, to the file "theta". Started by r_rivals.py.
given <- commandArgs(trailingOnly = TRUE)
package <- given[1]
folder <- given[2]
n <- as.integer(given[3])
p <- as.integer(given[4])
K <- as.integer(given[5])
entries <- as.integer(given[6])
strength <- as.numeric(given[7])
suppressPackageStartupMessages(library(package, character.only = TRUE))

numbers <- function(name, count, what = "double") {
  readBin(file.path(folder, name), what, count, size = if (what == "integer") 4L else 8L)
}
X <- if (entries > 0) {
  Matrix::sparseMatrix(
    i = numbers("indices", entries, "integer"), p = numbers("indptr", p + 1L, "integer"),
    x = numbers("X", entries), dims = c(n, p), index1 = FALSE
  )
} else {
  matrix(numbers("X", n * p), n, p)
}
y <- numbers("y", n, "integer")

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
